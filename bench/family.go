package main

import (
	"encoding/binary"
	"net/netip"

	"drover/bench/yardstick"
)

// Family is the form of the frames.
type Family string

// Families.
const (
	IPv4 Family = "ipv4"
	IPv6 Family = "ipv6"
	VLAN Family = "vlan" // IPv4 in an IEEE 802.1Q tag
)

// families are all that there are.
func families() []Family { return []Family{IPv4, IPv6, VLAN} }

const (
	ipTCP         = 6 // IANA protocol number
	etherIPv4     = 0x0800
	etherIPv6     = 0x86dd
	etherVLAN     = 0x8100
	etherBytes    = 14
	ipv4Bytes     = 20
	ipv6Bytes     = 40
	tcpBytes      = 20
	leastEthernet = 60   // bytes of a frame without its checksum
	ethernetMTU   = 1500 // bytes of an IP packet
)

// virtualServer is the only one that the benchmarks have. The addresses are those of RFC 5737, RFC 2544 and RFC 3849 and
// leave no machine.
func (f Family) virtualServer() netip.AddrPort {
	address := netip.AddrFrom4([4]byte{192, 0, 2, 1})
	if f == IPv6 {
		address = netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: 1})
	}
	return netip.AddrPortFrom(address, 80)
}

// realServer is the address of the real server with that number.
func (f Family) realServer(i int) netip.AddrPort {
	bytes := f.virtualServer().Addr().AsSlice()
	bytes[len(bytes)-1] = byte(100 + i)
	address, _ := netip.AddrFromSlice(bytes)
	return netip.AddrPortFrom(address, f.virtualServer().Port())
}

// clientPrefix is the first half of the addresses of all clients in IPv6.
func clientPrefix() [8]byte { return [8]byte{0x20, 0x01, 0x0d, 0xb8, 0, 1} }

func (f Family) tagBytes() int {
	if f == VLAN {
		return 4
	}
	return 0
}

// frame is a packet of which the player sets MAC addresses, client, port and flags: Ethernet, IP and TCP without data,
// padded to the least that Ethernet carries.
func (f Family) frame() []byte {
	length := etherBytes + f.tagBytes() + ipv4Bytes + tcpBytes
	if f == IPv6 {
		length += ipv6Bytes - ipv4Bytes
	}
	frame := make([]byte, max(length, leastEthernet))
	at := frame[12:] // behind the MAC addresses
	if f == VLAN {
		const identifier = 10
		binary.BigEndian.PutUint16(at, etherVLAN)
		binary.BigEndian.PutUint16(at[2:], identifier)
		at = at[4:]
	}
	vip := f.virtualServer().Addr().AsSlice()
	if f == IPv6 {
		binary.BigEndian.PutUint16(at, etherIPv6)
		ip := at[2:]
		ip[0], ip[6], ip[7] = 6<<4, ipTCP, 64 // version, next header, hop limit
		binary.BigEndian.PutUint16(ip[4:], tcpBytes)
		copy(ip[24:], vip)
		return frame
	}
	binary.BigEndian.PutUint16(at, etherIPv4)
	ip := at[2:]
	ip[0], ip[8], ip[9] = 0x45, 64, ipTCP // version and header length, TTL, protocol
	binary.BigEndian.PutUint16(ip[2:], ipv4Bytes+tcpBytes)
	copy(ip[16:], vip)
	return frame
}

// shape tells the player of the family; see yardstick/player.bpf.c.
func (f Family) shape() map[string]any {
	prefix := clientPrefix()
	shape := map[string]any{
		yardstick.PlayerVarTagBytes:     uint32(f.tagBytes()),
		yardstick.PlayerVarIpv6:         f == IPv6,
		yardstick.PlayerVarVipPort:      rawPort(f.virtualServer().Port()),
		yardstick.PlayerVarClientPrefix: binary.NativeEndian.Uint64(prefix[:]),
	}
	if f != IPv6 {
		shape[yardstick.PlayerVarVip] = rawAddress(f.virtualServer().Addr())
		shape[yardstick.PlayerVarHeaderSum] = f.headerSum()
	}
	return shape
}

// headerSum adds the words of the IPv4 header up, but for the client and the checksum, which are zero in the frame. A
// sum of RFC 1071 does not mind the order of the bytes.
func (f Family) headerSum() (sum uint32) {
	header := f.frame()[etherBytes+f.tagBytes():][:ipv4Bytes]
	for i := 0; i < len(header); i += 2 {
		sum += uint32(binary.NativeEndian.Uint16(header[i:]))
	}
	return sum
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
