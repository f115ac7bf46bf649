package testbed

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// A Frame is an Ethernet frame as it entered the switch. It is a value: nobody changes it.
type Frame struct {
	Time time.Time // when the switch received it
	Port string    // the host it came from
	LAN  string    // the LAN that it entered
	Data []byte    // from the destination MAC on, without frame check sequence

	packet gopacket.Packet
}

// newFrame copies and decodes data.
func newFrame(at time.Time, port string, data []byte) Frame {
	data = slices.Clone(data)
	options := gopacket.DecodeOptions{NoCopy: true}
	return Frame{Time: at, Port: port, Data: data, packet: gopacket.NewPacket(data, layers.LayerTypeEthernet, options)}
}

// Source is the hardware address of the sender, the zero MAC in a frame that is cut off.
func (f Frame) Source() MAC { return f.mac(6) }

// Destination is the hardware address of the receiver.
func (f Frame) Destination() MAC { return f.mac(0) }

func (f Frame) mac(offset int) MAC {
	var m MAC
	if len(f.Data) >= offset+len(m) {
		copy(m[:], f.Data[offset:])
	}
	return m
}

// ARP is what an ARP packet for IPv4 on Ethernet says.
type ARP struct {
	Request   bool // a reply otherwise
	SenderMAC MAC
	Sender    netip.Addr
	TargetMAC MAC
	Target    netip.Addr
}

// Gratuitous reports whether the sender tells its own address without being asked.
func (a ARP) Gratuitous() bool { return a.Sender == a.Target }

// ARP returns the frame's ARP packet, if it is one.
func (f Frame) ARP() (ARP, bool) {
	layer, ok := f.packet.Layer(layers.LayerTypeARP).(*layers.ARP)
	if !ok || len(layer.SourceHwAddress) != 6 || len(layer.DstHwAddress) != 6 {
		return ARP{}, false
	}
	sender, senderOK := netip.AddrFromSlice(layer.SourceProtAddress)
	target, targetOK := netip.AddrFromSlice(layer.DstProtAddress)
	return ARP{
		Request:   layer.Operation == layers.ARPRequest,
		SenderMAC: MAC(layer.SourceHwAddress), Sender: sender,
		TargetMAC: MAC(layer.DstHwAddress), Target: target,
	}, senderOK && targetOK
}

// IP is what is common to the headers of IPv4 and IPv6.
type IP struct {
	Source, Destination netip.Addr
	Protocol            uint8
	TTL                 uint8 // or hop limit
	TOS                 uint8 // or traffic class
	Payload             []byte
}

// IP returns the frame's IP header and what follows it, if it has one.
func (f Frame) IP() (IP, bool) {
	header := f.packet.NetworkLayer()
	if header == nil || len(header.LayerContents()) == 0 { // empty when the header is cut off
		return IP{}, false
	}
	switch header := header.(type) {
	case *layers.IPv4:
		return IP{
			Source: addr(header.SrcIP), Destination: addr(header.DstIP), Protocol: uint8(header.Protocol),
			TTL: header.TTL, TOS: header.TOS, Payload: header.Payload,
		}, true
	case *layers.IPv6:
		return IP{
			Source: addr(header.SrcIP), Destination: addr(header.DstIP), Protocol: uint8(header.NextHeader),
			TTL: header.HopLimit, TOS: header.TrafficClass, Payload: header.Payload,
		}, true
	}
	return IP{}, false
}

func addr(ip []byte) netip.Addr {
	address, _ := netip.AddrFromSlice(ip) // the zero Addr for what is no address
	return address.Unmap()
}

// protocolVRRP is VRRP's IP protocol number.
const protocolVRRP = 112

// VRRP returns the frame's VRRP message, without IP header, if it is one.
func (f Frame) VRRP() (payload []byte, ok bool) {
	ip, ok := f.IP()
	return ip.Payload, ok && ip.Protocol == protocolVRRP
}

// TCP returns the frame's TCP header and payload, if it has one.
func (f Frame) TCP() (*layers.TCP, bool) {
	tcp, ok := f.packet.Layer(layers.LayerTypeTCP).(*layers.TCP)
	return tcp, ok && len(tcp.Contents) > 0 // empty when the header is cut off
}

// UDP returns the frame's UDP header and payload, if it has one.
func (f Frame) UDP() (*layers.UDP, bool) {
	udp, ok := f.packet.Layer(layers.LayerTypeUDP).(*layers.UDP)
	return udp, ok && len(udp.Contents) > 0
}

// SameIP reports whether both frames carry the same IP packet, byte for byte, whatever their Ethernet headers say:
// a packet that a balancer sent on is the same as the one it received.
func (f Frame) SameIP(other Frame) bool {
	if _, ok := f.IP(); !ok {
		return false
	}
	if _, ok := other.IP(); !ok {
		return false
	}
	a, b := f.packet.NetworkLayer(), other.packet.NetworkLayer()
	return bytes.Equal(a.LayerContents(), b.LayerContents()) && bytes.Equal(a.LayerPayload(), b.LayerPayload())
}

// String describes the frame in a line.
func (f Frame) String() string {
	text := fmt.Sprintf("%s %s > %s", f.Time.Format("15:04:05.000000"), f.Source(), f.Destination())
	if arp, ok := f.ARP(); ok {
		if arp.Request {
			return fmt.Sprintf("%s ARP who has %s? tell %s", text, arp.Target, arp.Sender)
		}
		return fmt.Sprintf("%s ARP %s is at %s", text, arp.Sender, arp.SenderMAC)
	}
	ip, ok := f.IP()
	if !ok {
		return fmt.Sprintf("%s %d bytes", text, len(f.Data))
	}
	if tcp, ok := f.TCP(); ok {
		return fmt.Sprintf("%s TCP %s:%d > %s:%d [%s] %d bytes", text,
			ip.Source, tcp.SrcPort, ip.Destination, tcp.DstPort, flags(tcp), len(tcp.Payload))
	}
	return fmt.Sprintf("%s IP %s > %s protocol %d, %d bytes", text, ip.Source, ip.Destination, ip.Protocol, len(ip.Payload))
}

// flags spells the flags as tcpdump does.
func flags(tcp *layers.TCP) string {
	text := ""
	for _, flag := range []struct {
		set  bool
		name string
	}{{tcp.SYN, "S"}, {tcp.FIN, "F"}, {tcp.RST, "R"}, {tcp.PSH, "P"}, {tcp.ACK, "."}} {
		if flag.set {
			text += flag.name
		}
	}
	return text
}
