package netif

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/ethernet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// NDP sends neighbor solicitations (IPv6, RFC 4861) on one Ethernet interface, and hears the solicitations and
// advertisements of other hosts. Its methods may be used at the same time.
//
// It outlives link down and up, and follows a change of the interface's MAC. When the interface is removed (WatchLinks
// tells), close it and open another.
type NDP struct {
	*etherConn
}

// OpenNDP opens a socket for neighbor discovery on an interface, which needs no address of its own. The error wraps
// ErrNoInterface when there is no such interface. Needs CAP_NET_RAW.
func OpenNDP(ifname string) (*NDP, error) {
	filter, err := bpf.Assemble(onlyNeighborDiscovery)
	if err != nil {
		return nil, fmt.Errorf("open NDP on %s: assemble filter: %w", ifname, err)
	}
	conn, err := openEthernet(ifname, etherProtocol{
		name: "NDP", etherType: ethernet.EtherTypeIPv6, filter: filter, parse: parseNDP,
	})
	if err != nil {
		return nil, err
	}
	return &NDP{conn}, nil
}

// onlyNeighborDiscovery keeps all other IPv6 packets of the interface out of the socket. Like the parser it looks for
// these messages right behind the IPv6 header: no host puts an extension header there, and RFC 6980 forbids fragments.
var onlyNeighborDiscovery = []bpf.Instruction{
	bpf.LoadAbsolute{Off: ethernetHeaderLength + 6, Size: 1}, // next header
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_ICMPV6, SkipTrue: 4},
	bpf.LoadAbsolute{Off: ethernetHeaderLength + ipv6HeaderLength, Size: 1}, // ICMPv6 type
	bpf.JumpIf{Cond: bpf.JumpEqual, Val: neighborSolicitation, SkipTrue: 1},
	bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: neighborAdvertisement, SkipTrue: 1},
	bpf.RetConstant{Val: 1 << 16}, // all of the frame
	bpf.RetConstant{Val: 0},
}

// Solicit asks the LAN who has target, in the name of sender: a neighbor solicitation to the target's solicited-node
// multicast address. The answer arrives at Run. Sender must be an address of this host and no VIP: the target learns it.
func (n *NDP) Solicit(sender, target netip.Addr) error {
	return n.requestFrom(sender, target, nil)
}

// Probe asks the LAN who has a VIP without claiming it: the sender is :: (RFC 4862, 5.4.2). See ClaimedBy for the answers.
func (n *NDP) Probe(vip netip.Addr) error {
	to := solicitedNode(vip)
	err := n.send(multicastMAC(to), func(net.HardwareAddr) ([]byte, error) { return probe(to, vip), nil })
	if err != nil {
		return fmt.Errorf("probe %s on %s: %w", vip, n.ifname, err)
	}
	return nil
}

func (n *NDP) requestFrom(sender, target netip.Addr, destination net.HardwareAddr) error {
	to := target
	if destination == nil {
		to = solicitedNode(target)
		destination = multicastMAC(to)
	}
	err := n.send(destination, func(source net.HardwareAddr) ([]byte, error) {
		return solicitation(source, sender, to, target), nil
	})
	if err != nil {
		return fmt.Errorf("neighbor solicitation for %s on %s: %w", target, n.ifname, err)
	}
	return nil
}

func (n *NDP) family() int { return unix.AF_INET6 }

func (n *NDP) senderFor(target netip.Addr, held []netip.Prefix, exclude func(netip.Addr) bool) (netip.Addr, error) {
	return senderIPv6(target, n.ifname, held, exclude)
}
