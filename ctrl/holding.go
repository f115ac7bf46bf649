package ctrl

import (
	"net/netip"
	"slices"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// holding is an address that a MASTER holds.
type holding struct {
	config.VirtualAddress
	index int // of the device that it was put on, whatever that is called now; 0 while it could not be
}

func (g *ground) virtualAddress(addr netip.Addr) (config.VirtualAddress, bool) {
	return virtualAddressOf(g.instance, addr)
}

func virtualAddressOf(i config.Instance, addr netip.Addr) (config.VirtualAddress, bool) {
	for _, a := range virtualAddresses(i) {
		if a.Prefix.Addr() == addr {
			return a, true
		}
	}
	return config.VirtualAddress{}, false
}

// device is the name of the device that holds an address.
func (g *ground) device(a config.VirtualAddress) string {
	if a.OnVMAC && g.instance.VMAC != nil {
		return g.instance.VMAC.Name
	}
	return a.Interface
}

// add makes a MASTER hold addresses.
func (g *ground) add(addresses []netip.Addr) {
	for _, addr := range addresses {
		if a, configured := g.virtualAddress(addr); configured {
			g.addOne(a)
		}
	}
}

// addOne tells whether the address was not there before.
func (g *ground) addOne(a config.VirtualAddress) bool {
	before := g.holds[a.Prefix.Addr()]
	now, err := netif.AddAddress(g.device(a), addressOf(a))
	if err != nil {
		g.complain("add", "a VIP could not be added", err)
		now.Index = before.index // it may be there still, on a device that has another name for a while
	} else if before.index != 0 && before.index != now.Index {
		g.takeAway(before) // another device has the name now
	}
	g.holds[a.Prefix.Addr()] = holding{a, now.Index}
	g.errands.remains.wanted(now.Index, g.device(a), a.Prefix)
	return now.Added
}

// addressOf is an address of the configuration in the terms of the interface.
func addressOf(a config.VirtualAddress) netif.Address {
	return netif.Address{
		Prefix: a.Prefix, Label: a.Label, Broadcast: a.Broadcast, Scope: scopes[a.Scope],
	}
}

// scopes are keepalived.conf's words for the scope of an address.
var scopes = map[string]netif.Scope{
	"": netif.ScopeGlobal, "global": netif.ScopeGlobal, "site": netif.ScopeSite, "link": netif.ScopeLink,
	"host": netif.ScopeHost, "nowhere": netif.ScopeNowhere,
}

// remove takes addresses away. When the whole role ends, the routes and rules go before them, whoever added them.
func (g *ground) remove(addresses []netip.Addr, ends bool) {
	if ends {
		g.rule(false)
	}
	if ends && g.holdsIPv6OnVMAC() { // and so do all IPv6 addresses of the virtual MAC: silently
		if err := netif.ClearVMAC(g.instance.VMAC.Name); err != nil {
			g.complain("remove", "a virtual MAC could not be silenced", err)
		}
	}
	for _, addr := range addresses {
		g.removeOne(addr)
	}
}

// holdsIPv6OnVMAC tells whether IPv6 addresses may be on a virtual MAC; without them there is no need to silence it, for
// which the kernel takes some 15 ms.
func (g *ground) holdsIPv6OnVMAC() bool {
	return g.instance.VMAC != nil && slices.ContainsFunc(virtualAddresses(g.instance), func(a config.VirtualAddress) bool {
		return a.OnVMAC && a.Prefix.Addr().Is6()
	})
}

// removeOne removes an address from where it was added; one that this process did not add, from where it is configured.
func (g *ground) removeOne(addr netip.Addr) {
	h, held := g.holds[addr]
	if !held {
		configured := false
		if h.VirtualAddress, configured = g.virtualAddress(addr); !configured {
			return
		}
	}
	delete(g.holds, addr)
	g.takeAway(h)
}

func (g *ground) takeAway(h holding) {
	if err := g.errands.removeVIP(remain{h.index, g.device(h.VirtualAddress), h.Prefix}); err != nil {
		g.complain("remove", "a VIP could not be removed, which is tried again", err)
	}
}

// moveAddresses follows a reload that wrote a VIP another way: its prefix length, its interface or its label.
func (g *ground) moveAddresses() {
	for addr, old := range g.holds {
		a, configured := g.virtualAddress(addr)
		a.Position = old.Position
		if !configured || a == old.VirtualAddress {
			continue
		}
		g.removeOne(addr)
		g.addOne(a)
		g.announceAll([]netip.Addr{addr}, g.instance.GARP.MasterRepeat)
	}
}

// moveTo follows a name that has come to another device, as one that was made again: it gets what is held there.
func (g *ground) moveTo(link netif.LinkInfo) {
	for addr, h := range g.holds {
		if g.device(h.VirtualAddress) == link.Name && h.index != link.Index && g.addOne(h.VirtualAddress) {
			g.announceAll([]netip.Addr{addr}, g.instance.GARP.MasterRepeat)
		}
	}
}

// hold puts back what a MASTER holds and has lost.
func (g *ground) hold() {
	for addr, h := range g.holds {
		if g.addOne(h.VirtualAddress) {
			g.announceAll([]netip.Addr{addr}, g.instance.GARP.MasterRepeat)
		}
	}
}

// restore puts a VIP back that somebody took from a MASTER.
func (g *ground) restore(event netif.AddressEvent) {
	h, held := g.holds[event.Prefix.Addr()]
	if !held || g.device(h.VirtualAddress) != event.Interface || h.Prefix != event.Prefix {
		return
	}
	if g.addOne(h.VirtualAddress) {
		g.log.Warn("somebody removed a VIP while this node is MASTER: put back", "vip", h.Prefix)
		g.reroute() // those that prefer it as their source went with it
		g.announceAll([]netip.Addr{h.Prefix.Addr()}, g.instance.GARP.MasterRepeat)
	}
}

// announceAll tells the LAN where addresses are, each a number of times.
func (g *ground) announceAll(addresses []netip.Addr, count int) {
	g.announce(announcementsOf(g.instance, addresses, count))
}
