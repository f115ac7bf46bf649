package main

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"

	"drover/bench/yardstick"
)

// The benchmark has one virtual server. The addresses are those of RFC 5737 and RFC 2544 and leave no machine.
func virtualServer() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 80)
}

func balancerMAC() net.HardwareAddr { return net.HardwareAddr{0x02, 0, 0, 0, 0, 1} }

func routerMAC() net.HardwareAddr { return net.HardwareAddr{0x02, 0, 0, 0, 0, 2} }

func realMACs() []net.HardwareAddr {
	macs := make([]net.HardwareAddr, 4)
	for i := range macs {
		macs[i] = net.HardwareAddr{0x02, 0, 0, 0, 1, byte(i)}
	}
	return macs
}

const ipTCP = 6 // IANA protocol number

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
	var s yardstick.PlayerStep
	s.Addresses.Client, s.Addresses.Vip = rawAddress(client), rawAddress(virtualServer().Addr())
	s.Ports.Client, s.Ports.Vip = rawPort(0x8000|uint16(mixed&0x7fff)), rawPort(virtualServer().Port())
	s.Flags = rawPort(flags)
	return s
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

// frame is a packet of which the player sets addresses, ports and flags: Ethernet, IPv4 and TCP without data, padded to
// the least that Ethernet carries.
func frame() []byte {
	f := make([]byte, 60)
	binary.BigEndian.PutUint16(f[12:], 0x0800) // IPv4
	ip := f[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, ipTCP  // version and header length, TTL, TCP
	binary.BigEndian.PutUint16(ip[2:], 40) // length
	return f
}

// The programs see addresses and ports as they stand in the packet.

func rawAddress(a netip.Addr) uint32 {
	four := a.As4()
	return binary.NativeEndian.Uint32(four[:])
}

func rawPort(port uint16) uint16 {
	var two [2]byte
	binary.BigEndian.PutUint16(two[:], port)
	return binary.NativeEndian.Uint16(two[:])
}
