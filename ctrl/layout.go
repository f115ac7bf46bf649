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

// weights are the members' in the schedule, 0 for those that take no new connections; own are those of each for itself.
// The table of mh has all real servers as configured for as long as one takes connections: the program passes over the
// others, and so a client's real server stays the same while another one comes and goes. The order of ovf does not change
// with shares: they say how many connections one may have.
func (p *pool) weights(at []position, own []int, apologizes bool) []int {
	weights := make([]int, len(at))
	any := false
	for i := range at {
		if at[i].state == dataplane.RealUp || p.config.Scheduler == "mh" {
			weights[i] = own[i]
			if p.config.Scheduler == "ovf" {
				weights[i] = p.weight(i, apologizes)
			}
		}
		any = any || at[i].state == dataplane.RealUp && weights[i] > 0
	}
	if !any {
		clear(weights)
	}
	return weights
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
	servers   []schedule.Server
	order     []int
}

// of returns the members of a pool in the order of the schedule of the service at a VIP.
func (l *layout) of(p *pool, weights []int, vip netip.Addr) []int {
	servers := make([]schedule.Server, len(weights))
	for i := range weights {
		servers[i].Weight = weights[i]
	}
	switch p.config.Scheduler {
	case "lc", "wlc", "sed", "nq":
		return p.takers(weights)
	case "sh", "dh", "mh":
		for i := range servers {
			servers[i].Key = p.members[i].address.String()
		}
	}
	if p.config.Scheduler == "dh" {
		if i := schedule.Destination(servers, vip); i >= 0 {
			return []int{i}
		}
		return nil
	}
	if p.config.Scheduler != l.scheduler || !slices.Equal(servers, l.servers) {
		*l = layout{p.config.Scheduler, servers, orderOf(p.config.Scheduler, servers)}
	}
	return l.order
}

func orderOf(scheduler string, servers []schedule.Server) []int {
	switch scheduler {
	case "sh":
		return schedule.SourceHash(servers)
	case "mh":
		return schedule.Maglev(servers, schedule.MaglevSize(len(servers)))
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
