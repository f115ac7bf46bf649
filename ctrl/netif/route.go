package netif

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// InterfaceFor returns the interface on whose network an IPv4 or IPv6 address is, so that frames can be sent to it
// directly. For an address of this host itself, as a VIP that an earlier run left behind, it is the interface that holds
// it. An address that is reached through a gateway is an error that names the gateway; so is one that is not reached at
// all, and a link-local one, which each interface has a network for.
func InterfaceFor(addr netip.Addr) (ifname string, err error) {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid():
		return "", errors.New("find the interface of an address: none given")
	case addr.Is6() && addr.IsLinkLocalUnicast():
		return "", fmt.Errorf("find the interface of %s: a link-local address does not tell it: "+
			"use a global or unique local address of the real server", addr)
	}
	// The route of an address that the host has just been given may not be there yet: ask for addresses first.
	held, err := heldAddresses()
	if err != nil {
		return "", fmt.Errorf("find the interface of %s: %w", addr, err)
	}
	if isLocal(addr, held) {
		return holderOf(addr, held)
	}
	routes, err := netlink.RouteGet(addr.AsSlice())
	if err != nil {
		return "", fmt.Errorf("find the interface of %s: no route: %w", addr, err)
	}
	if len(routes) == 0 {
		return "", fmt.Errorf("find the interface of %s: no route", addr)
	}
	route := routes[0]
	link, err := netlink.LinkByIndex(route.LinkIndex)
	if err != nil {
		return "", fmt.Errorf("find the interface of %s: interface %d: %w", addr, route.LinkIndex, err)
	}
	ifname = link.Attrs().Name
	switch {
	case route.Type != unix.RTN_UNICAST:
		return "", fmt.Errorf("find the interface of %s: not the address of a host on %s", addr, ifname)
	case route.Gw != nil || route.Via != nil:
		return "", fmt.Errorf("find the interface of %s: it is behind the gateway %s on %s, and direct return needs it on the same layer 2",
			addr, gatewayOf(route), ifname)
	}
	return ifname, nil
}

// heldAddresses are those of all interfaces of this host, whatever their state.
func heldAddresses() ([]netlink.Addr, error) {
	held, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("list the addresses of this host: %w", err)
	}
	return held, nil
}

// isLocal says whether an address is this host itself: one that it holds, or a loopback address. Packets for it need no
// layer 2 but the kernel.
func isLocal(addr netip.Addr, held []netlink.Addr) bool {
	addr = addr.Unmap()
	return addr.IsLoopback() ||
		slices.ContainsFunc(held, func(a netlink.Addr) bool { return prefixOf(a).Addr() == addr })
}

func gatewayOf(route netlink.Route) string {
	if route.Via != nil {
		return route.Via.String()
	}
	return route.Gw.String()
}

// holderOf returns the interface that holds an address of this host. One on the loopback interface says nothing about
// where its packets arrive.
func holderOf(addr netip.Addr, held []netlink.Addr) (ifname string, err error) {
	for _, a := range held {
		if prefixOf(a).Addr() != addr {
			continue
		}
		link, err := netlink.LinkByIndex(a.LinkIndex)
		if err != nil {
			return "", fmt.Errorf("find the interface of %s: interface %d: %w", addr, a.LinkIndex, err)
		}
		if attrs := link.Attrs(); attrs.RawFlags&unix.IFF_LOOPBACK == 0 {
			return attrs.Name, nil
		}
	}
	return "", fmt.Errorf("find the interface of %s: it is an address of this host's loopback interface", addr)
}
