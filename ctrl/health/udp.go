package health

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// UDPSettings describe a UDP_CHECK. The zero value of every field but Network is its default.
type UDPSettings struct {
	// Network opens the sockets.
	Network Network
	// ConnectTimeout is how long to wait for a reply, or for the ICMP error that says there is nobody (keepalived:
	// connect_timeout). That a host is absent is known only when ARP has given up, which takes 3 s and more. Default
	// DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// Payload is what is sent (keepalived: payload). Default 32 bytes of text, as keepalived's.
	Payload []byte
	// RequireReply fails a server that does not reply (keepalived: require_reply). Default false: silence is healthy, only
	// an ICMP error is not.
	RequireReply bool
	// MinReply and MaxReply are the least and most bytes that a required reply may have (keepalived: min_reply_length,
	// max_reply_length). Default 0 and, where MaxReply is 0, 255.
	MinReply, MaxReply int
	// Reply is what a required reply must begin with, as far as it goes; a shorter one must be the beginning of it
	// (keepalived: require_reply with a value). Bits that are set in ReplyMask, which is empty or as long, may differ.
	Reply, ReplyMask []byte
}

// defaultMaxReply is keepalived's default of max_reply_length.
const defaultMaxReply = 255

// mostDatagram is the longest UDP payload, in bytes.
const mostDatagram = 65507

// longestReply is keepalived's limit of max_reply_length, in bytes.
const longestReply = 65535

// udpProbe is the probe of a UDP_CHECK.
type udpProbe struct {
	UDPSettings
	limits limits
}

// UDP returns the probe of a UDP_CHECK: it sends a datagram, and waits for an ICMP error or a reply. It returns an error if
// a setting is out of its range.
func UDP(settings UDPSettings) (Probe, error) {
	limits, err := limitsOf(settings.ConnectTimeout, 0)
	if err != nil {
		return nil, err
	}
	if settings.MaxReply == 0 {
		settings.MaxReply = defaultMaxReply
	}
	if len(settings.Payload) == 0 {
		settings.Payload = []byte("keepalived check - keepalived ch")
	}
	switch {
	case settings.Network == nil:
		return nil, errNoNetwork
	case settings.MinReply < 0 || settings.MaxReply > longestReply || settings.MinReply > settings.MaxReply:
		return nil, fmt.Errorf("reply of %d to %d bytes is not within 0 to %d", settings.MinReply, settings.MaxReply, longestReply)
	case len(settings.Payload) > mostDatagram:
		return nil, fmt.Errorf("payload of %d bytes does not fit a datagram", len(settings.Payload))
	case len(settings.ReplyMask) != 0 && len(settings.ReplyMask) != len(settings.Reply):
		return nil, errors.New("reply and its mask differ in length")
	}
	p := &udpProbe{settings, limits}
	return p.probe, nil
}

// probe is the [Probe].
func (p *udpProbe) probe(ctx context.Context, target Target) Answer {
	conn, err := dial(ctx, p.Network, "udp", target.Address, p.limits)
	if err != nil {
		return failed(err)
	}
	defer conn.Close()
	if err := p.exchange(conn); err != nil {
		return failed(fmt.Errorf("UDP to %v: %w", target.Address, err))
	}
	return Answer{}
}

func (p *udpProbe) exchange(conn *conn) error {
	if _, err := conn.Write(p.Payload); err != nil {
		return err
	}
	reply := make([]byte, p.MaxReply+1) // one more tells a reply that is too long from one that just fits
	n, err := conn.Read(reply)
	switch {
	case p.RequireReply && err == nil:
		return p.judge(reply[:n])
	case errors.Is(err, errSilent) && !p.RequireReply:
		return nil
	}
	return err
}

// judge says what is wrong with a reply.
func (p *udpProbe) judge(reply []byte) error {
	switch {
	case len(reply) > p.MaxReply:
		return fmt.Errorf("reply is longer than %d bytes", p.MaxReply)
	case len(reply) < p.MinReply:
		return fmt.Errorf("reply has %d bytes, want %d and more", len(reply), p.MinReply)
	}
	for i := range min(len(reply), len(p.Reply)) {
		var ignored byte
		if len(p.ReplyMask) > 0 {
			ignored = p.ReplyMask[i]
		}
		if (reply[i]^p.Reply[i])&^ignored != 0 {
			return fmt.Errorf("reply begins with %x, want %x", reply[:min(len(reply), len(p.Reply))], p.Reply)
		}
	}
	return nil
}
