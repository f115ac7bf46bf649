package health

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// DNSSettings describe a DNS_CHECK. The zero value of every field but Network is its default.
type DNSSettings struct {
	// Network opens the sockets.
	Network Network
	// ConnectTimeout bounds the whole exchange (keepalived: connect_timeout). Default DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// Type is the type of record that is asked for, one of A, NS, CNAME, SOA, MX, TXT, AAAA, RRSIG and DNSKEY in any
	// case (keepalived: type). Default SOA.
	Type string
	// Name is the domain that is asked for, with or without the dot at its end (keepalived: name). Default the root.
	Name string
}

// Types that keepalived knows and package dnsmessage does not (RFC 4034).
const (
	typeRRSIG  dnsmessage.Type = 46
	typeDNSKEY dnsmessage.Type = 48
)

func dnsTypes() map[string]dnsmessage.Type {
	return map[string]dnsmessage.Type{
		"A": dnsmessage.TypeA, "NS": dnsmessage.TypeNS, "CNAME": dnsmessage.TypeCNAME, "SOA": dnsmessage.TypeSOA,
		"MX": dnsmessage.TypeMX, "TXT": dnsmessage.TypeTXT, "AAAA": dnsmessage.TypeAAAA, "RRSIG": typeRRSIG,
		"DNSKEY": typeDNSKEY,
	}
}

// dnsProbe is the probe of a DNS_CHECK.
type dnsProbe struct {
	network  Network
	limits   limits
	question dnsmessage.Question
}

// DNS returns the probe of a DNS_CHECK: it asks by UDP, and wants an answer without an error code, whatever it answers.
// As in keepalived, answers to something else are passed over. It returns an error if a setting is out of its range.
func DNS(settings DNSSettings) (Probe, error) {
	limits, err := limitsOf(settings.ConnectTimeout, settings.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	limits.whole = limits.step
	if settings.Network == nil {
		return nil, errNoNetwork
	}
	if settings.Type == "" {
		settings.Type = "SOA"
	}
	kind, known := dnsTypes()[strings.ToUpper(settings.Type)]
	if !known {
		return nil, fmt.Errorf("DNS type %q is none of %s", settings.Type, strings.Join(slices.Sorted(maps.Keys(dnsTypes())), " "))
	}
	name, err := dnsmessage.NewName(strings.TrimSuffix(settings.Name, ".") + ".")
	if err != nil {
		return nil, fmt.Errorf("DNS name %q: %w", settings.Name, err)
	}
	p := &dnsProbe{settings.Network, limits, dnsmessage.Question{Name: name, Type: kind, Class: dnsmessage.ClassINET}}
	if _, err := p.query(0); err != nil {
		return nil, fmt.Errorf("DNS name %q: %w", settings.Name, err)
	}
	return p.probe, nil
}

// probe is the [Probe].
func (p *dnsProbe) probe(ctx context.Context, target Target) Answer {
	conn, err := dial(ctx, p.network, "udp", target.Address, p.limits)
	if err != nil {
		return failed(err)
	}
	defer conn.Close()
	if err := p.exchange(conn); err != nil {
		return failed(fmt.Errorf("DNS %v of %v from %v: %w", p.question.Type, p.question.Name, target.Address, err))
	}
	return Answer{}
}

// query is the packet that asks.
func (p *dnsProbe) query(id uint16) ([]byte, error) {
	message := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{p.question},
	}
	return message.Pack()
}

func (p *dnsProbe) exchange(conn *conn) error {
	id := uint16(rand.Uint32())
	query, err := p.query(id)
	if err != nil {
		return err
	}
	if _, err := conn.Write(query); err != nil {
		return err
	}
	// What matters is in the header; the rest of a longer datagram is dropped by the kernel.
	var packet [512]byte
	for strays := 0; ; strays++ {
		n, err := conn.Read(packet[:])
		switch {
		case errors.Is(err, errSilent) && strays > 0:
			return fmt.Errorf("%w, but %d datagrams that are no answer to the question", err, strays)
		case err != nil:
			return err
		}
		header, answers := answerHeader(packet[:n], id)
		switch {
		case !answers:
		case header.RCode != dnsmessage.RCodeSuccess:
			return fmt.Errorf("answered with %s", strings.TrimPrefix(header.RCode.String(), "RCode"))
		default:
			return nil
		}
	}
}

// answerHeader reads the header of a packet and says whether it answers the query of this number.
func answerHeader(packet []byte, id uint16) (dnsmessage.Header, bool) {
	var parser dnsmessage.Parser
	header, err := parser.Start(packet)
	return header, err == nil && header.Response && header.ID == id
}
