package main

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"

	"drover/bench/testbed"
)

// link is the interface of a host.
func (n *network) link(h *testbed.Host) (found netlink.Link) {
	n.t.Helper()
	n.must(h.Do(func() (err error) {
		found, err = netlink.LinkByName(h.Interface())
		return err
	}))
	return found
}

// addressesOf are the addresses on the interface of a host.
func (n *network) addressesOf(h *testbed.Host) []netip.Addr {
	n.t.Helper()
	link := n.link(h)
	var list []netip.Addr
	n.must(h.Do(func() error {
		found, err := netlink.AddrList(link, netlink.FAMILY_ALL)
		for _, a := range found {
			address, _ := netip.AddrFromSlice(a.IP)
			list = append(list, address.Unmap())
		}
		return err
	}))
	return list
}

// holds tells whether an address is on the interface of a host.
func (n *network) holds(h *testbed.Host, address netip.Addr) bool {
	n.t.Helper()
	return slices.Contains(n.addressesOf(h), address)
}

// xdpProgram is the id of the XDP program on the interface of a host, 0 if there is none.
func (n *network) xdpProgram(h *testbed.Host) uint32 {
	n.t.Helper()
	if xdp := n.link(h).Attrs().Xdp; xdp != nil && xdp.Attached {
		return xdp.ProgId
	}
	return 0
}

// removeAddress takes an address from the interface of a host, as an operator may by mistake.
func (n *network) removeAddress(h *testbed.Host, address netip.Addr) error {
	link := n.link(h)
	return h.Do(func() error {
		held, err := netlink.AddrList(link, netlink.FAMILY_V4)
		if err != nil {
			return err
		}
		for _, a := range held {
			if a.IP.Equal(address.AsSlice()) {
				return netlink.AddrDel(link, &a)
			}
		}
		return fmt.Errorf("%s has no %s", h.Name(), address)
	})
}
