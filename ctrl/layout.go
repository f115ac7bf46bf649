package ctrl

import (
	"net/netip"
	"slices"

	"drover/ctrl/config"
	"drover/ctrl/schedule"
	"drover/dataplane"
)

// schedulers are keepalived's words for them (lb_algo).
var schedulers = map[string]dataplane.Scheduler{
	"rr": dataplane.ByTurns, "wrr": dataplane.ByTurns,
	"lc": dataplane.LeastConnections, "wlc": dataplane.LeastWeighted, "sed": dataplane.LeastDelay, "nq": dataplane.NeverQueue,
	"sh": dataplane.ByHash, "dh": dataplane.ByHash, "mh": dataplane.ByHash,
	"fo": dataplane.First, "ovf": dataplane.Overflow, "twos": dataplane.ByTwo,
}

// weight is what a member counts for its scheduler. As in IPVS, rr, lc and dh know only 0 and not 0. A sorry server counts
// when it is needed.
func (p *pool) weight(i int, apologizes bool) int {
	m := &p.members[i]
	weight := m.weight()
	switch {
	case apologizes && i == p.sorry:
		return max(weight, 1)
	case apologizes || m.sorryOnly:
		return 0
	}
	if p.flat {
		return min(weight, 1)
	}
	return weight
}

// isFlat tells whether a scheduler knows of a weight only whether it is 0.
func isFlat(scheduler string) bool { return slices.Contains([]string{"rr", "lc", "dh"}, scheduler) }

// weighSchedule notes the weights of the members in the schedule, 0 for those that take no new connections; own are those of
// each for itself. The order of ovf does not change with shares: they say how many connections one may have.
func (p *pool) weighSchedule(weights []int, at []position, own []int, apologizes bool) {
	copy(weights, own)
	for i := range at {
		if at[i].state != dataplane.RealUp {
			weights[i] = 0
		} else if p.config.Scheduler == "ovf" {
			weights[i] = p.weight(i, apologizes)
		}
	}
}

// turns is how long a schedule by turns may be: longer ones fit the weights better. With 16 turns for each real server
// a share is off by less than one in a thousand of all connections, and by as much again for each real server that must
// be given a turn although its weight does not earn one.
func turns(members int) int { return min(max(1024, 16*members), dataplane.MaxSchedule) }

// mostEntries is how long the schedule of a virtual server may be.
func mostEntries(v *config.VirtualServer) int {
	list, _ := membersOf(v)
	servers := make([]schedule.Server, len(list))
	equal := true
	for i, r := range list {
		servers[i].Weight = 1
		equal = equal && r.Weight == list[0].Weight && !slices.ContainsFunc(r.Checks, setsWeight)
	}
	switch v.Scheduler {
	case "mh":
		return schedule.MaglevSize(len(servers))
	case "sh":
		return len(schedule.SourceHash(servers))
	case "rr", "wrr", "twos":
		most := max(turns(len(servers)), len(servers))
		switch {
		case v.Scheduler != "rr" && !equal:
			return most
		case v.SlowStart > 0:
			return min(wholeShare*len(servers), most)
		case v.Protocol == config.TCP: // one may be suspected
			return min(suspectedShare*len(servers), most)
		}
	}
	return len(servers)
}

// layout makes schedules. It remembers the last of each thing, because many virtual servers may have the same real servers.
type layout struct {
	keys []netip.AddrPort // that were given last, of any pool

	order     []int // is never changed, and made of:
	scheduler string
	own       []int // of mh
	weights   []int
	by        []netip.AddrPort // keys

	from, to []int // orders of the same length, which have others
	moved    []int // at these places
}

// of returns the members of a pool in the order of the schedule of the service at a VIP. The table of mh knows also those
// that are down, by their own weights: so a client's real server stays the same while others come and go.
func (l *layout) of(p *pool, its *part, vip netip.Addr) []int {
	switch scheduler := p.config.Scheduler; {
	case slices.Contains([]string{"lc", "wlc", "sed", "nq"}, scheduler):
		return p.takers(its.weights)
	case scheduler == "dh":
		if i := schedule.Destination(p.servers(its.weights), vip); i >= 0 {
			return []int{i}
		}
		return nil
	case !l.fits(scheduler, its):
		l.scheduler, l.own, l.weights, l.by = scheduler, slices.Clone(its.own), slices.Clone(its.weights), its.keys
		l.order = orderOf(scheduler, p.servers(its.own), p.servers(its.weights))
	}
	return l.order
}

