package netif

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestTheInterfaceOfAnAddressIsTheOneOnItsNetwork(t *testing.T) {
	h, _ := newLAN(t)
	h.addAddress("192.168.100.221/24")
	h.addAddress("10.9.9.9/32")
	h.withLink(func(link netlink.Link) error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(lo); err != nil {
			return err
		}
		if _, err := AddAddress("lo", Address{Prefix: prefix("10.8.8.8/32")}); err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{
			LinkIndex: link.Attrs().Index,
			Dst:       &net.IPNet{IP: net.IPv4(192, 0, 2, 0), Mask: net.CIDRMask(24, 32)},
			Gw:        net.IPv4(192, 168, 100, 1),
		})
	})
	for _, test := range []struct {
		name string
		addr netip.Addr
		err  string // a part of it
	}{
		{"a host on the network", addr("192.168.100.150"), ""},
		{"a VIP that is held", addr("192.168.100.221"), ""},
		{"a VIP of a single address that is held", addr("10.9.9.9"), ""},
		{"a host behind a gateway", addr("192.0.2.1"), "behind the gateway 192.168.100.1 on enp1s0"},
		{"a host without route", addr("203.0.113.1"), "no route"},
		{"an address of the loopback interface", addr("10.8.8.8"), "loopback"},
		{"the network's broadcast address", addr("192.168.100.255"), "not the address of a host"},
		{"no address", netip.Addr{}, "none given"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.must(func() error {
				got, err := InterfaceFor(test.addr)
				switch {
				case test.err == "" && (err != nil || got != testInterface):
					t.Errorf("got %q, %v", got, err)
				case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
					t.Errorf("error %v, want %q in it", err, test.err)
				}
				return nil
			})
		})
	}
}
