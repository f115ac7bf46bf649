package config

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// addressRange is all addresses from the first to the last, which are of one
// family.
type addressRange struct{ first, last netip.Addr }

// addressRange reads ADDRESS, ADDRESS-ADDRESS, ADDRESS-END or ADDRESS/LENGTH.
// END is the last number of the last address: decimal in IPv4, hexadecimal in
// IPv6.
func (p *parser) addressRange(w word) (addressRange, bool) {
	if strings.Contains(w.text, "/") {
		return p.network(w)
	}
	low, high, isRange := strings.Cut(w.text, "-")
	first, ok := p.ip(word{w.Position, low})
	if !ok || !isRange {
		return addressRange{first, first}, ok
	}
	last, ok := rangeEnd(first, high)
	switch {
	case !ok:
		p.errorf(w.Position, "%q is not a range: behind \"-\" stands the last address, or its last number", w.text)
	case last.Less(first):
		p.errorf(w.Position, "%q ends before it begins", w.text)
	default:
		return addressRange{first, last}, true
	}
	return addressRange{}, false
}

// rangeEnd returns the last address of a range: written in full, or as the
// number that takes the place of the last one of the first address.
func rangeEnd(first netip.Addr, text string) (netip.Addr, bool) {
	if strings.ContainsAny(text, ".:") {
		last, err := netip.ParseAddr(text)
		return last, err == nil && isPlain(last) && last.BitLen() == first.BitLen()
	}
	if first.Is4() {
		end, err := strconv.ParseUint(text, 10, 8)
		bytes := first.As4()
		bytes[3] = byte(end)
		return netip.AddrFrom4(bytes), err == nil
	}
	end, err := strconv.ParseUint(text, 16, 16)
	bytes := first.As16()
	binary.BigEndian.PutUint16(bytes[14:], uint16(end))
	return netip.AddrFrom16(bytes), err == nil
}

// network reads ADDRESS/LENGTH, which stands for all addresses of the network.
func (p *parser) network(w word) (addressRange, bool) {
	prefix, ok := p.prefix(w)
	if !ok {
		return addressRange{}, false
	}
	if prefix != prefix.Masked() {
		p.errorf(w.Position, "%q does not begin its network: write %s", w.text, prefix.Masked())
		return addressRange{}, false
	}
	return addressRange{prefix.Addr(), lastAddress(prefix)}, true
}

// lastAddress returns the address of a network whose host bits are all set.
func lastAddress(network netip.Prefix) netip.Addr {
	bytes := network.Addr().AsSlice()
	for bit := network.Bits(); bit < 8*len(bytes); bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}
