package health

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// PingSettings describe a PING_CHECK.
type PingSettings struct {
	// Network opens the sockets.
	Network Network
	// ConnectTimeout is how long to wait for the reply (keepalived: connect_timeout). Default DefaultConnectTimeout.
	ConnectTimeout time.Duration
}

// Protocol numbers (IANA) that package icmp tells the families by.
const (
	protocolICMP   = 1
	protocolICMPv6 = 58
)

// Ping returns the probe of a PING_CHECK: it sends an ICMP echo request and wants the reply. It returns an error if a
// setting is out of its range.
func Ping(settings PingSettings) (Probe, error) {
	limits, err := limitsOf(settings.ConnectTimeout, settings.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	limits.whole = limits.step
	if settings.Network == nil {
		return nil, errNoNetwork
	}
	return func(ctx context.Context, target Target) Answer {
		conn, err := dial(ctx, settings.Network, "icmp", target.Address, limits)
		if err != nil {
			return failed(err)
		}
		defer conn.Close()
		if err := ping(conn, target.Address.Addr()); err != nil {
			return failed(fmt.Errorf("ping %v: %w", target.Address.Addr(), err))
		}
		return Answer{}
	}, nil
}

// ping asks and waits for the answer.
func ping(conn *conn, address netip.Addr) error {
	echo := icmp.Echo{ID: int(uint16(rand.Uint32())), Seq: int(uint16(rand.Uint32())), Data: pingData()}
	request, reply, protocol := icmp.Type(ipv4.ICMPTypeEcho), icmp.Type(ipv4.ICMPTypeEchoReply), protocolICMP
	if address.Unmap().Is6() {
		request, reply, protocol = ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, protocolICMPv6
	}
	message, err := (&icmp.Message{Type: request, Body: &echo}).Marshal(nil)
	if err != nil {
		return fmt.Errorf("make an echo request: %w", err)
	}
	if _, err := conn.Write(message); err != nil {
		return err
	}
	var packet [512]byte // the reply is as long as the request
	for {
		n, err := conn.Read(packet[:])
		if err != nil {
			return err
		}
		// Whatever else there is to hear from that address is not for this check.
		heard, err := icmp.ParseMessage(protocol, packet[:n])
		if err != nil || heard.Type != reply {
			continue
		}
		if got, ok := heard.Body.(*icmp.Echo); ok && got.ID == echo.ID && got.Seq == echo.Seq {
			return nil
		}
	}
}

// pingData is 128 bytes of text, as keepalived sends.
func pingData() []byte {
	const text, length = "keepalived check - ", 128
	data := make([]byte, 0, length+len(text))
	for len(data) < length {
		data = append(data, text...)
	}
	return data[:length]
}
