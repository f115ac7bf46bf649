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

// weight is what a real server counts for its scheduler. As in IPVS, rr, lc and dh know only 0 and not 0.
func (p *pool) weight(m *member) int {
	switch p.config.Scheduler {
	case "rr", "lc", "dh":
		return min(m.config.Weight, 1)
	default:
		return m.config.Weight
	}
}

// weights are the members' in the schedule, 0 for those that take no new connections. The table of mh has all real
// servers as configured for as long as one takes connections: the program passes over the others, and so a client's real
// server stays the same while another one comes and goes.
func (p *pool) weights(at []position) []int {
	weights := make([]int, len(at))
	any := false
	for i := range at {
		if at[i].state == dataplane.RealUp || p.config.Scheduler == "mh" {
			weights[i] = p.weight(&p.members[i])
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
	servers := make([]schedule.Server, len(v.RealServers))
	equal := true
	for i := range v.RealServers {
		servers[i].Weight = 1
		equal = equal && v.RealServers[i].Weight == v.RealServers[0].Weight
	}
	switch v.Scheduler {
	case "mh":
		return schedule.MaglevSize(len(servers))
	case "sh":
		return len(schedule.SourceHash(servers))
	case "wrr", "twos":
		if !equal {
			return max(turns(len(servers)), len(servers))
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
	case "lc", "wlc", "sed", "nq":
		return takers(servers)
	default:
		return schedule.Turns(servers, turns(len(servers)))
	}
}

// takers are the servers that take new connections, each once: the program searches them.
func takers(servers []schedule.Server) []int {
	order := make([]int, 0, len(servers))
	for i, s := range servers {
		if s.Weight > 0 {
			order = append(order, i)
		}
	}
	return order
}
