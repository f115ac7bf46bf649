package ipvs

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

const ipTCP = 6 // IANA protocol number

// The 13th and 14th byte of a TCP header without options: its length, and the flag.
const (
	tcpSYN = 0x5002
	tcpACK = 0x5010
)

// Where the fields stand in a frame.
const (
	ethernetHeader = 14
	ipHeader       = 20
	frameLength    = 60 // the least that Ethernet carries
	datagramLength = ipHeader + 20
	timeToLive     = 64
)

// frame is a packet of which the sender sets what differs: Ethernet, IPv4 and TCP without data, padded.
func frame() []byte {
	f := make([]byte, frameLength)
	binary.BigEndian.PutUint16(f[12:], 0x0800) // IPv4
	f[ethernetHeader] = 0x45                   // version and length of the header
	binary.BigEndian.PutUint16(f[ethernetHeader+2:], datagramLength)
	return f
}

// step is the packet of connection n that has the TCP flags. No two connections have the same client address and port,
// and neighbours in number are none in address, so that a table cannot profit from their order.
func step(n uint32, flags uint16) wireStep {
	mixed := n * 0x9e3779b1 // odd, so one to one
	client := netip.AddrFrom4([4]byte{198, 18 | byte(mixed>>31), byte(mixed >> 23), byte(mixed >> 15)})
	var s wireStep
	s.Addresses.Client, s.Addresses.Vip = rawAddress(client), rawAddress(virtualServer().Addr())
	s.Middle.Ttl, s.Middle.Protocol = timeToLive, ipTCP
	s.Middle.Checksum = raw(ipChecksum(client, virtualServer().Addr()))
	s.Ports.Client, s.Ports.Vip = raw(0x8000|uint16(mixed&0x7fff)), raw(virtualServer().Port())
	s.Flags = raw(flags)
	return s
}

// ipChecksum is that of the IP header in a frame between the addresses (RFC 1071).
func ipChecksum(from, to netip.Addr) uint16 {
	header := frame()[ethernetHeader : ethernetHeader+ipHeader]
	header[8], header[9] = timeToLive, ipTCP
	copy(header[12:], from.AsSlice())
	copy(header[16:], to.AsSlice())
	var sum uint32
	for i := 0; i < len(header); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// openEach has every connection open: its SYN, and the ACK that ends the handshake.
func openEach(flows int) []wireStep {
	steps := make([]wireStep, 0, 2*flows)
	for n := range uint32(flows) {
		steps = append(steps, step(n, tcpSYN), step(n, tcpACK))
	}
	return steps
}

// useEach has one later packet of every connection, in an order that no table has them in, and the same in every run.
func useEach(flows int) []wireStep {
	steps := make([]wireStep, flows)
	for i, n := range rand.New(rand.NewPCG(1, 2)).Perm(flows) {
		steps[i] = step(uint32(n), tcpACK)
	}
	return steps
}

// The programs see addresses and numbers as they stand in the packet.

func rawAddress(a netip.Addr) uint32 {
	four := a.As4()
	return binary.NativeEndian.Uint32(four[:])
}

func raw(n uint16) uint16 {
	var two [2]byte
	binary.BigEndian.PutUint16(two[:], n)
	return binary.NativeEndian.Uint16(two[:])
}
