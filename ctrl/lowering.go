package ctrl

import (
	"slices"
	"time"

	"drover/ctrl/config"
)

// lowering says when a node that no real server answers offers the role of MASTER to others: it advertises the lowest
// priority, so that any BACKUP preempts it. A MASTER cannot know whether another node would do better, but such a BACKUP of
// Drover's is in FAULT if it would not, and a keepalived cannot do worse. Who may not preempt (nopreempt) does not. Until
// somebody does it goes on as MASTER.
//
// It does not flap: a node that has given the role away takes its priority back only when real servers have answered it
// for ten seconds on end; one that is MASTER still at once, as nothing comes of that.
type lowering struct {
	unfit bool      // as it was last seen: no real server answers
	since time.Time // when that began
	low   bool      // it advertises the lowest priority
}

const (
	// unfitTime is how long no real server must answer. Before that each has been silent for some seconds already
	// (netif.Resolver); this bridges an interface that comes back.
	unfitTime = time.Second
	// fitTime is how long one must answer before a node that has given the role away wants it back.
	fitTime = 10 * time.Second
	// lowest makes the lowest priority, 1, of any but the address owner's, which RFC 9568 (6.4) has always be 255.
	lowest = -254
)

// observe notes how an instance stands. It tells when to look again if nothing happens until then; zero for never.
func (l *lowering) observe(now time.Time, unfit, master bool) (again time.Time) {
	if l.since.IsZero() || unfit != l.unfit {
		l.unfit, l.since = unfit, now
	}
	var after time.Duration
	switch {
	case l.unfit == l.low, l.unfit && !master: // a BACKUP that is unfit does not take over from a MASTER anyway
		return time.Time{}
	case l.unfit:
		after = unfitTime
	case !master:
		after = fitTime
	}
	if until := l.since.Add(after); now.Before(until) {
		return until
	}
	l.low = l.unfit
	return time.Time{}
}

// unfit tells whether no real server answers this node that an instance serves, or another one of its sync group: they move
// together.
func (k *known) unfit(i config.Instance) bool {
	met := func(i config.Instance) bool {
		needs := k.roster.needs[keyOfInstance(i)]
		return needs == nil || needs.met()
	}
	group := k.roster.groups[i.Name]
	return !met(i) || group != nil && slices.ContainsFunc(k.config.Instances, func(other config.Instance) bool {
		return k.roster.groups[other.Name] == group && !met(other)
	})
}
