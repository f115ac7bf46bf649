package dataplane

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Flags of a TCP header (RFC 9293, section 3.1).
const (
	fin = 0x01
	syn = 0x02
	rst = 0x04
	psh = 0x08
	ack = 0x10
)

// Offsets into a frame without VLAN tags.
const (
	atDestination = 0
	atSource      = 6
	atEtherType   = 12
	atIP          = 14
)

// Offsets into one of IPv4 without options.
const (
	atTOS       = 15
	atLength    = 16
	atFragment  = 20
	atProtocol  = 23
	atTransport = 34
)

// Offsets into one of IPv6 without extension headers.
const (
	atPayloadLength = 18
	atNextHeader    = 20
	atTransport6    = 54
)

const (
	arpRequest = 1
	arpReply   = 2
)

// ownMTU is that of the balancer's interface.
const ownMTU = 1500

// The balancer's interface and the router in front of it.
var (
	ownMAC    = MAC{0x00, 0x0d, 0xb9, 0x41, 0xe5, 0x40}
	routerMAC = MAC{0x00, 0x0d, 0xb9, 0x00, 0x00, 0x01}
	broadcast = MAC{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

// tcp builds a TCP segment without payload, from and to "address:port".
func tcp(from, to string, flags byte) []byte {
	return tcpFrom(netip.MustParseAddrPort(from), netip.MustParseAddrPort(to), flags)
}

func tcpFrom(from, to netip.AddrPort, flags byte) []byte {
	segment := ports(from, to)
	segment = binary.BigEndian.AppendUint32(segment, 0x01020304) // sequence number
	segment = binary.BigEndian.AppendUint32(segment, 0)
	segment = append(segment, 5<<4, flags, 0xfa, 0xf0, 0, 0, 0, 0)
	return ip(from.Addr(), to.Addr(), ProtocolTCP, segment)
}

// udp builds a datagram of four bytes, from and to "address:port".
func udp(from, to string) []byte {
	return udpFrom(netip.MustParseAddrPort(from), netip.MustParseAddrPort(to))
}

func udpFrom(from, to netip.AddrPort) []byte { return udpOf(from, to, []byte("ping")) }

func udpOf(from, to netip.AddrPort, data []byte) []byte {
	datagram := binary.BigEndian.AppendUint16(ports(from, to), uint16(8+len(data)))
	datagram = append(datagram, 0, 0)
	return ip(from.Addr(), to.Addr(), ProtocolUDP, append(datagram, data...))
}

func ports(from, to netip.AddrPort) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, from.Port()), to.Port())
}

// ip builds a packet of the family of its addresses.
func ip(from, to netip.Addr, protocol Protocol, payload []byte) []byte {
	if from.Is6() {
		return ipv6(from, to, protocol, payload)
	}
	return ipv4(from, to, protocol, payload)
}

func ipv4(from, to netip.Addr, protocol Protocol, payload []byte) []byte {
	header := []byte{0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, byte(protocol), 0, 0} // do not fragment, 64 hops
	header = append(append(header, from.AsSlice()...), to.AsSlice()...)
	return sized(ethernet(ownMAC, 0x0800, append(header, payload...)))
}

func ipv6(from, to netip.Addr, protocol Protocol, payload []byte) []byte {
	header := []byte{0x60, 0, 0, 0, 0, 0, byte(protocol), 64}
	header = append(append(header, from.AsSlice()...), to.AsSlice()...)
	return sized(ethernet(ownMAC, 0x86dd, append(header, payload...)))
}

// sized returns the frame with the length of its IP packet, and the checksum, as they must be. A frame too short for
// them stays.
func sized(frame []byte) []byte {
	frame = slices.Clone(frame)
	switch start := atIP + 4*tagsOf(frame); {
	case start >= len(frame):
	case frame[start]>>4 == 6 && len(frame) >= start+40:
		binary.BigEndian.PutUint16(frame[start+4:], uint16(len(frame)-start-40))
	case frame[start]>>4 == 4 && len(frame) >= start+20:
		header := frame[start:min(len(frame), start+int(frame[start]&0xf)*4)]
		binary.BigEndian.PutUint16(header[2:], uint16(len(frame)-start))
		binary.BigEndian.PutUint16(header[10:], 0)
		binary.BigEndian.PutUint16(header[10:], checksum(header))
	}
	return frame
}

// tagsOf counts the VLAN tags of a frame.
func tagsOf(frame []byte) (n int) {
	for at := atEtherType; at+2 <= len(frame) && (frame[at] == 0x81 || frame[at] == 0x88 && frame[at+1] == 0xa8); at += 4 {
		n++
	}
	return n
}

// checksum is that of the Internet (RFC 1071).
func checksum(data []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(data); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(data[i:]))
	}
	sum = sum&0xffff + sum>>16
	return ^uint16(sum&0xffff + sum>>16)
}

// arp builds an ARP packet of IPv4 over Ethernet (RFC 826), broadcast.
func arp(operation uint16, sender, target string) []byte {
	packet := []byte{0, 1, 0x08, 0, 6, 4}
	packet = binary.BigEndian.AppendUint16(packet, operation)
	packet = append(packet, routerMAC[:]...)
	packet = append(packet, netip.MustParseAddr(sender).AsSlice()...)
	packet = append(packet, broadcast[:]...)
	packet = append(packet, netip.MustParseAddr(target).AsSlice()...)
	return ethernet(broadcast, 0x0806, packet)
}

func ethernet(to MAC, etherType uint16, payload []byte) []byte {
	header := binary.BigEndian.AppendUint16(slices.Concat(to[:], routerMAC[:]), etherType)
	return append(header, payload...)
}

// with returns the frame with the bytes at an offset replaced.
func with(frame []byte, at int, bytes ...byte) []byte {
	frame = slices.Clone(frame)
	copy(frame[at:], bytes)
	return frame
}

// withOptions puts words of no-operation IP options into the frame.
func withOptions(frame []byte, words int) []byte {
	options := slices.Repeat([]byte{1}, words*4)
	frame = slices.Insert(slices.Clone(frame), atTransport, options...)
	frame[atIP] = byte(0x40 | 5 + words)
	return sized(frame)
}

// padded returns the frame at the least length of Ethernet.
func padded(frame []byte) []byte {
	return append(slices.Clone(frame), make([]byte, max(0, 60-len(frame)))...)
}

// tagged returns the frame with VLAN tags of these protocols in front of its own, the outermost first.
func tagged(frame []byte, protocols ...uint16) []byte {
	var tags []byte
	for n, protocol := range protocols {
		tags = binary.BigEndian.AppendUint16(tags, protocol)
		tags = binary.BigEndian.AppendUint16(tags, uint16(0x6064+n)) // priority 3, VLAN 100 and so on
	}
	return slices.Insert(slices.Clone(frame), atEtherType, tags...)
}

// sentFrom returns the frame as it leaves a port for a real server.
func sentFrom(frame []byte, port, real MAC) []byte {
	return slices.Concat(real[:], port[:], frame[atEtherType:])
}

// sent returns the frame as the balancer sends it back out to a real server.
func sent(frame []byte, real MAC) []byte { return sentFrom(frame, ownMAC, real) }
