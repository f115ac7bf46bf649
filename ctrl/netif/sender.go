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
	own, err := senders(target, ifname, held, exclude)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, prefix := range own {
		if prefix.Contains(target) {
			return prefix.Addr(), nil
		}
	}
	if len(own) == 0 {
		return netip.Addr{}, fmt.Errorf("%s: %w to ask for %s from", ifname, ErrNoIPv4, target)
	}
	return netip.Addr{}, fmt.Errorf("%s is not on the network of %s (%s): direct return needs the real server on the same layer 2",
		target, ifname, own[0])
}

// senderIPv6 chooses the sender of a neighbor solicitation: a link-local address, which every host takes for a
// neighbor's, else one on the target's network. Which networks are on the link does not follow from the addresses: with
// DHCPv6 a host holds a /128, and a router tells the network. An excluded address is never chosen: where VRRP speaks IPv6
// the first VIP is link-local (RFC 9568, 5.2.9).
func senderIPv6(target netip.Addr, ifname string, held []netip.Prefix, exclude func(netip.Addr) bool) (netip.Addr, error) {
	if !target.Is6() || target.Is4In6() {
		return netip.Addr{}, fmt.Errorf("%s is not IPv6: neighbor discovery cannot find its MAC", target)
	}
	own, err := senders(target, ifname, held, exclude)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, prefix := range own {
		if prefix.Addr().IsLinkLocalUnicast() {
			return prefix.Addr(), nil
		}
	}
	for _, prefix := range own {
		if prefix.Contains(target) {
			return prefix.Addr(), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%s: no IPv6 address to ask for %s from, neither link-local nor on its network; "+
		"see net.ipv6.conf.%s.disable_ipv6", ifname, target, ifname)
}

// senders are the addresses that may ask: those that are held and not excluded. Nobody can ask for an address of its own.
func senders(target netip.Addr, ifname string, held []netip.Prefix, exclude func(netip.Addr) bool) ([]netip.Prefix, error) {
	var own []netip.Prefix
	for _, prefix := range held {
		if prefix.Addr() == target {
			return nil, fmt.Errorf("%s is an address of this host's own %s", target, ifname)
		}
		if exclude == nil || !exclude(prefix.Addr()) {
			own = append(own, prefix)
		}
	}
	return own, nil
}
