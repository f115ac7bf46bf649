package dataplane

import (
	"encoding/binary"
	"net"
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

// Offsets into a frame that has no IP options.
const (
	atDestination = 0
	atEtherType   = 12
	atIP          = 14
	atTOS         = 15
	atFragment    = 20
	atProtocol    = 23
	atTransport   = 34
)

const (
	arpRequest = 1
	arpReply   = 2
)

// The balancer's interface and the router in front of it.
var (
	ownMAC    = net.HardwareAddr{0x00, 0x0d, 0xb9, 0x41, 0xe5, 0x40}
	routerMAC = net.HardwareAddr{0x00, 0x0d, 0xb9, 0x00, 0x00, 0x01}
	broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
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
	return ipv4(from.Addr(), to.Addr(), ProtocolTCP, segment)
}

// udp builds a datagram of four bytes, from and to "address:port".
func udp(from, to string) []byte {
	return udpFrom(netip.MustParseAddrPort(from), netip.MustParseAddrPort(to))
}

func udpFrom(from, to netip.AddrPort) []byte {
	datagram := append(ports(from, to), 0, 12, 0, 0)
	return ipv4(from.Addr(), to.Addr(), ProtocolUDP, append(datagram, "ping"...))
}

func ports(from, to netip.AddrPort) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, from.Port()), to.Port())
}

func ipv4(from, to netip.Addr, protocol Protocol, payload []byte) []byte {
	header := []byte{0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, byte(protocol), 0, 0} // do not fragment, 64 hops
	binary.BigEndian.PutUint16(header[2:], uint16(20+len(payload)))
	header = append(append(header, from.AsSlice()...), to.AsSlice()...)
	var sum uint32
	for i := 0; i < len(header); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	sum = sum&0xffff + sum>>16
	binary.BigEndian.PutUint16(header[10:], ^uint16(sum&0xffff+sum>>16))
	return ethernet(ownMAC, 0x0800, append(header, payload...))
}

// arp builds an ARP packet of IPv4 over Ethernet (RFC 826), broadcast.
func arp(operation uint16, sender, target string) []byte {
	packet := []byte{0, 1, 0x08, 0, 6, 4}
	packet = binary.BigEndian.AppendUint16(packet, operation)
	packet = append(packet, routerMAC...)
	packet = append(packet, netip.MustParseAddr(sender).AsSlice()...)
	packet = append(packet, broadcast...)
	packet = append(packet, netip.MustParseAddr(target).AsSlice()...)
	return ethernet(broadcast, 0x0806, packet)
}

func ethernet(to net.HardwareAddr, etherType uint16, payload []byte) []byte {
	header := binary.BigEndian.AppendUint16(slices.Concat(to, routerMAC), etherType)
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
	return frame
}

// padded returns the frame at the least length of Ethernet.
func padded(frame []byte) []byte {
	return append(slices.Clone(frame), make([]byte, max(0, 60-len(frame)))...)
}

// sent returns the frame as the balancer sends it on to a real server.
func sent(frame []byte, real net.HardwareAddr) []byte {
	return slices.Concat(real, ownMAC, frame[atEtherType:])
}
