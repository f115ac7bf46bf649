package main

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"drover/bench/testbed"
)

// echoAddress is the virtual server: the echo protocol of RFC 862 at the VIP.
func echoAddress() netip.AddrPort { return netip.AddrPortFrom(IPv4.virtualServer().Addr(), 7) }

// serveEcho answers the echoes that come to the VIP on a host, while it has the VIP, until ctx ends.
func serveEcho(ctx context.Context, host *testbed.Host, processors share) error {
	return host.Do(func() (err error) {
		socket, err := openEcho(echoAddress())
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, socket.close()) }()
		if err := processors.comeFirst(); err != nil {
			return err
		}
		for ctx.Err() == nil {
			const most = 100 * time.Millisecond // until ctx is asked again
			if err := awaitAny(most, socket); err != nil {
				return err
			}
			if err := socket.answerAll(); err != nil {
				return err
			}
		}
		return nil
	})
}

// answerAll sends back all that there is. What cannot be sent, as the VIP has just gone, is lost.
func (s *stampedSocket) answerAll() error {
	for {
		datagram, from, _, err := s.receive()
		if err != nil || len(datagram) == 0 {
			return err
		}
		if _, err := s.send(datagram, from); err != nil {
			return err
		}
	}
}
