package ctrl

import (
	"time"

	"drover/ctrl/config"
)

// lowering says when a node that no real server answers offers the role of MASTER to others: it advertises the lowest
// priority, so that any BACKUP preempts it. A MASTER cannot know whether another node would do better, but such a BACKUP of
// Drover's is in FAULT if it would not, and a keepalived cannot do worse. Who may not preempt (nopreempt) does not. Until
// somebody does it goes on as MASTER.
//
// A node that was cut off from all others is one of those: it stays MASTER, and loses its real servers, of which some checks
// may tell before they are silent for long enough. When the split heals the one that took over must not give way to it before
// a real server has answered it again, so the lowest priority must be there as soon as the data plane has nobody to send
// packets to.
//
// It does not flap: a node that has given the role away takes its priority back only when real servers have answered it
// for ten seconds on end; one that is MASTER still at once, as nothing comes of that.
type lowering struct {
	reach reach     // as it was last seen
	since time.Time // when it began to reach some, or none
	lost  bool      // it reaches none of those that it reached before
	low   bool      // it advertises the lowest priority
}

// reach is whether real servers of an instance answer this node.
type reach uint8

const (
	reachesSome    reach = iota
	reachesNoneYet       // nor is known where any of them is
	reachesNone          // one that did answer does not any more: it is silent for some seconds already (netif.Resolver)
)

const (
	// unfitTime is how long a node must reach no real server before it offers the role, unless it has reached them
	// before: those that a reload brings have only just been asked.
	unfitTime = time.Second
	// fitTime is how long one must answer before a node that has given the role away wants it back.
	fitTime = 10 * time.Second
	// lowest makes the lowest priority, 1, of any but the address owner's, which RFC 9568 (6.4) has always be 255.
	lowest = -254
)

// observe notes how an instance stands. It tells when to look again if nothing happens until then; zero for never.
func (l *lowering) observe(now time.Time, r reach, master bool) (again time.Time) {
	unfit := r != reachesSome
	if l.since.IsZero() || unfit != (l.reach != reachesSome) {
		l.lost = !l.since.IsZero() && r == reachesNone
		l.since = now
	}
	l.reach = r
	var after time.Duration
	switch {
	case unfit == l.low, unfit && !master: // a BACKUP that is unfit does not take over from a MASTER anyway
		return time.Time{}
	case unfit && !l.lost:
		after = unfitTime
	case !unfit && !master:
		after = fitTime
	}
	if until := l.since.Add(after); now.Before(until) {
		return until
	}
	l.low = unfit
	return time.Time{}
}

// reachOf is the worst that this node reaches of what an instance serves, and the others of its sync group.
func (k *known) reachOf(i config.Instance) reach {
	worst := reachesSome
	k.together(i, func(n *needs) { worst = max(worst, n.reach()) })
	return worst
}

// passesAny tells whether checks leave a real server, for an instance and each other one of its sync group.
func (k *known) passesAny(i config.Instance) bool {
	passes := true
	k.together(i, func(n *needs) { passes = passes && n.passesAny() })
	return passes
}

// together goes over what an instance needs, and the others of its sync group: they move together.
func (k *known) together(i config.Instance, each func(*needs)) {
	if needs := k.roster.needs[keyOfInstance(i)]; needs != nil {
		each(needs)
	}
	group := k.roster.groups[i.Name]
	if group == nil {
		return
	}
	for _, other := range k.config.Instances {
		if needs := k.roster.needs[keyOfInstance(other)]; needs != nil && k.roster.groups[other.Name] == group {
			each(needs)
		}
	}
}
