package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// clientNews counts what the process of the client has told of its records.
type clientNews struct{ sent, answers, heard int }

// clientItem is an item of a record, as the process of the client writes it.
type clientItem struct {
	Kind     itemKind
	Priority uint8
	From     [4]byte
	Echo     int64
	At       time.Duration
}

type itemKind uint8

const (
	itemSent itemKind = iota
	itemAnswer
	itemAdvert
)

// tell writes what has come to the records since it was last called: what was sent before what was answered.
func (c *failoverClient) tell(told *clientNews, to io.Writer) (err error) {
	var items []byte
	add := func(item clientItem) {
		var failed error
		items, failed = binary.Append(items, binary.NativeEndian, item)
		err = errors.Join(err, failed)
	}
	sent, answers, heard := c.sent.all(), c.answers.all(), c.heard.all()
	for _, at := range sent[told.sent:] {
		add(clientItem{Kind: itemSent, At: at})
	}
	for _, a := range answers[told.answers:] {
		add(clientItem{Kind: itemAnswer, Echo: int64(a.echo), At: a.at})
	}
	for _, a := range heard[told.heard:] {
		add(clientItem{Kind: itemAdvert, From: a.from.As4(), Priority: a.priority, At: a.at})
	}
	*told = clientNews{len(sent), len(answers), len(heard)}
	if err == nil && len(items) > 0 {
		_, err = to.Write(items)
	}
	return err
}

// follow writes down what the process of the client tells, until that ends.
func (c *failoverClient) follow(from io.Reader) error {
	for reader := bufio.NewReader(from); ; {
		var item clientItem
		err := binary.Read(reader, binary.NativeEndian, &item)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = c.note(item)
		}
		if err != nil {
			return fmt.Errorf("hear what the client tells: %w", err)
		}
	}
}

func (c *failoverClient) note(item clientItem) error {
	switch item.Kind {
	case itemSent:
		return c.sent.add(item.At)
	case itemAnswer:
		return c.answers.add(answer{echo: int(item.Echo), at: item.At})
	case itemAdvert:
		return c.heard.add(advert{from: netip.AddrFrom4(item.From), priority: item.Priority, at: item.At})
	default:
		return fmt.Errorf("an item of kind %d", item.Kind)
	}
}
