package ctrl

import (
	"iter"
	"net/netip"

	"drover/ctrl/config"
	"drover/ctrl/suspect"
	"drover/dataplane"
)

// roster is the virtual servers of a configuration, laid out so that planning only walks along. It is made once for a
// configuration; what changes between two reloads is behind the pointers of its members.
type roster struct {
	pools    []*pool
	holders  map[netip.Addr]routerKey
	loose    []netip.Addr                 // of services, that no instance holds
	needs    map[routerKey]*needs         // of instances whose VIPs have virtual servers
	groups   map[string]*config.SyncGroup // by the names of their members
	local    map[netip.Addr]bool          // whether a real server's address is this host's
	reals    int                          // real servers of all services
	numbered bool                         // the ids below are given
}

// pool is a virtual server: one service for each of its endpoints, which share the real servers.
type pool struct {
	config   *config.VirtualServer
	services []dataplane.ServiceKey
	arrivals []string // the interfaces by which packets for it come in, as far as known
	members  []member
	local    bool           // one of them is this host
	watch    *suspect.Watch // of their handshakes; nil before it has begun

	// Given by identities.
	gates []dataplane.GateID // of each service
	ids   []dataplane.RealID // of the members in the first service, in the second, ...
}

// member is a real server of a pool.
type member struct {
	config   *config.RealServer
	address  netip.AddrPort
	place    place
	outlet   *outlet   // nil if it is this host, or nowhere
	neighbor *neighbor // nil if it is this host, or nowhere
	check    *check    // nil if nothing is checked
	rating   rating
}

// settle lays a configuration out. What is known of real servers that it still has is kept, the rest is forgotten.
func (k *known) settle(c *config.Config, places []whereabouts) {
	k.config, k.places = c, places
	k.useInterfaces(c, places)
	old := *k
	checked := 0
	for n := range c.VirtualServers {
		checked += len(c.VirtualServers[n].RealServers)
	}
	k.neighbors, k.checks = make(map[neighborKey]*neighbor), make(map[realKey]*check, checked)
	r := &roster{holders: holders(c), local: make(map[netip.Addr]bool), pools: make([]*pool, len(c.VirtualServers))}
	for n := range c.VirtualServers {
		v := &c.VirtualServers[n]
		p := &pool{
			config: v, services: servicesOf(v), arrivals: places[n].arrivals, members: make([]member, len(v.RealServers)),
		}
		for i := range v.RealServers {
			p.members[i] = k.enlist(&old, p.services[0], &v.RealServers[i], places[n].reals[i])
			r.local[v.RealServers[i].Address] = places[n].reals[i].local
			p.local = p.local || places[n].reals[i].local
		}
		r.pools[n] = p
		r.findLoose(p)
		r.reals += len(p.services) * len(p.members)
	}
	r.findNeeds(c)
	r.keepRatings(old.roster)
	k.roster = r
}

// findLoose notes the addresses of a pool's services that no instance holds.
func (r *roster) findLoose(p *pool) {
	for _, service := range p.services {
		if _, held := r.holders[service.Address.Addr()]; !held {
			r.loose = append(r.loose, service.Address.Addr())
		}
	}
}

// enlist makes a member with what is known of it.
func (k *known) enlist(old *known, service dataplane.ServiceKey, r *config.RealServer, at place) member {
	m := member{config: r, address: netip.AddrPortFrom(r.Address, r.Port), place: at}
	if at.ifname != "" {
		m.outlet = k.outlets[at.ifname]
		m.neighbor = carry(old.neighbors, k.neighbors, neighborKey{at.ifname, r.Address})
	}
	if len(r.Checks) > 0 {
		m.check = carry(old.checks, k.checks, realKey{service, m.address})
	}
	return m
}

// carry takes what was noted under a key over into other notes, or begins with nothing.
func carry[K comparable, V any](from, to map[K]*V, key K) *V {
	note := to[key]
	if note == nil {
		if note = from[key]; note == nil {
			note = new(V)
		}
		to[key] = note
	}
	return note
}

// servicesOf are the services of a virtual server, in the order of its endpoints.
func servicesOf(v *config.VirtualServer) []dataplane.ServiceKey {
	protocol := dataplane.ProtocolTCP
	if v.Protocol == config.UDP {
		protocol = dataplane.ProtocolUDP
	}
	keys := make([]dataplane.ServiceKey, 0, len(v.Endpoints()))
	for _, e := range v.Endpoints() {
		keys = append(keys, dataplane.ServiceKey{Address: e, Protocol: protocol})
	}
	return keys
}

// checkKey names the check of a real server.
func checkKey(v *config.VirtualServer, r *config.RealServer) realKey {
	return realKey{servicesOf(v)[0], netip.AddrPortFrom(r.Address, r.Port)}
}

// id is that of a member in one of the services.
func (p *pool) id(service, member int) dataplane.RealID { return p.ids[service*len(p.members)+member] }

// idsOf are those of all members in one of the services.
func (p *pool) idsOf(service int) []dataplane.RealID {
	return p.ids[service*len(p.members) : (service+1)*len(p.members)]
}

// realKeys are all that needs the id of a real server, in the order of pool.ids.
func (r *roster) realKeys() iter.Seq[realKey] {
	return func(yield func(realKey) bool) {
		for _, p := range r.pools {
			for _, service := range p.services {
				for i := range p.members {
					if !yield(realKey{service, p.members[i].address}) {
						return
					}
				}
			}
		}
	}
}

// recall learns from the tables of an earlier process how the real servers of the roster stood, so that taking over
// changes nothing until something new is known.
func (k *known) recall(held dataplane.Tables) {
	members := k.roster.byKey()
	heard := make(map[*neighbor]bool)
	for _, real := range held.Reals {
		m := members[realKey{real.Service, real.Address}]
		if m == nil || real.State == dataplane.RealAbsent {
			continue
		}
		up := real.State == dataplane.RealUp
		if m.check != nil {
			*m.check = check{told: true, up: up}
			if !up {
				m.check.reason = "it was down before this daemon started"
			}
		}
		if m.neighbor == nil || real.MAC == (dataplane.MAC{}) {
			continue
		}
		// Without a check it can only have been down because it did not answer.
		answered := (up || m.check != nil) && (!heard[m.neighbor] || m.neighbor.resolved)
		*m.neighbor = neighbor{mac: real.MAC, resolved: answered}
		if !answered {
			m.neighbor.reason = "it did not answer before this daemon started"
		}
		heard[m.neighbor] = true
	}
}

func (r *roster) byKey() map[realKey]*member {
	members := make(map[realKey]*member, r.reals)
	for _, p := range r.pools {
		for _, service := range p.services {
			for i := range p.members {
				members[realKey{service, p.members[i].address}] = &p.members[i]
			}
		}
	}
	return members
}
