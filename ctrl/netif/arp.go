package netif

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"golang.org/x/sys/unix"
)

// ARP sends and hears ARP packets (IPv4) on one Ethernet interface. Its methods may be used at the same time.
//
// It outlives link down and up, and follows a change of the interface's MAC. When the interface is removed (WatchLinks
// tells), close it and open another.
type ARP struct {
	*etherConn
}

// OpenARP opens an ARP socket on an interface, which needs no address of its own. The error wraps ErrNoInterface when
// there is no such interface. Needs CAP_NET_RAW.
func OpenARP(ifname string) (*ARP, error) {
	conn, err := openEthernet(ifname, etherProtocol{name: "ARP", etherType: ethernet.EtherTypeARP, parse: parseARP})
	if err != nil {
		return nil, err
	}
	return &ARP{conn}, nil
}

// Announce tells the LAN that a VIP is at a virtual MAC on this interface, or at the interface's own MAC with nil: a
// broadcast gratuitous ARP request as keepalived sends it, with the VIP as sender and target, and ff:ff:ff:ff:ff:ff as
// target hardware address (RFC 5944, 4.6). A virtual MAC is also the frame's source, from which switches learn its port.
func (a *ARP) Announce(vip netip.Addr, mac net.HardwareAddr) error {
	if err := a.request(mac, vip, vip, ethernet.Broadcast, ethernet.Broadcast); err != nil {
		return fmt.Errorf("announce %s on %s: %w", vip, a.ifname, err)
	}
	return nil
}

// Request asks the LAN who has target, in the name of sender. The answer arrives at Run. Sender must be an address of
// this host and no VIP: everyone who hears a request learns its sender.
func (a *ARP) Request(sender, target netip.Addr) error {
	return a.requestFrom(sender, target, nil)
}

// Probe asks the LAN who has a VIP without claiming it: the sender is 0.0.0.0 (RFC 5227, 2.1.1). See ClaimedBy for the
// answers.
func (a *ARP) Probe(vip netip.Addr) error {
	return a.requestFrom(netip.IPv4Unspecified(), vip, nil)
}

func (a *ARP) requestFrom(sender, target netip.Addr, destination net.HardwareAddr) error {
	if destination == nil {
		destination = ethernet.Broadcast
	}
	unknown := make(net.HardwareAddr, 6)
	if err := a.request(nil, sender, target, unknown, destination); err != nil {
		return fmt.Errorf("ARP request for %s on %s: %w", target, a.ifname, err)
	}
	return nil
}

// request sends an ARP request from a MAC, nil for the interface's own.
func (a *ARP) request(mac net.HardwareAddr, sender, target netip.Addr, targetMAC, destination net.HardwareAddr) error {
	return a.send(destination, mac, func(source net.HardwareAddr) ([]byte, error) {
		request, err := arp.NewPacket(arp.OperationRequest, source, sender, targetMAC, target)
		if err != nil {
			return nil, err
		}
		return request.MarshalBinary()
	})
}

func (a *ARP) family() int { return unix.AF_INET }

func (a *ARP) senderFor(target netip.Addr, held []netip.Prefix, exclude func(netip.Addr) bool) (netip.Addr, error) {
	return senderIPv4(target, a.ifname, held, exclude)
}
