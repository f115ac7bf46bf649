package vrrp

import (
	"encoding/binary"
	"net/netip"
)

// protocol is VRRP's number in the IP header, RFC 9568 section 5.1.1.4.
const protocol = 112

// sum adds the 16-bit words of a message of even length, which every VRRP
// message has, to a one's complement sum (RFC 1071).
func sum(words uint32, message []byte) uint32 {
	for i := 0; i+1 < len(message); i += 2 {
		words += uint32(binary.BigEndian.Uint16(message[i:]))
	}
	return words
}

// fold ends a sum: the Internet checksum. It is 0 over a message that carries
// its correct checksum.
func fold(words uint32) uint16 {
	for words > 0xffff {
		words = words>>16 + words&0xffff
	}
	return ^uint16(words)
}

// pseudoHeader is the sum of the pseudo-header of a version 3 message: source,
// destination, length and protocol. For IPv6 it is that of RFC 8200 section 8.1,
// for IPv4 that of RFC 793, whose sum has the same parts.
func pseudoHeader(from, to netip.Addr, length int) uint32 {
	return sum(sum(uint32(length)+protocol, from.AsSlice()), to.AsSlice())
}

// checksum is what a version 3 message between two addresses is to carry.
//
// IPv6 has the pseudo-header by RFC 9568 section 5.2.8. For IPv4 that section
// has none, keepalived, FRR and others read RFC 5798 otherwise and have one;
// asV2 (keepalived: v3_checksum_as_v2) leaves it out.
func checksum(message []byte, from, to netip.Addr, asV2 bool) uint16 {
	if asV2 && from.Is4() {
		return checksumV2(message)
	}
	return fold(sum(pseudoHeader(from, to, len(message)), message))
}

// checksumV2 covers the whole version 2 message, authentication data included,
// and no pseudo-header (RFC 3768 section 5.3.8).
func checksumV2(message []byte) uint16 {
	return fold(sum(0, message))
}
