package ctrl

import (
	"net/netip"
	"slices"

	"drover/dataplane"
)

// planner says what the tables must hold. It is pure: what is known and who has which id decide. What it planned last is
// kept, so that a change costs what it touches.
type planner struct {
	roster *roster // that the rest belongs to
	parts  []part  // of its pools
	layout layout
	tables dataplane.Tables
	change dataplane.Change // of the tables, by the last plan

	own, weights []int // of the pool that is being planned
}

// part is what was planned of a pool.
type part struct {
	positions []position           // of its members
	own       []int                // their weights
	weights   []int                // that its schedules were made of
	keys      []netip.AddrPort     // of its members, where a hash goes by them
	order     []int                // of the members in its schedules, if they are hash tables
	schedules [][]dataplane.RealID // of its services
}

// plan returns the tables that follow from what is known. They are valid until the next call.
func (p *planner) plan(k *known, ids *identities) dataplane.Tables {
	p.change = dataplane.Change{Reals: p.change.Reals[:0], Services: p.change.Services[:0]}
	before := p.tables
	if p.roster != k.roster {
		p.begin(k.roster)
	}
	fresh := dataplane.NewTables()
	p.tables.Gates, p.tables.VIPs, p.tables.Ports, p.tables.Peers = fresh.Gates, fresh.VIPs, fresh.Ports, fresh.Peers
	p.planInstances(k, ids)
	p.planPorts(k)
	p.planLeaving(before)
	for n, pool := range k.roster.pools {
		p.planPool(pool, &p.parts[n])
	}
	return p.tables
}

// begin forgets what was planned of another roster.
func (p *planner) begin(r *roster) {
	p.roster, p.parts, p.tables = r, make([]part, len(r.pools)), dataplane.NewTables()
	p.change.All = true
	last := dataplane.RealID(0)
	for _, pool := range r.pools {
		for _, id := range pool.ids {
			last = max(last, id)
		}
	}
	for _, leaving := range r.leaving {
		for _, id := range leaving {
			last = max(last, id)
		}
	}
	if last > 0 {
		p.tables.Reals = make(dataplane.Reals, last+1)
	}
}

// planLeaving keeps real servers that a reload has taken from their services, for as long as the way to them is the same: they
// get nothing new, but what is connected to them goes on.
func (p *planner) planLeaving(before dataplane.Tables) {
	for _, leaving := range p.roster.leaving {
		for _, id := range leaving {
			was, real := before.Reals.Get(id), dataplane.Real{}
			if was.State != dataplane.RealAbsent && p.tables.Ports[was.Port] == before.Ports[was.Port] {
				real = was
				real.State = dataplane.RealDown
			}
			if real != was {
				p.change.Reals = append(p.change.Reals, id)
			}
			p.tables.Reals[id] = real
		}
	}
}

// planInstances gives every VRRP instance its gate, and hangs its VIPs on it. Those of no instance hang on none.
func (p *planner) planInstances(k *known, ids *identities) {
	for _, i := range k.config.Instances {
		key := keyOfInstance(i)
		p.tables.Gates[ids.gates[key]] = k.gateName(key)
		for _, a := range virtualAddresses(i) {
			p.tables.VIPs[a.Prefix.Addr()] = dataplane.VIP{Gate: ids.gates[key], Refuse: !i.Accept}
		}
	}
	for _, vip := range k.roster.loose {
		p.tables.VIPs[vip] = dataplane.VIP{Gate: dataplane.AlwaysOpen}
	}
	for key := range k.leaving {
		p.tables.Gates[ids.gates[key]] = k.gateName(key)
	}
}

func (k *known) gateName(key routerKey) dataplane.GateName {
	return dataplane.GateName{Interface: k.links[key.ifname].Index, VirtualRouterID: key.vrid}
}

// planPorts says how to leave by the interfaces that programs sit on.
func (p *planner) planPorts(k *known) {
	for _, o := range k.outlets {
		if o.err != nil {
			continue
		}
		link := o.lower.Link // an Ethernet interface, or LowerOf had refused it
		p.tables.Ports[o.port] = dataplane.Port{Interface: link.Index, MAC: dataplane.MAC(link.MAC), MTU: link.MTU}
	}
}

// planPool plans the services and real servers of a pool as far as they have changed.
func (p *planner) planPool(pool *pool, was *part) {
	begun := was.positions != nil
	if n := len(pool.members); !begun {
		was.positions, was.own, was.weights = make([]position, n), make([]int, n), make([]int, n)
		was.keys, was.schedules = p.layout.keysOf(pool), make([][]dataplane.RealID, len(pool.services))
	}
	apologizes := pool.apologizes()
	own := roomFor(&p.own, len(pool.members))
	pool.weigh(own, apologizes)
	reweighed := !slices.Equal(own, was.own)
	for i := range pool.members {
		m := &pool.members[i]
		at := pool.serves(i, apologizes)
		if begun && at == was.positions[i] && own[i] == was.own[i] {
			continue
		}
		was.positions[i], was.own[i] = at, own[i]
		for s, key := range pool.services {
			p.tables.Reals[pool.id(s, i)] = pool.real(m, key, at, own[i])
			p.change.Reals = append(p.change.Reals, pool.id(s, i))
		}
	}
	weights := roomFor(&p.weights, len(pool.members))
	pool.weighSchedule(weights, was.positions, own, apologizes)
	if !begun || reweighed || !slices.Equal(weights, was.weights) {
		copy(was.weights, weights)
		p.planServices(pool, was)
	}
	if pool.local {
		p.planPeers(pool, was.positions)
	}
}

// roomFor returns so many numbers, which are whatever they were.
func roomFor(numbers *[]int, n int) []int {
	*numbers = slices.Grow((*numbers)[:0], n)[:n]
	return *numbers
}

func (p *pool) real(m *member, service dataplane.ServiceKey, at position, weight int) dataplane.Real {
	return dataplane.Real{
		Service: service, Address: m.address, MAC: at.mac, State: at.state, Port: at.port,
		Weight: uint16(weight), Upper: m.config.UpperThreshold, Lower: m.config.LowerThreshold,
	}
}

func (p *planner) planServices(pool *pool, was *part) {
	v := pool.config
	service := dataplane.Service{
		Scheduler: pool.scheduler(was.weights), HashPort: v.HashPorts, Fallback: v.Fallback, OnePacket: v.OnePacket,
		HasLocal: pool.local, Persistence: v.PersistenceTimeout, PersistencePrefix: v.PersistencePrefix,
	}
	var order []int
	for s, key := range pool.services {
		order = p.layout.of(pool, was, key.Address.Addr())
		was.schedules[s] = p.layout.fill(was.schedules[s], was.order, order, pool.idsOf(s))
		service.Gate, service.Schedule = pool.gates[s], was.schedules[s]
		p.tables.Services[key] = service
		p.change.Services = append(p.change.Services, key)
	}
	if was.order = nil; pool.isHashTable() {
		was.order = order
	}
}

// planPeers names the hosts whose packets for the pool are meant for this one: any of the real servers may be a balancer,
// too, and has chosen this host when it sends it a packet.
func (p *planner) planPeers(pool *pool, at []position) {
	for _, key := range pool.services {
		for i := range at {
			if at[i].mac != (dataplane.MAC{}) {
				p.tables.Peers[dataplane.Peer{Service: key, MAC: at[i].mac}] = true
			}
		}
	}
}
