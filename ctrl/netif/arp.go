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
	err := a.send(destination, func(source net.HardwareAddr) ([]byte, error) {
		unknown := make(net.HardwareAddr, 6)
		request, err := arp.NewPacket(arp.OperationRequest, source, sender, unknown, target)
		if err != nil {
			return nil, err
		}
		return request.MarshalBinary()
	})
	if err != nil {
		return fmt.Errorf("ARP request for %s on %s: %w", target, a.ifname, err)
	}
	return nil
}

func (a *ARP) family() int { return unix.AF_INET }

func (a *ARP) senderFor(target netip.Addr, held []netip.Prefix, exclude func(netip.Addr) bool) (netip.Addr, error) {
	return senderIPv4(target, a.ifname, held, exclude)
}
