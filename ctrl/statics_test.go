package ctrl

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// leadsTo wants an address to be reached by an interface, or, without one, by none.
func leadsTo(address, ifname string) error {
	got, err := netif.InterfaceFor(netip.MustParseAddr(address))
	if (err == nil) != (ifname != "") || err == nil && got != ifname {
		return fmt.Errorf("%s is reached by %q (%v), want %q", address, got, err, ifname)
	}
	return nil
}

// holds wants an interface to hold an address or not.
func holds(ifname, prefix string, want bool) error {
	held, err := netif.Addresses(ifname)
	if err == nil && slices.Contains(held, netip.MustParsePrefix(prefix)) != want {
		err = fmt.Errorf("%s holds %v, want %s there: %v", ifname, held, prefix, want)
	}
	return err
}

func TestStaticsFollowAReloadAndGoInTheEnd(t *testing.T) {
	host, _ := twoFamilies(t)
	ifname := host.Interface()
	address := func(prefix string, line int) config.VirtualAddress {
		return config.VirtualAddress{Position: config.Position{Line: line}, Prefix: netip.MustParsePrefix(prefix), Interface: ifname}
	}
	route := func(to string) config.Route {
		return config.Route{
			Destination: netip.MustParsePrefix(to), Type: "unicast", Interface: ifname, Table: 254, Scope: 253, Protocol: 18,
		}
	}
	rule := config.Rule{From: netip.MustParsePrefix("10.9.0.0/16"), Action: "table", Table: 77, Priority: 700}
	first := statics{
		addresses: []config.VirtualAddress{address("10.1.0.1/24", 1), address("10.2.0.1/24", 2)},
		routes:    []config.Route{route("10.3.0.0/16"), route("10.4.0.0/16")}, rules: []config.Rule{rule},
	}
	second := statics{
		addresses: []config.VirtualAddress{address("10.2.0.1/24", 1)}, routes: []config.Route{route("10.4.0.0/16"), route("10.5.0.0/16")},
	}
	var s statics
	err := host.Do(func() error {
		return errors.Join(
			s.follow(first),
			s.add(), // nothing is amiss: nothing happens
			holds(ifname, "10.1.0.1/24", true), holds(ifname, "10.2.0.1/24", true), leadsTo("10.3.0.9", ifname),
			leadsTo("10.4.0.9", ifname), leadsTo("10.5.0.9", ""),
			s.follow(second),
			holds(ifname, "10.1.0.1/24", false), holds(ifname, "10.2.0.1/24", true), leadsTo("10.3.0.9", ""),
			leadsTo("10.4.0.9", ifname), leadsTo("10.5.0.9", ifname),
			s.remove(),
			holds(ifname, "10.2.0.1/24", false), leadsTo("10.4.0.9", ""), leadsTo("10.5.0.9", ""),
		)
	})
	if err != nil {
		t.Error(err)
	}
}

// groundOn is an instance's ground on a host, with an address and a route.
func groundOn(ifname string) *ground {
	i := *plainInstance()
	i.Interface = ifname
	i.Addresses = []config.VirtualAddress{{Prefix: prefixOf("192.168.100.221/24"), Interface: ifname}}
	i.Routes = []config.Route{{
		Destination: netip.MustParsePrefix("10.3.0.0/16"), Type: "unicast", Interface: ifname, Table: 254, Scope: 253, Protocol: 18,
	}}
	log := slog.New(slog.DiscardHandler)
	g := newGround(i, newErrands(log), log)
	g.announce = func([]announcement) {}
	g.told = func(footing) {}
	g.listen = func(string, socket) (func() error, error) { return func() error { return nil }, nil }
	return g
}

func TestTheGroundOfAMasterHoldsItsAddressesAndRoutesAndFollowsAReload(t *testing.T) {
	host, _ := twoFamilies(t)
	ifname := host.Interface()
	g := groundOn(ifname)
	vips := []netip.Addr{netip.MustParseAddr("192.168.100.221")}
	moved := g.instance
	moved.Addresses = []config.VirtualAddress{{Prefix: prefixOf("192.168.100.221/32"), Interface: ifname}}
	moved.Routes = nil
	err := host.Do(func() error {
		g.stand()
		g.add(vips)
		g.rule(true)
		return errors.Join(
			holds(ifname, "192.168.100.221/24", true), leadsTo("10.3.0.9", ifname),
			func() error { g.follow(moved); return nil }(),
			holds(ifname, "192.168.100.221/24", false), holds(ifname, "192.168.100.221/32", true), leadsTo("10.3.0.9", ""),
			func() error { g.remove(vips, true); return nil }(),
			holds(ifname, "192.168.100.221/32", false),
			func() error { g.close(func() {}); g.errands.finish(); return nil }(),
		)
	})
	if err != nil {
		t.Error(err)
	}
	if g.footing.problem != "" || g.footing.source != netip.MustParseAddr("192.168.100.210") {
		t.Errorf("it stands on %+v", g.footing)
	}
	if len(g.errands.wires) != 0 || len(g.errands.grounds) != 0 {
		t.Error("something is left")
	}
}

