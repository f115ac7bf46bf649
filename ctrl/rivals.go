package ctrl

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"drover/ctrl/api"
	"drover/ctrl/notify"
	"drover/ctrl/vrrp"
)

// rival is another MASTER that a MASTER has heard.
type rival struct {
	priority uint8
	heard    time.Time
}

// rivals are those that were heard lately. Whoever can send adverts can invent them, so there is a bound to them.
type rivals map[netip.Addr]rival

const (
	// rivalTime is how long a second MASTER is remembered that is not heard any more.
	rivalTime = time.Minute
	// maxRivals is far more than a virtual router has members.
	maxRivals = 64
)

// hear notes a rival. Those of old are forgotten, and of too many the one that has been silent for longest.
func (s rivals) hear(now time.Time, source netip.Addr, priority uint8) {
	maps.DeleteFunc(s, func(_ netip.Addr, r rival) bool { return now.Sub(r.heard) >= rivalTime })
	s[source] = rival{priority, now}
	if len(s) > maxRivals {
		delete(s, s.oldest())
	}
}

func (s rivals) oldest() netip.Addr {
	return slices.MinFunc(slices.Collect(maps.Keys(s)), func(a, b netip.Addr) int { return s[a].heard.Compare(s[b].heard) })
}

// list are those that were heard lately, in the order of their addresses.
func (s rivals) list(now time.Time) []api.Rival {
	list := []api.Rival{}
	for address, r := range s {
		if now.Sub(r.heard) < rivalTime {
			list = append(list, api.Rival{Address: address.String(), Priority: r.priority, Last: r.heard})
		}
	}
	slices.SortFunc(list, func(a, b api.Rival) int { return cmp.Compare(a.Address, b.Address) })
	return list
}

// hearRival tells of a second MASTER. Who stays is the machine's business.
func (r *router) hearRival(a vrrp.Rival) {
	now := time.Now()
	r.update(func(s *routerStatus) { s.rivals.hear(now, a.Source, a.Priority) })
	if r.warned.dueOf(now, a.Source.String(), maxRivals) {
		what := "split brain: another MASTER is heard"
		if a.Returned {
			what = "split brain, unless it was started anew: the MASTER is back that had fallen silent"
		}
		r.log.Warn(what+"; further adverts of it within a minute are not logged", "rival", a.Source, "its_priority", a.Priority,
			"priority", r.machine.Priority())
	}
	if a.Priority < r.machine.Priority() {
		r.notify(r.event(notify.LowerPriority))
	}
}
