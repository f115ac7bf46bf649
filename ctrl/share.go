package ctrl

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"drover/dataplane"
)

// The share of a real server is what it gets of what its weight is worth. It is less than the whole while the real server
// is suspected, and in a slow start.
const (
	slowSteps      = 10 // of a slow start: the share grows by tenths
	suspectedShare = 8  // a suspected real server has an eighth: clients go on trying it, and show when it is back
	wholeShare     = slowSteps * suspectedShare
)

// rating is what the share of a real server follows from.
type rating struct {
	suspicion string    // why it is suspected; empty if it is not
	step      int       // of its slow start; 0 when that is over
	risen     time.Time // when that began; zero without one
	up        bool
	// returning says that a slow start is due when it comes up: it was down before, or a reload has brought it.
	returning bool
}

// share is a part of wholeShare.
func (r *rating) share() int {
	share := wholeShare
	if r.step > 0 {
		share = share / slowSteps * r.step
	}
	if r.suspicion != "" {
		share /= suspectedShare
	}
	return share
}

// stand notes whether the real server takes connections now. At the start of the daemon everything comes up at once, and
// nothing slowly; what has been found down by then returns later.
func (r *rating) stand(now time.Time, up, foundDown bool) {
	switch {
	case !up:
		r.returning = r.returning || r.up || foundDown
		r.risen = time.Time{}
	case !r.up && r.returning:
		r.risen = now
	}
	r.up = up
}

// rise has the slow start go on, and returns when the next step is due; zero when it is over.
func (r *rating) rise(now time.Time, slowStart time.Duration) (next time.Time) {
	r.step = 0
	if r.risen.IsZero() {
		return time.Time{}
	}
	if r.step = slowStep(now.Sub(r.risen), slowStart); r.step == 0 {
		r.risen = time.Time{}
		return time.Time{}
	}
	return r.risen.Add(slowStepAt(r.step+1, slowStart))
}

// slowStep is the step, 1 to slowSteps-1, that a slow start is in after some time; 0 when it is over.
func slowStep(after, slowStart time.Duration) int {
	for step := 1; step < slowSteps; step++ {
		if after < slowStepAt(step+1, slowStart) {
			return step
		}
	}
	return 0
}

// slowStepAt is when a step begins: the first at once, the last, which is the whole share, at the end of the slow start.
func slowStepAt(step int, slowStart time.Duration) time.Duration {
	return slowStart * time.Duration(step-1) / (slowSteps - 1)
}

// rise has the slow starts of all real servers go on, and returns when the next step of any is due; zero for none.
func (k *known) rise(now time.Time) (next time.Time) {
	for _, p := range k.roster.pools {
		if p.config.SlowStart == 0 {
			continue
		}
		for i := range p.members {
			m := &p.members[i]
			m.rating.stand(now, m.position().state == dataplane.RealUp, m.foundDown())
			at := m.rating.rise(now, p.config.SlowStart)
			if next.IsZero() || !at.IsZero() && at.Before(next) {
				next = at
			}
		}
	}
	return next
}

// foundDown tells whether a real server was found to be down, which is more than not to know it yet: a check has failed,
// or it answered once and does no more.
func (m *member) foundDown() bool {
	return slices.ContainsFunc(m.checks, func(c *check) bool { return c.told && !c.up }) ||
		m.neighbor != nil && !m.neighbor.resolved && m.neighbor.mac != dataplane.MAC{}
}

// keepRatings lets the real servers of virtual servers that stay stand as they did before a reload. Those that are new to
// one come up slowly.
func (r *roster) keepRatings(old *roster) {
	before := make(map[dataplane.ServiceKey]*pool, len(old.pools))
	for _, p := range old.pools {
		before[p.services[0]] = p
	}
	for _, p := range r.pools {
		if was := before[p.services[0]]; was != nil {
			p.keepRatings(was)
		}
	}
}

func (p *pool) keepRatings(was *pool) {
	ratings := make(map[netip.AddrPort]rating, len(was.members))
	for _, m := range was.members {
		ratings[m.address] = m.rating
	}
	same := len(p.members) == len(was.members)
	for i := range p.members {
		m := &p.members[i]
		stood, known := ratings[m.address]
		if m.rating = stood; !known {
			m.rating.returning = true
		}
		if p.config.SlowStart == 0 { // now
			m.rating.risen, m.rating.step = time.Time{}, 0
		}
		same = same && m.address == was.members[i].address
	}
	if p.watch = was.watch; !same { // who watches must know them by their numbers
		p.watch = nil
		for i := range p.members {
			p.members[i].rating.suspicion = ""
		}
	}
}

// share is that of a member. Where a hash says who gets a connection there is only the whole: another would move clients
// that a suspicion does not concern, and those that a slow start concerns time and again.
func (p *pool) share(i int) int {
	if p.hashed {
		return wholeShare
	}
	return p.members[i].rating.share()
}

// weigh notes the weights of the members, each for itself, with their shares. These count in proportion to each other,
// so that one of weight 1 can have an eighth of what the others have; only under ovf the weight is a number of
// connections.
func (p *pool) weigh(own []int, apologizes bool) {
	whole := true
	for i := range own {
		own[i] = p.weight(i, apologizes)
		whole = whole && p.share(i) == wholeShare
	}
	if !whole {
		p.apportion(own)
	}
	bound(own, math.MaxUint16)
}

// apportion has the weights count by the shares.
func (p *pool) apportion(own []int) {
	for i := range own {
		switch {
		case own[i] == 0:
		case p.config.Scheduler == "ovf":
			own[i] = max(1, own[i]*p.share(i)/wholeShare)
		default:
			own[i] *= p.share(i)
		}
	}
}

// bound lessens weights in proportion, so that none is above most and none becomes 0.
func bound(weights []int, most int) {
	highest := 0
	for _, w := range weights {
		highest = max(highest, w)
	}
	if highest <= most {
		return
	}
	for i, w := range weights {
		if w > 0 {
			weights[i] = max(1, w*most/highest)
		}
	}
}
