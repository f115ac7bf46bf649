package ctrl

import (
	"time"

	"drover/ctrl/vrrp"
)

// start lets the router take part, once it is known where it stands. A lease that still runs was given by an earlier
// process: this one is MASTER then, and goes on as such.
func (r *router) start(fit fitness) {
	r.elections.post(func() {
		if !r.leaving.IsZero() {
			return // stopped before it could start
		}
		r.elections.routers[r.key] = r
		r.fitness, r.started = fit, true
		r.elections.regroup()
		r.errand((*ground).stand)
	})
}

// stand is told where the router can speak from now.
func (r *router) stand(f footing) {
	r.elections.post(func() {
		moved := f.source != r.footing.source
		r.footing, r.stood = f, r.started
		if moved && f.source.IsValid() {
			r.handle(vrrp.Reconfigure{Settings: settingsOf(r.instance, f.source)})
		}
		r.judge()
		r.begin()
	})
}

// fit is told what all that is watched on this host means for the instance now.
func (r *router) fit(f fitness) {
	r.elections.post(func() {
		weighs, takesBack := f.weight != r.fitness.weight, r.fitness.offers() && !f.offers()
		r.fitness = f
		if weighs {
			r.handle(vrrp.Tracked{Weight: f.weight, Reason: f.reason})
		}
		if takesBack { // if nobody has taken the role, or nobody was heard who did: see reunite
			r.handle(vrrp.Reunited{})
		}
		r.judge()
		r.begin()
	})
}

// reunite is told that a part of the LAN is heard again that was silent. A MASTER that offers the role leaves the clients where
// they are: another one may have served them meanwhile, and will be heard within an interval.
func (r *router) reunite() {
	r.elections.post(func() {
		if !r.fitness.offers() {
			r.handle(vrrp.Reunited{})
		}
	})
}

// judge tells the machine whether there is a fault.
func (r *router) judge() {
	r.yieldsUntil = time.Time{}
	switch fault := r.fault(); {
	case !r.begun || !r.leaving.IsZero():
	case fault != "":
		r.handle(vrrp.Fault{Reason: fault})
	default:
		r.handle(vrrp.NoFault{})
	}
}

// fault is why this node must not be MASTER; empty if it may.
func (r *router) fault() string {
	switch {
	case r.footing.problem != "":
		return r.footing.problem
	case r.fitness.fault != "":
		return r.fitness.fault
	case r.fitness.yield != "" && r.machine.State() != vrrp.Master && time.Now().Before(r.masterUntil):
		r.yieldsUntil = r.masterUntil
		return r.fitness.yield + ", and another node is MASTER"
	default:
		return ""
	}
}

// begin starts the machine. It waits for the first answer of all that is tracked, but not inside a lease.
func (r *router) begin() {
	if r.begun || !r.stood || !r.leaving.IsZero() {
		return
	}
	var event vrrp.Event = vrrp.Start{}
	if r.adoptable {
		r.adoptable = false
		gate, err := r.gates.Gate(r.gate)
		if err != nil {
			r.complain("gate", "the gate cannot be read", err)
		}
		if err == nil && gate.Lease > 0 {
			r.log.Info("adopted: going on as MASTER", "lease", gate.Lease)
			event = vrrp.Adopt{}
		}
	}
	if _, start := event.(vrrp.Start); start && r.fitness.pending != "" {
		r.update(func(s *routerStatus) { s.reason = "not begun: " + r.fitness.pending })
		return
	}
	r.begun = true
	r.handle(vrrp.Tracked{Weight: r.fitness.weight, Reason: r.fitness.reason})
	r.judge()
	r.handle(event)
}
