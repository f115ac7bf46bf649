package netif

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"github.com/mdlayher/ethernet"
	"golang.org/x/sys/unix"
)

// Where things are in an Ethernet frame with a neighbor solicitation or advertisement (RFC 8200, 3; RFC 4861, 4.3 and
// 4.4). Lengths in bytes.
const (
	ethernetHeaderLength = 14
	ipv6HeaderLength     = 40
	ndpHeaderLength      = 24 // ICMPv6 type, code, checksum; flags; target address
	ndpOptionUnit        = 8  // of an option's length field

	neighborSolicitation  = 135
	neighborAdvertisement = 136

	routerFlag   = 0x80 // of an advertisement
	overrideFlag = 0x20

	sourceLinkAddress = 1 // options
	targetLinkAddress = 2

	// ndpHopLimit proves that no router has forwarded a message (RFC 4861, 7.1).
	ndpHopLimit = 255
)

// solicitation returns an IPv6 packet that asks for target's MAC and tells the asker's own.
func solicitation(mac net.HardwareAddr, sender, to, target netip.Addr) []byte {
	return ndpMessage(neighborSolicitation, 0, sourceLinkAddress, mac, sender, to, target)
}

// probe returns an IPv6 packet that asks who has an address without claiming it (RFC 4862, 5.4.2).
func probe(to, target netip.Addr) []byte {
	return ndpMessage(neighborSolicitation, 0, 0, nil, netip.IPv6Unspecified(), to, target)
}

// advertisement returns an IPv6 packet that tells all hosts, unasked, at which MAC an address is (RFC 4861, 7.2.6).
func advertisement(mac net.HardwareAddr, address netip.Addr, router bool) []byte {
	flags := byte(overrideFlag)
	if router {
		flags |= routerFlag
	}
	return ndpMessage(neighborAdvertisement, flags, targetLinkAddress, mac, address, allHosts, address)
}

// ndpMessage returns an IPv6 packet with a message that has one option, the MAC, or none for the unspecified sender (RFC
// 4861, 4.3).
func ndpMessage(kind, flags, option byte, mac net.HardwareAddr, sender, to, target netip.Addr) []byte {
	length := ndpHeaderLength
	if mac != nil {
		length += ndpOptionUnit
	}
	packet := make([]byte, ipv6HeaderLength+length)
	packet[0] = 6 << 4
	binary.BigEndian.PutUint16(packet[4:], uint16(length))
	packet[6], packet[7] = unix.IPPROTO_ICMPV6, ndpHopLimit
	copy(packet[8:24], sender.AsSlice())
	copy(packet[24:40], to.AsSlice())
	message := packet[ipv6HeaderLength:]
	message[0], message[4] = kind, flags
	copy(message[8:24], target.AsSlice())
	if mac != nil {
		message[24], message[25] = option, 1
		copy(message[26:32], mac)
	}
	binary.BigEndian.PutUint16(message[2:], ^icmpv6Sum(packet))
	return packet
}

// parseNDP decodes an Ethernet frame. It reports false for all that is not a neighbor solicitation or advertisement, and
// for one that a router has forwarded or whose checksum or lengths are wrong (RFC 4861, 7.1).
func parseNDP(frame []byte) (Observation, bool) {
	packet, ok := ndpPacket(frame)
	if !ok {
		return Observation{}, false
	}
	from, to := netip.AddrFrom16([16]byte(packet[8:24])), netip.AddrFrom16([16]byte(packet[24:40]))
	message := packet[ipv6HeaderLength:]
	target := netip.AddrFrom16([16]byte(message[8:24]))
	solicits, advertises := message[0] == neighborSolicitation, message[0] == neighborAdvertisement
	if !solicits && !advertises || message[1] != 0 || target.IsMulticast() {
		return Observation{}, false
	}
	observation := Observation{
		Op: OperationRequest, SenderIP: from, TargetIP: target, EthernetSource: slices.Clone(net.HardwareAddr(frame[6:12])),
	}
	option := byte(sourceLinkAddress)
	if advertises {
		option = targetLinkAddress
		observation.Op, observation.SenderIP, observation.TargetIP = OperationReply, target, to
		observation.Weak = message[4]&overrideFlag == 0
	}
	// An answer to a unicast question may leave the option out (RFC 4861, 4.4).
	mac, ok := linkAddress(message[ndpHeaderLength:], option)
	if mac == nil {
		mac = observation.EthernetSource
	}
	observation.SenderMAC = slices.Clone(mac)
	return observation, ok
}

// ndpPacket returns the IPv6 packet in a frame, without padding, if it is sound and long enough for neighbor discovery.
func ndpPacket(frame []byte) (packet []byte, ok bool) {
	if len(frame) < ethernetHeaderLength+ipv6HeaderLength+ndpHeaderLength ||
		binary.BigEndian.Uint16(frame[12:]) != uint16(ethernet.EtherTypeIPv6) {
		return nil, false
	}
	packet = frame[ethernetHeaderLength:]
	length := int(binary.BigEndian.Uint16(packet[4:]))
	if packet[0]>>4 != 6 || packet[6] != unix.IPPROTO_ICMPV6 || packet[7] != ndpHopLimit ||
		length < ndpHeaderLength || length > len(packet)-ipv6HeaderLength {
		return nil, false
	}
	packet = packet[:ipv6HeaderLength+length]
	return packet, icmpv6Sum(packet) == 0xffff
}

// linkAddress finds the MAC in the options of a message, nil if there is none; ok is false when the options are broken.
func linkAddress(options []byte, kind byte) (mac net.HardwareAddr, ok bool) {
	for len(options) > 0 {
		if len(options) < ndpOptionUnit || options[1] == 0 || len(options) < int(options[1])*ndpOptionUnit {
			return nil, false
		}
		if options[0] == kind && options[1] == 1 {
			mac = net.HardwareAddr(options[2:8])
		}
		options = options[int(options[1])*ndpOptionUnit:]
	}
	return mac, true
}

// icmpv6Sum is the one's complement sum of an IPv6 packet's pseudo header and payload (RFC 8200, 8.1): 0xffff when the
// checksum in it is right.
func icmpv6Sum(packet []byte) uint16 {
	const addresses = 8 // where both are, right before the payload
	return onesSum(uint32(len(packet)-ipv6HeaderLength)+unix.IPPROTO_ICMPV6, packet[addresses:])
}

// onesSum is the one's complement sum of what is summed up already and data (RFC 1071).
func onesSum(sum uint32, data []byte) uint16 {
	for ; len(data) > 1; data = data[2:] {
		sum += uint32(binary.BigEndian.Uint16(data))
	}
	if len(data) == 1 {
		sum += uint32(data[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// allHosts is the multicast address of all nodes of a LAN (RFC 4291, 2.7.1).
var allHosts = netip.MustParseAddr("ff02::1")

// solicitedNode is the multicast address that a host listens to for each of its addresses (RFC 4291, 2.7.1).
func solicitedNode(target netip.Addr) netip.Addr {
	node := [16]byte{0: 0xff, 1: 0x02, 11: 0x01, 12: 0xff} // ff02::1:ff00:0/104
	bytes := target.As16()
	copy(node[13:], bytes[13:])
	return netip.AddrFrom16(node)
}

// multicastMAC is the MAC of an IPv6 multicast group (RFC 2464, 7).
func multicastMAC(group netip.Addr) net.HardwareAddr {
	bytes := group.As16()
	return append(net.HardwareAddr{0x33, 0x33}, bytes[12:]...)
}
