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
	switch p.config.Scheduler {
	case "rr", "lc", "dh":
		return min(weight, 1)
	default:
		return weight
	}
}

// weighSchedule notes the weights of the members in the schedule, 0 for those that take no new connections; own are those of
// each for itself. The order of ovf does not change with shares: they say how many connections one may have.
func (p *pool) weighSchedule(weights []int, at []position, own []int, apologizes bool) {
	for i := range at {
		switch {
		case at[i].state != dataplane.RealUp:
			weights[i] = 0
		case p.config.Scheduler == "ovf":
			weights[i] = p.weight(i, apologizes)
		default:
			weights[i] = own[i]
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

// layout makes schedules. It remembers the last, because many virtual servers may have the same real servers.
type layout struct {
	scheduler string
	own       []int // of mh
	weights   []int
	keys      []netip.AddrPort // of the real servers, where a hash goes by them
	order     []int
}

// of returns the members of a pool in the order of the schedule of the service at a VIP. The table of mh knows also those
// that are down, by their own weights: so a client's real server stays the same while others come and go.
func (l *layout) of(p *pool, own, weights []int, vip netip.Addr) []int {
	switch scheduler := p.config.Scheduler; {
	case slices.Contains([]string{"lc", "wlc", "sed", "nq"}, scheduler):
		return p.takers(weights)
	case scheduler == "dh":
		if i := schedule.Destination(p.servers(weights), vip); i >= 0 {
			return []int{i}
		}
		return nil
	case !l.fits(p, own, weights):
		l.scheduler, l.own, l.weights, l.keys = scheduler, slices.Clone(own), slices.Clone(weights), p.hashKeys()
		l.order = orderOf(scheduler, p.servers(own), p.servers(weights))
	}
	return l.order
}

// fits tells whether the order that was made last is that of a pool.
func (l *layout) fits(p *pool, own, weights []int) bool {
	if p.config.Scheduler != l.scheduler || !slices.Equal(weights, l.weights) || l.scheduler == "mh" && !slices.Equal(own, l.own) {
		return false
	}
	for i, key := range l.keys {
		if p.members[i].address != key {
			return false
		}
	}
	return true
}

// hashes tells whether the schedule depends on who the real servers are.
func (p *pool) hashes() bool { return slices.Contains([]string{"sh", "dh", "mh"}, p.config.Scheduler) }

// hashKeys are what a hash knows the members by; nil where there is none.
func (p *pool) hashKeys() []netip.AddrPort {
	if !p.hashes() {
		return nil
	}
	keys := make([]netip.AddrPort, len(p.members))
	for i := range keys {
		keys[i] = p.members[i].address
	}
	return keys
}

// servers are the members as they are scheduled.
func (p *pool) servers(weights []int) []schedule.Server {
	servers := make([]schedule.Server, len(weights))
	for i := range servers {
		servers[i].Weight = weights[i]
		if p.hashes() {
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
