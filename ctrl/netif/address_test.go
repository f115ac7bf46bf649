package netif

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func (h *host) addresses() []netip.Prefix {
	h.t.Helper()
	var held []netip.Prefix
	h.must(func() (err error) {
		held, err = Addresses(testInterface)
		return err
	})
	return slices.DeleteFunc(held, func(p netip.Prefix) bool { return p.Addr().IsLinkLocalUnicast() })
}

// vips are one of each family.
var vips = []netip.Prefix{prefix("192.168.100.221/24"), prefix("2001:db8::221/64")}

func TestAddingAnAddressTwiceAddsItOnce(t *testing.T) {
	for _, vip := range vips {
		t.Run(vip.String(), func(t *testing.T) {
			h, _ := newLAN(t)
			h.must(func() error {
				for _, want := range []bool{true, false} {
					held, err := AddAddress(testInterface, Address{Prefix: vip})
					if err != nil {
						return err
					}
					if held.Added != want {
						t.Errorf("added = %v, want %v", held.Added, want)
					}
				}
				return nil
			})
			if got, want := h.addresses(), []netip.Prefix{prefix("192.168.100.210/24"), vip}; !slices.Equal(got, want) {
				t.Errorf("addresses %v, want %v", got, want)
			}
		})
	}
}

func TestRemovingAnAddressTwiceRemovesItOnce(t *testing.T) {
	for _, vip := range vips {
		t.Run(vip.String(), func(t *testing.T) {
			h, _ := newLAN(t)
			h.addAddress("2001:db8::210/64") // a network in common keeps the VIP company, and is not removed with it
			h.addAddress(vip.String())
			h.must(func() error {
				for _, want := range []bool{true, false} {
					removed, err := RemoveAddress(testInterface, vip)
					if err != nil {
						return err
					}
					if removed != want {
						t.Errorf("removed = %v, want %v", removed, want)
					}
				}
				return nil
			})
			want := []netip.Prefix{prefix("192.168.100.210/24"), prefix("2001:db8::210/64")}
			if got := h.addresses(); !slices.Equal(got, want) {
				t.Errorf("addresses %v, want %v", got, want)
			}
		})
	}
}

func TestAnAddressGetsTheFlagsThatKeepalivedGivesIt(t *testing.T) {
	for _, test := range []struct {
		name      string
		address   Address
		label     string
		broadcast string
		scope     int
		flags     int
	}{
		{"in the interface's network it is a secondary without broadcast",
			Address{Prefix: prefix("192.168.100.221/24")},
			testInterface, "<nil>", unix.RT_SCOPE_UNIVERSE, unix.IFA_F_PERMANENT | unix.IFA_F_SECONDARY},
		{"with another prefix length it is a primary",
			Address{Prefix: prefix("192.168.100.222/32")},
			testInterface, "<nil>", unix.RT_SCOPE_UNIVERSE, unix.IFA_F_PERMANENT},
		{"label, broadcast and scope are as asked for",
			Address{Prefix: prefix("10.9.9.9/24"), Label: "enp1s0:9", Broadcast: addr("10.9.9.255"), Scope: ScopeLink},
			"enp1s0:9", "10.9.9.255", unix.RT_SCOPE_LINK, unix.IFA_F_PERMANENT},
		{"an IPv6 address is usable at once, but not as a source",
			Address{Prefix: prefix("2001:db8::1/128")},
			"", "<nil>", unix.RT_SCOPE_UNIVERSE, unix.IFA_F_PERMANENT | unix.IFA_F_NODAD | unix.IFA_F_DEPRECATED},
		{"an IPv6 address is a source on demand",
			Address{Prefix: prefix("2001:db8::1/64"), Preferred: true},
			"", "<nil>", unix.RT_SCOPE_UNIVERSE, unix.IFA_F_PERMANENT | unix.IFA_F_NODAD},
		{"an IPv6 address has the flags that are asked for",
			Address{Prefix: prefix("2001:db8::1/64"), DetectDuplicates: true, Home: true, NoPrefixRoute: true},
			"", "<nil>", unix.RT_SCOPE_UNIVERSE,
			unix.IFA_F_PERMANENT | unix.IFA_F_TENTATIVE | unix.IFA_F_HOMEADDRESS | unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_DEPRECATED},
		{"nor is one with its network",
			Address{Prefix: prefix("2001:db8::1/64")},
			"", "<nil>", unix.RT_SCOPE_UNIVERSE, unix.IFA_F_PERMANENT | unix.IFA_F_NODAD | unix.IFA_F_DEPRECATED},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, _ := newLAN(t)
			h.withLink(func(link netlink.Link) error {
				if _, err := AddAddress(testInterface, test.address); err != nil {
					return err
				}
				addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
				if err != nil {
					return err
				}
				i := slices.Index(prefixes(addrs), test.address.Prefix)
				if i < 0 {
					t.Fatalf("not among %v", addrs)
				}
				got := addrs[i]
				if got.Label != test.label || got.Broadcast.String() != test.broadcast || got.Scope != test.scope || got.Flags != test.flags {
					t.Errorf("label %q broadcast %s scope %d flags %#x, want %q %s %d %#x",
						got.Label, got.Broadcast, got.Scope, got.Flags, test.label, test.broadcast, test.scope, test.flags)
				}
				return nil
			})
		})
	}
}

