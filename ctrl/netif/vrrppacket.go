package netif

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	// vrrpReceiveBuffer (bytes) holds far more adverts than a scheduling delay of the daemon can pile up.
	vrrpReceiveBuffer = 4 << 20
	// shortestSize (bytes) is what the kernel counts for the shortest packet at least.
	shortestSize = 512
	// vrrpLargest (bytes) is an IP packet with 255 IPv6 addresses, where the MTU lets it through.
	vrrpLargest = ipv6HeaderLength + 8 + 255*16
	// vrrpTTL is the TTL that a receiver insists on (RFC 9568, 5.1.1.3 and 5.1.2.3): no router has forwarded the advert.
	vrrpTTL = 255
	// vrrpTOS is DSCP CS6, internetwork control, as keepalived sends it.
	vrrpTOS = 0xc0
	// vrrpProtocol is the IP protocol of VRRP (RFC 9568, 5.1.1.4).
	vrrpProtocol = 112
)

// VRRPGroup returns the multicast address of VRRP: 224.0.0.18 or ff02::12 (RFC 9568, 5.1.1.2 and 5.1.2.2).
func VRRPGroup(ipv6 bool) netip.Addr {
	if ipv6 {
		return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12})
	}
	return netip.AddrFrom4([4]byte{224, 0, 0, 18})
}

// Packet is one received VRRP datagram. Nothing of it has been verified but the IP header.
type Packet struct {
	Source, Destination netip.Addr       // of one family, without zone
	TTL                 uint8            // or hop limit
	EthernetSource      net.HardwareAddr // who put it on the wire: a virtual MAC, or one of the master's own
	Payload             []byte           // the VRRP message, without the IP header; owned by the receiver
}

// onlyVRRP keeps all but VRRP that arrives for this host out of the socket, which sees a packet from the IP header on. The
// socket of an interface would also see the frames of each VLAN on it; a tag with VLAN 0 is none, just a priority.
var onlyVRRP = []bpf.Instruction{
	bpf.LoadExtension{Num: bpf.ExtType},
	bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: unix.PACKET_MULTICAST, SkipTrue: 13}, // for another host, or from this one
	bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 3},
	bpf.LoadExtension{Num: bpf.ExtVLANTag},
	bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 8},
	bpf.LoadExtension{Num: bpf.ExtProto},
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IPV6, SkipTrue: 3},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IP, SkipTrue: 5},
	bpf.LoadAbsolute{Off: 9, Size: 1}, // IPv4 protocol
	bpf.Jump{Skip: 1},
	bpf.LoadAbsolute{Off: 6, Size: 1}, // IPv6 next header
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: vrrpProtocol, SkipTrue: 1},
	bpf.RetConstant{Val: 1 << 16}, // all of the packet
	bpf.RetConstant{Val: 0},
}

// parseVRRP decodes an IP packet. It reports false for all that is not VRRP right behind a sound IP header, and for
// fragments: an advert fits the MTU, unless it has more than 90 IPv6 addresses. The payload is a copy.
func parseVRRP(data []byte) (Packet, bool) {
	if len(data) == 0 {
		return Packet{}, false
	}
	switch data[0] >> 4 {
	case 4:
		return parseVRRP4(data)
	case 6:
		return parseVRRP6(data)
	default:
		return Packet{}, false
	}
}

func parseVRRP4(data []byte) (Packet, bool) {
	const shortest, moreFragments, offset = 20, 0x2000, 0x1fff
	if len(data) < shortest {
		return Packet{}, false
	}
	header, length := int(data[0]&0xf)*4, int(binary.BigEndian.Uint16(data[2:]))
	if header < shortest || length < header || length > len(data) || data[9] != vrrpProtocol ||
		binary.BigEndian.Uint16(data[6:])&(moreFragments|offset) != 0 || onesSum(0, data[:header]) != 0xffff {
		return Packet{}, false
	}
	return Packet{
		Source:      netip.AddrFrom4([4]byte(data[12:16])),
		Destination: netip.AddrFrom4([4]byte(data[16:20])),
		TTL:         data[8],
		Payload:     slices.Clone(data[header:length]), // the rest is padding
	}, true
}

func parseVRRP6(data []byte) (Packet, bool) {
	if len(data) < ipv6HeaderLength {
		return Packet{}, false
	}
	length := ipv6HeaderLength + int(binary.BigEndian.Uint16(data[4:]))
	if length > len(data) || data[6] != vrrpProtocol {
		return Packet{}, false
	}
	return Packet{
		Source:      netip.AddrFrom16([16]byte(data[8:24])),
		Destination: netip.AddrFrom16([16]byte(data[24:40])),
		TTL:         data[7],
		Payload:     slices.Clone(data[ipv6HeaderLength:length]),
	}, true
}
