package netif

import (
	"errors"
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
	h.addAddress("2001:db8::210/64")
	h.addAddress("2001:db8::221/128")
	h.withLink(func(link netlink.Link) error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(lo); err != nil {
			return err
		}
		for _, vip := range []string{"10.8.8.8/32", "2001:db8:8::8/128"} {
			if _, err := AddAddress("lo", Address{Prefix: prefix(vip)}); err != nil {
				return err
			}
		}
		return errors.Join(
			netlink.RouteAdd(&netlink.Route{
				LinkIndex: link.Attrs().Index,
				Dst:       &net.IPNet{IP: net.IPv4(192, 0, 2, 0), Mask: net.CIDRMask(24, 32)},
				Gw:        net.IPv4(192, 168, 100, 1),
			}),
			netlink.RouteAdd(&netlink.Route{
				LinkIndex: link.Attrs().Index,
				Dst:       &net.IPNet{IP: net.ParseIP("2001:db8:2::"), Mask: net.CIDRMask(48, 128)},
				Gw:        net.ParseIP("2001:db8::1"),
			}),
		)
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
		{"an IPv6 host on the network", addr("2001:db8::150"), ""},
		{"an IPv6 VIP that is held", addr("2001:db8::221"), ""},
		{"an IPv6 host behind a gateway", addr("2001:db8:2::1"), "behind the gateway 2001:db8::1 on enp1s0"},
		{"an IPv6 host without route", addr("2001:db8:ffff::1"), "no route"},
		{"an IPv6 address of the loopback interface", addr("2001:db8:8::8"), "loopback"},
		{"an IPv6 multicast group", addr("ff02::1"), "not the address of a host"},
		{"a link-local address", addr("fe80::150"), "link-local"},
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

func TestAnAddressOfThisHostIsLocal(t *testing.T) {
	h, _ := newLAN(t)
	h.addAddress("2001:db8::210/64")
	h.addAddress("10.9.9.9/32")
	h.setUp(false) // whether the address can be used is another question; the kernel drops IPv6 ones itself
	h.must(func() error {
		_, err := AddAddress("lo", Address{Prefix: prefix("2001:db8:8::8/128")})
		return err
	})
	for _, test := range []struct {
		name string
		addr string
		want bool
	}{
		{"one that an interface holds", "192.168.100.210", true},
		{"a single address", "10.9.9.9", true},
		{"one mapped into IPv6", "::ffff:192.168.100.210", true},
		{"an IPv6 address on the loopback interface", "2001:db8:8::8", true},
		{"the loopback network", "127.0.0.2", true},
		{"the IPv6 loopback address", "::1", true},
		{"a neighbor", "192.168.100.150", false},
		{"an IPv6 neighbor", "2001:db8::150", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.must(func() error {
				held, err := heldAddresses()
				if got := isLocal(addr(test.addr), held); got != test.want {
					t.Errorf("local = %v, want %v", got, test.want)
				}
				return err
			})
		})
	}
}
