package dataplane

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// EtherTypes of VLAN tags.
const (
	customerTag = 0x8100 // IEEE 802.1Q
	serviceTag  = 0x88a8 // IEEE 802.1ad
)

// Protocols that carry no ports of their own.
const (
	protocolICMP   Protocol = 1
	protocolICMPv6 Protocol = 58
)

// Extension headers of IPv6 (RFC 8200, section 4).
const (
	hopByHop       = 0
	routing        = 43
	fragmentHeader = 44
	destination    = 60
	authentication = 51 // RFC 4302; not stepped over
)

// extension is an extension header: its kind, and what it holds behind its first two bytes.
type extension struct {
	kind byte
	data []byte
}

// padding is an extension header of so many times eight bytes, with options that say nothing (PadN).
func padding(kind byte, eights int) extension {
	data := []byte{1, byte(min(8*eights-4, 255))}
	return extension{kind, append(data, make([]byte, 8*eights-4)...)}
}

// extended returns an IPv6 frame with extension headers between its header and the rest.
func extended(frame []byte, headers ...extension) []byte {
	frame = slices.Clone(frame)
	next, chain := frame[atNextHeader], []byte(nil)
	for _, h := range slices.Backward(headers) {
		chain = slices.Concat([]byte{next, byte((len(h.data)+2)/8 - 1)}, h.data, chain)
		next = h.kind
	}
	frame[atNextHeader] = next
	return sized(slices.Insert(frame, atTransport6, chain...))
}

// fragment says which part of a datagram a fragment is: its place in bytes, and whether it is not the last.
type fragment struct {
	id   uint32
	at   int
	more bool
}

// extension is the IPv6 fragment header (RFC 8200, section 4.5).
func (f fragment) extension() extension {
	place := uint16(f.at)
	if f.more {
		place |= 1
	}
	data := binary.BigEndian.AppendUint16(nil, place)
	return extension{fragmentHeader, binary.BigEndian.AppendUint32(data, f.id)}
}

// of makes a frame without options or extension headers a fragment of a datagram.
func (f fragment) of(frame []byte) []byte {
	if frame[atIP]>>4 == 6 {
		return extended(frame, f.extension())
	}
	place := uint16(f.at / 8)
	if f.more {
		place |= 0x2000
	}
	frame = slices.Clone(frame)
	binary.BigEndian.PutUint16(frame[atFragment-2:], uint16(f.id))
	binary.BigEndian.PutUint16(frame[atFragment:], place)
	return sized(frame)
}

// split makes a frame the fragments of a datagram: those of the given sizes, and the rest.
func (f family) split(frame []byte, id uint32, sizes ...int) (pieces [][]byte) {
	header, data := frame[:atIP+f.header], frame[atIP+f.header:]
	for at := 0; at < len(data); {
		size := len(data) - at
		if len(sizes) > 0 {
			size, sizes = sizes[0], sizes[1:]
		}
		piece := sized(slices.Concat(header, data[at:at+size]))
		pieces = append(pieces, fragment{id, at, at+size < len(data)}.of(piece))
		at += size
	}
	return pieces
}

// icmpError is an ICMP error (RFC 792) or ICMPv6 error (RFC 4443).
type icmpError struct {
	kind, code byte
	rest       uint32 // the second word of its header
}

// about is the error as a router reports it about a packet, all of which it quotes.
func (e icmpError) about(f family, packet []byte) []byte {
	message := binary.BigEndian.AppendUint32([]byte{e.kind, e.code, 0, 0}, e.rest)
	return f.fromRouter(append(message, packet...))
}

// fromRouter is a message of ICMP or ICMPv6 from a router to the VIP.
func (f family) fromRouter(message []byte) []byte {
	protocol := protocolICMP
	if f.isIPv6() {
		protocol = protocolICMPv6
	}
	return ip(netip.MustParseAddr(f.router), netip.MustParseAddr(f.vip), protocol, message)
}

// answer is a packet that a real server sends to a client, without Ethernet header.
func answer(from, to string, flags byte) []byte { return tcp(from, to, flags)[atIP:] }

// answerUDP is the same with UDP.
func answerUDP(from, to string) []byte { return udp(from, to)[atIP:] }

// asks is an ARP request or a neighbor solicitation for an address, to everybody whom it may concern.
func (f family) asks(sender, target string) []byte {
	if !f.isIPv6() {
		return arp(arpRequest, sender, target)
	}
	asked := netip.MustParseAddr(target).As16()
	group := netip.AddrFrom16([16]byte{0xff, 0x02, 11: 1, 0xff, asked[13], asked[14], asked[15]}) // RFC 4291, section 2.7.1
	message := slices.Concat([]byte{135, 0, 0, 0, 0, 0, 0, 0}, asked[:], []byte{1, 1}, routerMAC[:])
	to := MAC{0x33, 0x33, 0xff, asked[13], asked[14], asked[15]}
	return with(ipv6(netip.MustParseAddr(sender), group, protocolICMPv6, message), atDestination, to[:]...)
}

// tells is an answer to the balancer: an ARP reply or a neighbor advertisement.
func (f family) tells(sender string) []byte {
	if !f.isIPv6() {
		return arp(arpReply, sender, f.host)
	}
	from := netip.MustParseAddr(sender)
	message := slices.Concat([]byte{136, 0, 0, 0, 0x60, 0, 0, 0}, from.AsSlice(), []byte{2, 1}, routerMAC[:])
	return ipv6(from, netip.MustParseAddr(f.host), protocolICMPv6, message)
}

// nobody is the address of a host that has none.
func (f family) nobody() string {
	if !f.isIPv6() {
		return "0.0.0.0"
	}
	return "::"
}
