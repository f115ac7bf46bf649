package netif

import (
	"fmt"
	"net/netip"
)

// senderIPv4 chooses the sender of an ARP request: the interface's first address on the target's network that is not
// excluded. Its errors are made to be read as the reason why a real server gets no traffic.
func senderIPv4(target netip.Addr, ifname string, held []netip.Prefix, exclude func(netip.Addr) bool) (netip.Addr, error) {
	if !target.Is4() {
		return netip.Addr{}, fmt.Errorf("%s is not IPv4: ARP cannot find its MAC", target)
	}
	var first netip.Prefix
	for _, prefix := range held {
		own := prefix.Addr()
		switch {
		case own == target:
			return netip.Addr{}, ownAddress(target, ifname)
		case exclude != nil && exclude(own):
		case prefix.Contains(target):
			return own, nil
		case !first.IsValid():
			first = prefix
		}
	}
	if !first.IsValid() {
		return netip.Addr{}, fmt.Errorf("%s: %w to ask for %s from", ifname, ErrNoIPv4, target)
	}
	return netip.Addr{}, fmt.Errorf("%s is not on the network of %s (%s): direct return needs the real server on the same layer 2",
		target, ifname, first)
}

// senderIPv6 chooses the sender of a neighbor solicitation: a link-local address, which every host takes for a
// neighbor's, else one on the target's network. Which networks are on the link does not follow from the addresses: with
// DHCPv6 a host holds a /128, and a router tells the network. An excluded address is never chosen: where VRRP speaks IPv6
// the first VIP is link-local (RFC 9568, 5.2.9).
func senderIPv6(target netip.Addr, ifname string, held []netip.Prefix, exclude func(netip.Addr) bool) (netip.Addr, error) {
	if !target.Is6() || target.Is4In6() {
		return netip.Addr{}, fmt.Errorf("%s is not IPv6: neighbor discovery cannot find its MAC", target)
	}
	var linkLocal, neighbor netip.Addr
	for _, prefix := range held {
		own := prefix.Addr()
		switch {
		case own == target:
			return netip.Addr{}, ownAddress(target, ifname)
		case exclude != nil && exclude(own):
		case own.IsLinkLocalUnicast() && !linkLocal.IsValid():
			linkLocal = own
		case prefix.Contains(target) && !neighbor.IsValid():
			neighbor = own
		}
	}
	switch {
	case linkLocal.IsValid():
		return linkLocal, nil
	case neighbor.IsValid():
		return neighbor, nil
	default:
		return netip.Addr{}, fmt.Errorf("%s: no IPv6 address to ask for %s from, neither link-local nor on its network; "+
			"see net.ipv6.conf.%s.disable_ipv6", ifname, target, ifname)
	}
}

func ownAddress(target netip.Addr, ifname string) error {
	return fmt.Errorf("%s is an address of this host's own %s", target, ifname)
}
