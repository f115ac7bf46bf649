package dataplane

import (
	"encoding/binary"
	"net/netip"

	"drover/bpf"
)

// The program compares addresses and ports as they stand in the packet, in network byte order.

func encodeIPv4(a netip.Addr) uint32 {
	four := a.As4()
	return binary.NativeEndian.Uint32(four[:])
}

func decodeIPv4(raw uint32) netip.Addr {
	var four [4]byte
	binary.NativeEndian.PutUint32(four[:], raw)
	return netip.AddrFrom4(four)
}

func encodePort(port uint16) uint16 {
	var two [2]byte
	binary.BigEndian.PutUint16(two[:], port)
	return binary.NativeEndian.Uint16(two[:])
}

func decodePort(raw uint16) uint16 { return encodePort(raw) }

// encodeAddress puts an IPv4 address into the first word.
func encodeAddress(a netip.Addr) (raw bpf.DroverIn6Addr) {
	copy(raw.In6U.U6Addr8[:], a.AsSlice())
	return raw
}

// decodeAddress is the address of a real server, which has the family of its service.
func decodeAddress(raw bpf.DroverIn6Addr, service ServiceKey) netip.Addr {
	if service.Address.Addr().Is4() {
		return netip.AddrFrom4([4]byte(raw.In6U.U6Addr8[:4]))
	}
	return netip.AddrFrom16(raw.In6U.U6Addr8)
}

// encodeVIP maps an IPv4 address into IPv6 (RFC 4291, section 2.5.5.2).
func encodeVIP(a netip.Addr) (raw bpf.DroverIn6Addr) {
	raw.In6U.U6Addr8 = a.As16()
	return raw
}

func decodeVIP(raw bpf.DroverIn6Addr) netip.Addr { return netip.AddrFrom16(raw.In6U.U6Addr8).Unmap() }

// encodeMask has the first so many bits set.
func encodeMask(bits int) (raw bpf.DroverIn6Addr) {
	for i := range raw.In6U.U6Addr8 {
		raw.In6U.U6Addr8[i] = byte(0xff << (8 - min(max(bits-8*i, 0), 8)))
	}
	return raw
}

func decodeMask(raw bpf.DroverIn6Addr) (bits int) {
	for _, b := range raw.In6U.U6Addr8 {
		for ; b&0x80 != 0; b <<= 1 {
			bits++
		}
	}
	return bits
}
