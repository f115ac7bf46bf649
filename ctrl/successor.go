package ctrl

import (
	"time"

	"drover/ctrl/vrrp"
)

const (
	// successorMargin is what a successor may be late: on a busy host, and on its way here.
	successorMargin = 200 * time.Millisecond
	// successorAnnounces is the time that a successor has from its first advert to reach the LAN's neighbor tables.
	successorAnnounces = 100 * time.Millisecond
)

// successorDeadline is how long a MASTER that stops goes on forwarding while no successor is heard: until the backup of
// the lowest priority that there can be would have taken over. It waits no longer than packets are forwarded: at adverts
// more than some ten seconds apart a successor may be later.
func successorDeadline(s vrrp.Settings) time.Duration {
	return min(s.LongestSkew()+successorMargin, forwardingGrace)
}

// awaitSuccessor hears an advert while the router leaves. Whatever the election would not listen to is no successor.
func (r *router) awaitSuccessor(d vrrp.Datagram) {
	advert, drop := r.machine.Examine(d)
	switch {
	case drop != nil:
		r.drop(*drop)
	case advert.Priority != vrrp.PriorityStopped && !r.succeeded:
		r.succeeded, r.leaving = true, time.Now().Add(successorAnnounces)
	}
}

// stop has routers say goodbye, in their order and with nothing between: those of a sync group tell scripts of no state on
// the way. Their gates' grace carries the packets that still arrive; done of each is closed when a successor has announced
// itself, or none came in time (successorDeadline), and nothing is left.
func (e *elections) stop(routers []*router, deleted bool) {
	e.post(func() {
		for _, r := range routers {
			r.stop(deleted)
		}
	})
}

func (r *router) stop(deleted bool) {
	r.deleted = deleted
	if r.elections.routers[r.key] != r { // it has not started yet
		r.leaving = time.Now()
		r.vacate()
		r.elections.regroup()
		return
	}
	wasMaster := r.machine.State() == vrrp.Master
	r.handle(vrrp.Stop{})
	r.leaving = time.Now()
	if wasMaster {
		r.leaving = r.leaving.Add(successorDeadline(settingsOf(r.instance, r.footing.source)))
	}
}

func (r *router) left(now time.Time) bool { return !r.leaving.IsZero() && !now.Before(r.leaving) }

// vacate gives up what the router has on this host.
func (r *router) vacate() {
	r.gone = true
	r.errand(func(g *ground) { g.close(func() { close(r.done) }) })
}
