package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"drover/bench/testbed"
)

// failoverClient sends an echo to the VIP every millisecond, and hears the adverts on the LAN. What it writes down can
// be read while it goes on.
type failoverClient struct {
	begun   time.Time
	sent    *record[time.Duration]
	answers *record[answer]
	heard   *record[advert]
}

// longestRepetition bounds what a client writes down.
const longestRepetition = 5 * time.Minute

func newFailoverClient() *failoverClient {
	const echoes, adverts = int(longestRepetition / echoPeriod), int(longestRepetition / (5 * time.Millisecond))
	return &failoverClient{
		begun: time.Now(), sent: newRecord[time.Duration](echoes), answers: newRecord[answer](echoes),
		heard: newRecord[advert](2 * adverts),
	}
}

// now is the time since the beginning.
func (c *failoverClient) now() time.Duration { return time.Since(c.begun) }

// told is the time until which the client has told what it sent and heard, which is somewhat later than it did.
func (c *failoverClient) told() time.Duration {
	sent := c.sent.all()
	if len(sent) == 0 {
		return 0
	}
	return sent[len(sent)-1]
}

// echoes is what was sent and answered so far.
func (c *failoverClient) echoes() echoes {
	answers := c.answers.all() // first, so that each has its echo
	return echoes{sent: c.sent.all(), answers: answers}
}

// clientVariable makes a process the client. It is the time at which the repetition began, on the clock that does not jump.
const clientVariable = "DROVER_BENCH_CLIENT"

// run has a process ask from a host until ctx ends, and writes down what it tells.
func (c *failoverClient) run(ctx context.Context, host *testbed.Host, processors share) error {
	var sockets []*os.File
	err := host.Do(func() error {
		device, err := net.InterfaceByName(host.Interface())
		if err != nil {
			return err
		}
		echo, err := openEcho(netip.AddrPortFrom(host.Address(), 0))
		if err != nil {
			return err
		}
		sockets = append(sockets, echo.file())
		adverts, err := openAdverts(device.Index)
		if err != nil {
			return err
		}
		sockets = append(sockets, adverts.file())
		return nil
	})
	var now int64
	if err == nil {
		now, err = steadyClock()
	}
	if err != nil {
		return errors.Join(err, closeFiles(sockets))
	}
	begun := now - int64(c.now())
	return assist(ctx, processors, fmt.Sprintf("%s=%d", clientVariable, begun), sockets, c.follow)
}

// steadyClock is the clock that does not jump, in nanoseconds. It is the same for all processes.
func steadyClock() (int64, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return now.Nano(), nil
}

// runFailoverClient makes the process the client, if that is what it was started for, and then never returns.
func runFailoverClient() {
	if begun := os.Getenv(clientVariable); begun != "" {
		endAssistant(askSince(begun))
	}
}

// askSince is the process of the client, in a repetition that began at a time. Its one thread does all.
func askSince(begun string) error {
	at, err := strconv.ParseInt(begun, 10, 64)
	if err != nil {
		return err
	}
	sockets, end, err := passedSockets(2)
	if err != nil {
		return err
	}
	const backlog = 1 << 20 // bytes; some seconds' worth, in which nobody need listen
	if _, err := unix.FcntlInt(os.Stdout.Fd(), unix.F_SETPIPE_SZ, backlog); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	now, err := steadyClock()
	if err != nil {
		return err
	}
	c := newFailoverClient()
	c.begun = time.Now().Add(time.Duration(at - now))
	return c.ask(sockets[0], sockets[1], end, os.Stdout)
}

// ask sends in time and takes what comes in between, and tells of both. An echo that is late is not made up for.
func (c *failoverClient) ask(echo, adverts, end *stampedSocket, to io.Writer) error {
	var told clientNews
	for next := c.now(); !end.isOver(); {
		if now := c.now(); now >= next {
			if err := c.send(echo, now); err != nil {
				return err
			}
			next = nextBeat(next, echoPeriod, 0, now)
		}
		if err := c.tell(&told, to); err != nil {
			return err
		}
		if err := awaitAny(next-c.now(), echo, adverts, end); err != nil {
			return err
		}
		if err := errors.Join(c.take(echo, c.takeAnswer), c.take(adverts, c.takeAdvert)); err != nil {
			return err
		}
	}
	return nil
}

func (c *failoverClient) send(echo *stampedSocket, now time.Duration) error {
	number := binary.BigEndian.AppendUint64(nil, uint64(c.sent.length.Load()))
	if err := c.sent.add(now); err != nil {
		return err
	}
	vip := echoAddress()
	_, err := echo.send(number, &unix.SockaddrInet4{Addr: vip.Addr().As4(), Port: int(vip.Port())}) // if not: unanswered
	return err
}

// take writes down all that a socket has.
func (c *failoverClient) take(s *stampedSocket, note func([]byte, time.Duration) error) error {
	for {
		datagram, _, at, err := s.receive()
		if err != nil || len(datagram) == 0 {
			return err
		}
		if err := note(datagram, at.Sub(c.begun)); err != nil {
			return err
		}
	}
}

func (c *failoverClient) takeAnswer(datagram []byte, at time.Duration) error {
	if len(datagram) != 8 {
		return fmt.Errorf("an answer of %d bytes", len(datagram))
	}
	number := binary.BigEndian.Uint64(datagram)
	if number >= uint64(c.sent.length.Load()) {
		return fmt.Errorf("an answer to echo %d, which was not sent", number)
	}
	return c.answers.add(answer{echo: int(number), at: at})
}

// takeAdvert reads the packet as both versions of VRRP have it: RFC 3768 section 5.1, RFC 9568 section 5.1.
func (c *failoverClient) takeAdvert(packet []byte, at time.Duration) error {
	const wordBytes, sourceAt, priorityAt = 4, 12, 2
	header := int(packet[0]&0xf) * wordBytes
	if len(packet) < header+priorityAt+1 {
		return fmt.Errorf("a VRRP packet of %d bytes", len(packet))
	}
	from := netip.AddrFrom4([4]byte(packet[sourceAt:]))
	return c.heard.add(advert{from: from, priority: packet[header+priorityAt], at: at})
}
