package ctrl

import (
	"fmt"
	"maps"
	"net/netip"
	"time"

	"drover/ctrl/netif"
	"drover/ctrl/notify"
	"drover/ctrl/vrrp"
)

// do carries out what the machine asks for, or has it carried out in the same order.
func (r *router) do(action vrrp.Action) {
	switch a := action.(type) {
	case vrrp.SendAdvert:
		r.sendAdvert(a)
	case vrrp.AddAddresses:
		r.errand(func(g *ground) { g.add(a.Addresses) })
	case vrrp.RemoveAddresses:
		ends := r.machine.State() != vrrp.Master
		r.errand(func(g *ground) { g.remove(a.Addresses, ends) })
	case vrrp.Announce:
		r.announce(announcementsOf(r.instance, a.Addresses, a.Count))
	case vrrp.Transition:
		r.transition(a)
	case vrrp.PriorityChange:
		r.changePriority(a)
	case vrrp.Rival:
		r.hearRival(a)
	case vrrp.Drop:
		r.drop(a)
	case vrrp.Note:
		r.log.Info(a.Text)
	}
}

func (r *router) errand(do func(*ground)) { r.elections.errands.post(func() { do(r.ground) }) }

// sendAdvert renews the lease and says so to the LAN. The gate comes first: whoever hears the advert may send packets.
func (r *router) sendAdvert(a vrrp.SendAdvert) {
	if a.Lease > 0 {
		if err := r.gates.OpenGate(r.gate, a.Lease, forwardingGrace); err != nil {
			r.complain("gate", "the lease could not be renewed", err)
		}
	}
	if r.footing.conn == nil || !r.footing.source.IsValid() {
		return // the interface is away, or its address, of which the machine is told
	}
	for _, path := range r.paths() {
		payload, err := a.Advert.Marshal(path.Source, path.Destination)
		if err != nil {
			r.complain("marshal", "an advert could not be written", err)
			return
		}
		if err := r.footing.conn.Write(payload, path); err != nil {
			r.complain("send", "an advert could not be sent", err)
			continue
		}
		r.update(func(s *routerStatus) { s.sent++ })
	}
	if a.Lease > 0 && !r.fitness.offers() {
		r.errand(func(g *ground) { g.advertised(time.Now()) })
	}
}

// paths are the ways of an advert: to the group, or to each peer.
func (r *router) paths() []netif.VRRPPath {
	if len(r.instance.Unicast) == 0 {
		return []netif.VRRPPath{{
			Source: r.footing.source, Destination: r.instance.MulticastGroup, VMAC: r.footing.vmac,
		}}
	}
	paths := make([]netif.VRRPPath, len(r.instance.Unicast))
	for n, p := range r.instance.Unicast {
		paths[n] = netif.VRRPPath{Source: r.footing.source, Destination: p.Address, TTL: r.instance.UnicastTTL}
	}
	return paths
}

func (r *router) transition(t vrrp.Transition) {
	if t.From == vrrp.Master {
		if err := r.gates.CloseGate(r.gate, forwardingGrace); err != nil {
			r.complain("gate", "the lease could not be taken back", err)
		}
	}
	r.log.Info("VRRP state", "from", t.From, "to", t.To, "reason", t.Reason)
	since := r.machine.Since()
	r.errand(func(g *ground) {
		g.rule(t.To == vrrp.Master)
		r.update(func(s *routerStatus) { s.enter(t, since) }) // now that all is done that the change brought
	})
	if !r.deleted { // else they know: Controller.dismiss
		r.notify(r.event(states[t.To]))
	}
	r.errand(func(*ground) { r.changed() })
}

func (s *routerStatus) enter(t vrrp.Transition, since time.Time) {
	s.before, s.state, s.since, s.reason = t.From, t.To, since, t.Reason
	if t.To == vrrp.Master || t.To == vrrp.Initialize {
		s.master = netip.Addr{}
	}
	if t.To != vrrp.Master {
		clear(s.rivals)
	}
}

func (r *router) event(state notify.State) notify.Event {
	subject := notify.Subject{Kind: notify.Instance, Name: r.name}
	return notify.Event{Subject: subject, State: state, Priority: r.status().priority}
}

// notify tells scripts and FIFOs, once all that the machine has asked for before is done.
func (r *router) notify(e notify.Event) { r.errand(func(*ground) { r.told(e) }) }

func (r *router) changePriority(p vrrp.PriorityChange) {
	r.log.Info("VRRP priority", "from", p.From, "to", p.To, "reason", p.Reason)
	r.update(func(s *routerStatus) { s.priority = p.To })
	switch r.machine.State() {
	case vrrp.Master:
		r.notify(r.event(notify.MasterPriority))
	case vrrp.Backup, vrrp.Faulty: // as keepalived 2.2.7 does, which has no word for FAULT
		r.notify(r.event(notify.BackupPriority))
	}
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

// complaints remembers when each kind of failure was last logged.
type complaints map[string]time.Time

// due tells whether a failure is to be logged now: one of a kind at most once a minute.
func (c complaints) due(now time.Time, kind string) bool {
	const pause = time.Minute
	maps.DeleteFunc(c, func(_ string, last time.Time) bool { return now.Sub(last) >= pause })
	if _, logged := c[kind]; logged {
		return false
	}
	c[kind] = now
	return true
}

// dueOf is due for kinds that others make up: of no more than so many at a time.
func (c complaints) dueOf(now time.Time, kind string, most int) bool {
	if !c.due(now, kind) {
		return false
	}
	if len(c) > most {
		delete(c, kind)
		return false
	}
	return true
}

// complain logs a failure, unless one of its kind was logged just now.
func (r *router) complain(kind, text string, err error) {
	if r.complaints.due(time.Now(), kind) {
		r.log.Error(fmt.Sprintf("%s; further ones within a minute are not logged", text), "error", err)
	}
}
