package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strconv"
	"time"

	"drover/bench/testbed"
)

// echoAddress is the virtual server: the echo protocol of RFC 862 at the VIP.
func echoAddress() netip.AddrPort { return netip.AddrPortFrom(IPv4.virtualServer().Addr(), 7) }

// echoVariable makes a process the one of the echo servers. It is how many there are; their sockets are among its files.
const echoVariable = "DROVER_BENCH_ECHOES"

// serveEchoes answers the echoes that come to the VIP on hosts, while they have the VIP, until ctx ends.
func serveEchoes(ctx context.Context, hosts []*testbed.Host, processors share) error {
	var sockets []*os.File
	for _, host := range hosts {
		err := host.Do(func() error {
			socket, err := openEcho(echoAddress())
			if err != nil {
				return err
			}
			sockets = append(sockets, socket.file())
			return nil
		})
		if err != nil {
			return errors.Join(err, closeFiles(sockets))
		}
	}
	return assist(ctx, processors, echoVariable+"="+strconv.Itoa(len(hosts)), sockets, nil)
}

// runEchoServers makes the process the one of the echo servers, if that is what it was started for, and then never returns.
func runEchoServers() {
	if number := os.Getenv(echoVariable); number != "" {
		endAssistant(answerEchoes(number))
	}
}

// answerEchoes answers whatever comes to so many sockets, until the process is to end.
func answerEchoes(number string) error {
	count, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	servers, end, err := passedSockets(count)
	if err != nil {
		return err
	}
	awaited := append([]*stampedSocket{end}, servers...)
	for {
		if err := awaitAny(time.Hour, awaited...); err != nil || end.isOver() {
			return err
		}
		for _, s := range servers {
			if err := s.answerAll(); err != nil {
				return err
			}
		}
	}
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
