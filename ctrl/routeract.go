package ctrl

import (
	"net/netip"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

// do carries out what the machine asks for.
func (r *router) do(action vrrp.Action) {
	switch a := action.(type) {
	case vrrp.SendAdvert:
		r.sendAdvert(a)
	case vrrp.AddAddresses:
		for _, addr := range a.Addresses {
			r.addAddress(addr)
		}
	case vrrp.RemoveAddresses:
		for _, addr := range a.Addresses {
			r.removeAddress(addr)
		}
	case vrrp.Announce:
		r.announceAll(a)
	case vrrp.Transition:
		r.transition(a)
	case vrrp.Drop:
		r.drop(a)
	case vrrp.Note:
		r.log.Info(a.Text)
	}
}

// sendAdvert renews the lease and says so to the LAN. The gate comes first: whoever hears the advert may send packets.
func (r *router) sendAdvert(a vrrp.SendAdvert) {
	if a.Lease > 0 {
		if err := r.data.OpenGate(r.gate, a.Lease, forwardingGrace); err != nil {
			r.complain("gate", "the lease could not be renewed", err)
		}
	}
	payload, err := a.Advert.Marshal()
	if err != nil {
		r.complain("marshal", "an advert could not be written", err)
		return
	}
	if r.conn == nil {
		return // the link is down, of which the machine is told
	}
	if err := r.conn.Write(payload); err != nil {
		r.complain("send", "an advert could not be sent", err)
		return
	}
	r.update(func(s *routerStatus) { s.sent++ })
}

func (r *router) virtualAddress(addr netip.Addr) (config.VirtualAddress, bool) {
	for _, a := range virtualAddresses(r.instance) {
		if a.Prefix.Addr() == addr {
			return a, true
		}
	}
	return config.VirtualAddress{}, false
}

// addAddress tells whether the address was not there before.
func (r *router) addAddress(addr netip.Addr) bool {
	a, configured := r.virtualAddress(addr)
	if !configured {
		return false
	}
	added, err := netif.AddAddress(a.Interface, netif.Address{
		Prefix: a.Prefix, Label: a.Label, Broadcast: a.Broadcast, Scope: scopes[a.Scope],
	})
	if err != nil {
		r.complain("add", "a VIP could not be added", err)
		return false
	}
	r.holds[addr] = a
	return added
}

// scopes are keepalived.conf's words for the scope of an address.
var scopes = map[string]netif.Scope{
	"": netif.ScopeGlobal, "global": netif.ScopeGlobal, "site": netif.ScopeSite, "link": netif.ScopeLink,
	"host": netif.ScopeHost, "nowhere": netif.ScopeNowhere,
}

// removeAddress removes an address as it was added; one that this process did not add, as it is configured.
func (r *router) removeAddress(addr netip.Addr) {
	a, held := r.holds[addr]
	if !held {
		configured := false
		if a, configured = r.virtualAddress(addr); !configured {
			return
		}
	}
	delete(r.holds, addr)
	if _, err := netif.RemoveAddress(a.Interface, a.Prefix); err != nil {
		r.complain("remove", "a VIP could not be removed", err)
	}
}

// moveAddresses follows a reload that wrote a VIP another way: its prefix length, its interface or its label.
func (r *router) moveAddresses() {
	for addr, old := range r.holds {
		a, configured := r.virtualAddress(addr)
		a.Position = old.Position
		if !configured || a == old {
			continue
		}
		r.removeAddress(addr)
		r.addAddress(addr)
		r.do(vrrp.Announce{Addresses: []netip.Addr{addr}, Count: r.instance.GARP.MasterRepeat})
	}
}

func (r *router) announceAll(a vrrp.Announce) {
	for range a.Count {
		for _, addr := range a.Addresses {
			v, configured := r.virtualAddress(addr)
			if !configured {
				continue
			}
			if err := r.announce(v.Interface, addr); err != nil {
				r.complain("announce", "a VIP could not be announced", err)
			}
		}
	}
}

func (r *router) transition(t vrrp.Transition) {
	if t.From == vrrp.Master {
		if err := r.data.CloseGate(r.gate, forwardingGrace); err != nil {
			r.complain("gate", "the lease could not be taken back", err)
		}
	}
	r.log.Info("VRRP state", "from", t.From, "to", t.To, "reason", t.Reason)
	r.update(func(s *routerStatus) { s.state, s.since, s.reason = t.To, r.machine.Since(), t.Reason })
	r.changed()
}

func (r *router) drop(d vrrp.Drop) {
	first := false
	r.update(func(s *routerStatus) {
		s.dropped[d.Reason]++
		first = s.dropped[d.Reason] == 1
	})
	if first && d.Reason != vrrp.DropOwn {
		r.log.Warn("an advert is not listened to; further ones are counted in drover status", "reason", d.Reason,
			"source", d.Source, "detail", d.Detail)
	}
}
