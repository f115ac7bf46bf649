package netif

import (
	"net"
	"net/netip"
	"slices"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
)

// Operation is the operation of an ARP packet (RFC 826), or what stands for it in IPv6: a neighbor solicitation is a
// request, an advertisement a reply.
type Operation uint16

// The two operations.
const (
	OperationRequest Operation = 1
	OperationReply   Operation = 2
)

// String returns "request" or "reply".
func (o Operation) String() string {
	if o == OperationRequest {
		return "request"
	}
	return "reply"
}

// Observation is one ARP packet (IPv4 over Ethernet), neighbor solicitation or neighbor advertisement that another host
// sent: it says that SenderIP is at SenderMAC.
type Observation struct {
	Op        Operation
	SenderMAC net.HardwareAddr // 6 bytes, what the packet claims; may be nonsense
	SenderIP  netip.Addr       // of an advertisement its target; 0.0.0.0 or :: in a probe (RFC 5227, RFC 4862)
	TargetIP  netip.Addr       // of an advertisement its destination
	// Weak marks an advertisement without the Override flag, as proxies send it: it must not displace a MAC that is known
	// (RFC 4861, 7.2.5).
	Weak           bool
	EthernetSource net.HardwareAddr // 6 bytes, who put it on the wire
}

// ClaimedBy says whether the sender of a packet claims one of the VIPs, by a reply, a gratuitous ARP, or any request in
// whose sender field the VIP stands. Observations never come from this host, so while it is MASTER such a claim is a
// conflict: another master, or a real server that does not keep quiet about the VIP.
func ClaimedBy(observation Observation, vips []netip.Addr) (vip netip.Addr, mac net.HardwareAddr, ok bool) {
	if !usableMAC(observation.SenderMAC) || !slices.Contains(vips, observation.SenderIP) {
		return netip.Addr{}, nil, false
	}
	return observation.SenderIP, observation.SenderMAC, true
}

// parseARP decodes an Ethernet frame. It reports false for all that is not a request or reply of IPv4 over Ethernet.
func parseARP(data []byte) (Observation, bool) {
	var (
		frame  ethernet.Frame
		packet arp.Packet
	)
	if frame.UnmarshalBinary(data) != nil || frame.EtherType != ethernet.EtherTypeARP {
		return Observation{}, false
	}
	if packet.UnmarshalBinary(frame.Payload) != nil {
		return Observation{}, false
	}
	const ethernetHardware = 1
	if packet.HardwareType != ethernetHardware || packet.ProtocolType != uint16(ethernet.EtherTypeIPv4) ||
		packet.HardwareAddrLength != 6 || packet.IPLength != 4 {
		return Observation{}, false
	}
	if packet.Operation != arp.OperationRequest && packet.Operation != arp.OperationReply {
		return Observation{}, false
	}
	return Observation{
		Op:             Operation(packet.Operation),
		SenderMAC:      packet.SenderHardwareAddr,
		SenderIP:       packet.SenderIP,
		TargetIP:       packet.TargetIP,
		EthernetSource: frame.Source,
	}, true
}

// usableMAC says whether frames can be sent to a MAC as to one host: neither zero nor a group address.
func usableMAC(mac net.HardwareAddr) bool {
	const group = 0x01 // broadcast has this bit too
	return len(mac) == 6 && mac[0]&group == 0 && !slices.Equal(mac, make(net.HardwareAddr, 6))
}