func TestRemovingAPrimaryAddressKeepsItsSecondaries(t *testing.T) {
	h, _ := newLAN(t)
	h.setSysctl("all/promote_secondaries", "0")
	h.setSysctl("enp1s0/promote_secondaries", "0")
	for _, p := range []string{"10.9.9.1/24", "10.9.9.2/24", "10.9.9.3/24"} {
		h.addAddress(p)
	}
	h.must(func() error {
		_, err := RemoveAddress(testInterface, prefix("10.9.9.1/24"))
		return err
	})
	want := []netip.Prefix{prefix("10.9.9.2/24"), prefix("10.9.9.3/24"), prefix("192.168.100.210/24")}
	got := h.addresses()
	slices.SortFunc(got, netip.Prefix.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("addresses %v, want %v", got, want)
	}
	h.must(func() error {
		value, err := os.ReadFile("/proc/sys/net/ipv4/conf/enp1s0/promote_secondaries")
		if err == nil && strings.TrimSpace(string(value)) != "0" {
			t.Errorf("promote_secondaries was left at %s", value)
		}
		return err
	})
}

func TestAnAddressIsRemovedFromWhereItWasAdded(t *testing.T) {
	h, _ := newLAN(t)
	vip := prefix("192.168.100.221/24") // set down for its new name, an interface would lose one of IPv6
	h.must(func() error {
		held, err := AddAddress(testInterface, Address{Prefix: vip})
		if err != nil {
			return err
		}
		link, err := linkByName(testInterface)
		if err != nil {
			return err
		}
		if err := errors.Join(netlink.LinkSetDown(link), netlink.LinkSetName(link, "lan0")); err != nil {
			return err
		}
		for _, want := range []bool{true, false} {
			if removed, err := RemoveAddressAt(held.Index, vip); removed != want || err != nil {
				t.Errorf("removed = %v, %v, want %v", removed, err, want)
			}
		}
		if left, err := Addresses("lan0"); err != nil || slices.Contains(left, vip) {
			t.Errorf("addresses %v, %v", left, err)
		}
		if err := netlink.LinkDel(link); err != nil {
			return err
		}
		if removed, err := RemoveAddressAt(held.Index, vip); removed || err != nil {
			t.Errorf("from an interface that is gone: %v, %v", removed, err)
		}
		return nil
	})
}

func TestAnAbsentInterfaceHasNoAddresses(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		if _, err := Addresses("enp9s0"); !errors.Is(err, ErrNoInterface) {
			t.Errorf("list: %v", err)
		}
		if _, err := AddAddress("enp9s0", Address{Prefix: prefix("10.9.9.9/24")}); !errors.Is(err, ErrNoInterface) {
			t.Errorf("add: %v", err)
		}
		if removed, err := RemoveAddress("enp9s0", prefix("10.9.9.9/24")); removed || err != nil {
			t.Errorf("remove: %v, %v", removed, err)
		}
		return nil
	})
}

func TestThePrimaryAddressIsTheFirstThatIsNoVIP(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		if got, err := PrimaryAddress(testInterface, nil); err != nil || got != addr("192.168.100.210") {
			t.Errorf("got %s, %v", got, err)
		}
		isVIP := func(a netip.Addr) bool { return a == addr("192.168.100.210") }
		if got, err := PrimaryAddress(testInterface, isVIP); !errors.Is(err, ErrNoIPv4) {
			t.Errorf("without the VIP: got %s, %v", got, err)
		}
		return nil
	})
}

func TestAnInterfaceWithoutALinkLocalAddressSaysSo(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		if _, err := LinkLocalAddress("enp9s0", nil); !errors.Is(err, ErrNoInterface) {
			t.Errorf("absent interface: %v", err)
		}
		return writeSysctl("ipv6", testInterface, "disable_ipv6", "1")
	})
	h.must(func() error {
		if got, err := LinkLocalAddress(testInterface, nil); !errors.Is(err, ErrNoLinkLocal) {
			t.Errorf("got %s, %v", got, err)
		}
		return nil
	})
}

func TestAVIPIsNotTheLinkLocalAddressOfAdverts(t *testing.T) {
	h, _ := newLAN(t)
	own := h.linkLocal("00:0d:b9:00:00:02")
	h.addAddress("fe80::221/128")
	h.must(func() error {
		isVIP := func(a netip.Addr) bool { return a == addr("fe80::221") }
		if got, err := LinkLocalAddress(testInterface, isVIP); err != nil || got != own || got != addr("fe80::20d:b9ff:fe00:2") {
			t.Errorf("got %s, %v", got, err)
		}
		return nil
	})
}
