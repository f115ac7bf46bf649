package ctrl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"drover/ctrl/config"
	"drover/ctrl/track"
	"drover/dataplane"
)

// fitness is what all that is watched on this host means for the election of one instance.
type fitness struct {
	weight int    // to be added to its priority
	reason string // of the weight
	fault  string // why this node must not be MASTER; empty if it may
	// pending is what has not answered yet although the election should not begin before.
	pending string
	// yield is why another MASTER, if there is one, serves better: no real server answers this node. It is not reason
	// enough to leave the addresses to nobody, as when all real servers are off.
	yield string
}

// offers tells whether the node leaves the role of MASTER to whoever wants it, see lowering.
func (f fitness) offers() bool { return f.weight <= lowest }

// trackKey names a tracker.
type trackKey struct {
	kind track.Kind
	name string
}

// tracked are all that an instance tracks, by itself and with its sync group, as they stand.
func (k *known) tracked(i config.Instance) []track.Entry {
	var entries []track.Entry
	if i.TrackPrimary {
		entries = append(entries, k.trackedLink(config.TrackInterface{Name: i.Interface}))
	}
	tracking := []config.Tracking{i.Tracking}
	if g := k.roster.groups[i.Name]; g != nil {
		tracking = append(tracking, g.Tracking)
	}
	for _, t := range tracking {
		for _, link := range t.TrackInterfaces {
			entries = append(entries, k.trackedLink(link))
		}
		for _, of := range byKind(t) {
			for _, one := range of.list {
				result, there := k.results[trackKey{of.kind, one.Name}]
				if !there {
					result = track.Result{Kind: of.kind, Name: one.Name}
				}
				entries = append(entries, track.Entry{Result: result, Weight: one.Weight, Reverse: one.Reverse})
			}
		}
	}
	return entries
}

// ofKind are lines of a configuration that track one kind of thing.
type ofKind struct {
	kind track.Kind
	list []config.Track
}

// byKind are the lines that track scripts, files and processes.
func byKind(t config.Tracking) []ofKind {
	return []ofKind{{track.Script, t.TrackScripts}, {track.File, t.TrackFiles}, {track.Process, t.TrackProcesses}}
}

func (k *known) trackedLink(t config.TrackInterface) track.Entry {
	result := track.Result{Kind: track.Interface, Name: t.Name, State: track.Up}
	switch link, there := k.links[t.Name]; {
	case !there:
		result.State, result.Reason = track.Down, "it is away"
	case !link.Up:
		result.State, result.Reason = track.Down, "it is set down"
	case !link.Usable():
		result.State, result.Reason = track.Down, "it has no carrier"
	}
	return track.Entry{Result: result, Weight: t.Weight, Reverse: t.Reverse}
}

// fitness is an instance's. unattached is why packets that come in by an interface are not balanced; empty if they are.
func (k *known) fitness(i config.Instance, unattached func(ifname string) string) fitness {
	entries := k.tracked(i)
	f := fitness{pending: track.Pending(entries)}
	f.weight, f.fault = track.Sum(entries)
	f.reason = weighs(entries)
	if i.UnicastFaultNoPeer {
		f.fault = cmp.Or(f.fault, "unicast_peer names nobody to speak with")
	}
	needs := k.roster.needs[keyOfInstance(i)]
	if needs == nil {
		return f
	}
	for _, ifname := range needs.arrivals {
		if why := unattached(ifname); why != "" {
			f.fault = cmp.Or(f.fault, "packets are not balanced on "+ifname+": "+why)
		}
	}
	if needs.reach() != reachesSome {
		f.yield = "no real server of its virtual servers answers"
	}
	return f
}

// weighs names what changes the priority, for people.
func weighs(entries []track.Entry) string {
	var words []string
	for _, e := range entries {
		if e.Weight == 0 {
			continue
		}
		if weight, _ := track.Sum([]track.Entry{e}); weight == 0 {
			continue
		}
		if e.Kind == track.File {
			words = append(words, fmt.Sprintf("%s %s is %d", e.Kind, e.Name, e.Value))
			continue
		}
		words = append(words, fmt.Sprintf("%s %s is %s", e.Kind, e.Name, e.State))
	}
	return strings.Join(words, ", ")
}

// needs is what an instance needs to serve its virtual servers.
type needs struct {
	arrivals  []string    // the interfaces by which packets for them come in
	exits     []string    // the interfaces of their real servers
	neighbors []*neighbor // their real servers, but for those that are nowhere
	local     bool        // one of those is this host
	pools     []*pool     // that are served
}

// reach tells whether there is anybody to send packets to.
func (n *needs) reach() reach {
	if n.local {
		return reachesSome
	}
	found := reachesNoneYet
	for _, neighbor := range n.neighbors {
		switch {
		case neighbor.mac == dataplane.MAC{}:
		case neighbor.resolved:
			return reachesSome
		default:
			found = reachesNone
		}
	}
	return found
}

// passesAny tells whether there is a real server that nothing says is down, no check either. A sorry server is none.
func (n *needs) passesAny() bool {
	for _, p := range n.pools {
		for i := range p.members {
			if m := &p.members[i]; !m.sorryOnly && !m.refused() {
				return true
			}
		}
	}
	return false
}

// findNeeds notes what each instance needs.
func (r *roster) findNeeds(c *config.Config) {
	r.groups, r.needs = make(map[string]*config.SyncGroup), make(map[routerKey]*needs)
	for n := range c.SyncGroups {
		for _, member := range c.SyncGroups[n].Members {
			r.groups[member] = &c.SyncGroups[n]
		}
	}
	noted := make(map[routerKey]map[*neighbor]bool)
	for _, p := range r.pools {
		served := make(map[routerKey]bool)
		for _, service := range p.services {
			key, held := r.holders[service.Address.Addr()]
			if !held || served[key] || len(p.members) == 0 {
				continue
			}
			served[key] = true
			if r.needs[key] == nil {
				r.needs[key], noted[key] = new(needs), make(map[*neighbor]bool)
			}
			r.needs[key].add(p, noted[key])
		}
	}
}

// add notes that a pool is served; noted are the real servers that are there already.
func (n *needs) add(p *pool, noted map[*neighbor]bool) {
	for _, arrival := range p.arrivals {
		if !slices.Contains(n.arrivals, arrival) {
			n.arrivals = append(n.arrivals, arrival)
		}
	}
	n.local = n.local || p.local
	n.pools = append(n.pools, p)
	for i := range p.members {
		if m := &p.members[i]; m.neighbor != nil && !noted[m.neighbor] {
			noted[m.neighbor] = true
			n.neighbors = append(n.neighbors, m.neighbor)
			if !slices.Contains(n.exits, m.place.ifname) {
				n.exits = append(n.exits, m.place.ifname)
			}
		}
	}
}