// Nothing tells of what this lacked: a name, and a network for the gateway.
func TestTheGroundOfAMasterIsRepaired(t *testing.T) {
	host, _ := twoFamilies(t)
	ifname := host.Interface()
	g := groundOn(ifname)
	g.instance.Routes[0].Interface, g.instance.Routes[0].Via, g.instance.Routes[0].Scope = "", netip.MustParseAddr("10.4.0.1"), 0
	vips := []netip.Addr{netip.MustParseAddr("192.168.100.221")}
	ip := func(args ...string) error { return host.Command(t.Context(), "ip", args...).Run() }
	err := errors.Join(ip("link", "set", ifname, "down"), ip("link", "set", ifname, "name", "other"), ip("link", "set", "other", "up"))
	err = errors.Join(err, host.Do(func() error {
		g.stand()
		g.add(vips)
		g.rule(true)
		if g.footing.problem == "" || !g.unrouted {
			return fmt.Errorf("it stands on %+v, unrouted %t", g.footing, g.unrouted)
		}
		return nil
	}))
	err = errors.Join(err, ip("link", "set", "other", "down"), ip("link", "set", "other", "name", ifname), ip("link", "set", ifname, "up"),
		ip("address", "add", "10.4.0.9/24", "dev", ifname))
	err = errors.Join(err, host.Do(func() error {
		g.repair()
		if g.footing.problem != "" || g.unrouted {
			return fmt.Errorf("after the repair it stands on %+v, unrouted %t", g.footing, g.unrouted)
		}
		return holds(ifname, "192.168.100.221/24", true)
	}))
	if err != nil {
		t.Error(err)
	}
}

// A name that another interface has now takes the static addresses along.
func TestStaticsAreRemovedFromWhereTheyWereAdded(t *testing.T) {
	host, _ := twoFamilies(t)
	ifname := host.Interface()
	s := statics{}
	wanted := statics{addresses: []config.VirtualAddress{{Prefix: netip.MustParsePrefix("10.1.0.1/24"), Interface: ifname}}}
	ip := func(args ...string) error { return host.Command(t.Context(), "ip", args...).Run() }
	err := host.Do(func() error { return s.follow(wanted) })
	err = errors.Join(err, ip("link", "set", ifname, "down"), ip("link", "set", ifname, "name", "other"), ip("link", "add", ifname, "type", "veth"))
	err = errors.Join(err, host.Do(func() error {
		return errors.Join(s.add(), holds("other", "10.1.0.1/24", false), holds(ifname, "10.1.0.1/24", true))
	}), ip("link", "set", ifname, "name", "third"))
	err = errors.Join(err, host.Do(func() error { return errors.Join(s.remove(), holds("third", "10.1.0.1/24", false)) }))
	if err != nil {
		t.Error(err)
	}
}

func TestAReloadThatPutsAnIPv6AddressOnAVirtualMACHasItThere(t *testing.T) {
	host, _ := twoFamilies(t)
	ifname := host.Interface()
	g := groundOn(ifname)
	g.instance.VMAC = &config.VMAC{Name: "vrrp.110", Address: virtualMAC(keyOfInstance(g.instance))}
	g.instance.Addresses[0].OnVMAC = true
	next := g.instance
	next.ExcludedAddresses = []config.VirtualAddress{{Prefix: netip.MustParsePrefix("2001:db8::221/64"), Interface: ifname, OnVMAC: true}}
	err := host.Do(func() error {
		g.stand()
		g.add([]netip.Addr{netip.MustParseAddr("192.168.100.221")})
		g.follow(next)
		g.add([]netip.Addr{netip.MustParseAddr("2001:db8::221")})
		return errors.Join(holds("vrrp.110", "192.168.100.221/24", true), holds("vrrp.110", "2001:db8::221/64", true))
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheVIPsOfAVirtualMACAreOnItsDeviceWhichGoesWithTheInstance(t *testing.T) {
	host, _ := twoFamilies(t)
	ifname := host.Interface()
	g := groundOn(ifname)
	g.instance.VMAC = &config.VMAC{Name: "vrrp.110", Address: virtualMAC(keyOfInstance(g.instance))}
	g.instance.Addresses[0].OnVMAC = true
	vips := []netip.Addr{netip.MustParseAddr("192.168.100.221")}
	err := host.Do(func() error {
		g.stand()
		g.add(vips)
		on := errors.Join(holds("vrrp.110", "192.168.100.221/24", true), holds(ifname, "192.168.100.221/24", false))
		if g.footing.vmac == 0 {
			on = errors.Join(on, errors.New("adverts do not leave by the virtual MAC"))
		}
		if err := new(netif.VMACs).Remove([]int{g.vmac.Index}); err != nil { // somebody does
			return err
		}
		g.link(netif.LinkEvent{Link: g.vmac, Removed: true})
		again := holds("vrrp.110", "192.168.100.221/24", true)
		g.remove(vips, true)
		off := holds("vrrp.110", "192.168.100.221/24", false)
		g.close(func() {})
		g.errands.finish()
		if _, err := netif.Link("vrrp.110"); !errors.Is(err, netif.ErrNoInterface) {
			off = errors.Join(off, fmt.Errorf("the device is still there: %v", err))
		}
		return errors.Join(on, again, off)
	})
	if err != nil {
		t.Error(err)
	}
}