// fits tells whether the order that was made last is that of a pool.
func (l *layout) fits(scheduler string, its *part) bool {
	return scheduler == l.scheduler && slices.Equal(its.weights, l.weights) && (scheduler != "mh" || slices.Equal(its.own, l.own)) &&
		(same(its.keys, l.by) || slices.Equal(its.keys, l.by))
}

// same tells at once that two lists are one; if it does not, they may yet be equal.
func same[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// fill writes the ids of the members into a schedule that had them in the order was, in another order. Of a hash table that
// has become another one only what differs is written. The order was is nil if it is not known.
func (l *layout) fill(schedule []dataplane.RealID, was, order []int, ids []dataplane.RealID) []dataplane.RealID {
	if len(was) > 0 && len(was) == len(order) {
		for _, n := range l.differences(was, order) {
			schedule[n] = ids[order[n]]
		}
		return schedule
	}
	if schedule == nil || cap(schedule) < len(order) {
		schedule = make([]dataplane.RealID, len(order))
	}
	schedule = schedule[:len(order)]
	for n, i := range order {
		schedule[n] = ids[i]
	}
	return schedule
}

// differences are the places at which two orders have others. As a rule one virtual server's are the next one's, too.
func (l *layout) differences(from, to []int) []int {
	if !same(l.from, from) || !same(l.to, to) {
		l.from, l.to, l.moved = from, to, l.moved[:0]
		for n := range to {
			if from[n] != to[n] {
				l.moved = append(l.moved, n)
			}
		}
	}
	return l.moved
}

// hashes tells whether the schedule depends on who the real servers are.
func hashes(scheduler string) bool { return slices.Contains([]string{"sh", "dh", "mh"}, scheduler) }

// isHashTable tells whether each entry of the schedule stands for itself, and all services have the same.
func (p *pool) isHashTable() bool { return slices.Contains([]string{"sh", "mh"}, p.config.Scheduler) }

// keysOf are what a hash knows the members of a pool by; nil where there is none.
func (l *layout) keysOf(p *pool) []netip.AddrPort {
	if !p.hashed {
		return nil
	}
	keys := make([]netip.AddrPort, len(p.members))
	for i := range keys {
		keys[i] = p.members[i].address
	}
	if !slices.Equal(keys, l.keys) {
		l.keys = keys
	}
	return l.keys
}

// servers are the members as they are scheduled.
func (p *pool) servers(weights []int) []schedule.Server {
	servers := make([]schedule.Server, len(weights))
	for i := range servers {
		servers[i].Weight = weights[i]
		if p.hashed {
			servers[i].Key = p.members[i].address.String()
		}
	}
	return servers
}

// orderOf is the order of servers that take new connections by their weights; all has those that are down by theirs, too.
func orderOf(scheduler string, all, servers []schedule.Server) []int {
	switch scheduler {
	case "sh":
		return schedule.SourceHash(servers)
	case "mh":
		down := make([]bool, len(all))
		for i := range all {
			down[i] = servers[i].Weight < all[i].Weight
		}
		return schedule.MaglevWithout(all, down, schedule.MaglevSize(len(all)))
	case "fo", "ovf":
		return schedule.ByWeight(servers)
	default:
		return schedule.Turns(servers, turns(len(servers)))
	}
}

// takers are the members that take new connections, each once: the program searches them, and takes the first of those
// that have nothing to do. So those that have not their whole share come last.
func (p *pool) takers(weights []int) []int {
	order := make([]int, 0, len(weights))
	for _, whole := range []bool{true, false} {
		for i, w := range weights {
			if w > 0 && (p.share(i) == wholeShare) == whole {
				order = append(order, i)
			}
		}
	}
	return order
}

// scheduler is how the program finds a real server in the schedule. lc knows no weights; when shares must count, it goes
// by them as wlc does.
func (p *pool) scheduler(weights []int) dataplane.Scheduler {
	if p.config.Scheduler == "lc" && slices.ContainsFunc(weights, func(w int) bool { return w > 1 }) {
		return dataplane.LeastWeighted
	}
	return schedulers[p.config.Scheduler]
}
