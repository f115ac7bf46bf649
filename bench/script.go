package main

import (
	"math/rand/v2"
	"net"
	"net/netip"

	"drover/bench/yardstick"
)

func balancerMAC() net.HardwareAddr { return net.HardwareAddr{0x02, 0, 0, 0, 0, 1} }

func routerMAC() net.HardwareAddr { return net.HardwareAddr{0x02, 0, 0, 0, 0, 2} }

// realMACs are the addresses of the real servers. They differ in the last byte only.
func realMACs() []net.HardwareAddr {
	macs := make([]net.HardwareAddr, yardstick.SinkLimitsREALS)
	for i := range macs {
		macs[i] = net.HardwareAddr{0x02, 0, 0, 0, 1, byte(i)}
	}
	return macs
}

// The 13th and 14th byte of a TCP header without options: its length, and the flag.
const (
	tcpSYN = 0x5002
	tcpACK = 0x5010
)

// step is the packet of connection n that has the TCP flags. No two connections have the same client address and port,
// and neighbours in number are none in address, so that a table cannot profit from their order.
func step(n uint32, flags uint16) yardstick.PlayerStep {
	mixed := n * 0x9e3779b1 // odd, so one to one
	client := netip.AddrFrom4([4]byte{198, 18 | byte(mixed>>31), byte(mixed >> 23), byte(mixed >> 15)})
	return yardstick.PlayerStep{
		Client: rawAddress(client), Port: rawPort(0x8000 | uint16(mixed&0x7fff)), Flags: rawPort(flags),
	}
}

// openEach has every connection open: its SYN, and the ACK that ends the handshake.
func openEach(flows int) []yardstick.PlayerStep {
	steps := make([]yardstick.PlayerStep, 0, 2*flows)
	for n := range uint32(flows) {
		steps = append(steps, step(n, tcpSYN), step(n, tcpACK))
	}
	return steps
}

// useEach has one later packet of every connection that openEach opens, in an order that no table has them in, and the
// same in every run.
func useEach(flows int) []yardstick.PlayerStep {
	steps := make([]yardstick.PlayerStep, flows)
	for i, n := range rand.New(rand.NewPCG(1, 2)).Perm(flows) {
		steps[i] = step(uint32(n), tcpACK)
	}
	return steps
}

// openMore has the SYNs of connections that openEach does not open.
func openMore(flows, count int) []yardstick.PlayerStep {
	steps := make([]yardstick.PlayerStep, count)
	for i := range steps {
		steps[i] = step(uint32(flows+i), tcpSYN)
	}
	return steps
}
