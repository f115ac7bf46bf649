package ctrl

import (
	"iter"
	"net/netip"
	"slices"

	"drover/ctrl/config"
	"drover/ctrl/suspect"
	"drover/dataplane"
)

// roster is the virtual servers of a configuration, laid out so that planning only walks along. It is made once for a
// configuration; what changes between two reloads is behind the pointers of its members.
type roster struct {
	pools    []*pool
	holders  map[netip.Addr]routerKey
	loose    []netip.Addr                                // of services, that no instance holds
	needs    map[routerKey]*needs                        // of instances whose VIPs have virtual servers
	groups   map[string]*config.SyncGroup                // by the names of their members
	local    map[netip.Addr]bool                         // whether a real server's address is this host's
	reals    int                                         // real servers of all services
	numbered bool                                        // the ids below are given
	leaving  map[dataplane.ServiceKey][]dataplane.RealID // of real servers that have left a service lately
}

// pool is a virtual server: one service for each of its endpoints, which share the real servers.
type pool struct {
	config   *config.VirtualServer
	key      poolKey
	services []dataplane.ServiceKey
	arrivals []string // the interfaces by which packets for it come in, as far as known
	members  []member // the real servers, and behind them the sorry server if it is none of them
	sorry    int      // the member that is the sorry server; -1 without one
	local    bool     // one of the members is this host
	flat     bool     // its scheduler knows of a weight only whether it is 0
	hashed   bool     // its schedule depends on who the real servers are
	quorum   quorum
	watch    *suspect.Watch // of their handshakes; nil before it has begun

	// Given by identities.
	gates []dataplane.GateID // of each service
	ids   []dataplane.RealID // of the members in the first service, in the second, ...
}

// poolKey is what makes a virtual server the same one after a reload.
type poolKey struct {
	group   string // of virtual servers, or empty
	service dataplane.ServiceKey
	number  int // among those of the group, as keepalived counts them
}

// settle lays a configuration out. What is known of real servers that it still has is kept, the rest is forgotten. It
// returns the last news of virtual and real servers that the configuration has no more.
func (k *known) settle(c *config.Config, places []whereabouts) (last []serverNews) {
	k.config, k.places = c, places
	k.useInterfaces(c, places)
	old := *k
	k.neighbors, k.checks, k.room = make(map[neighborKey]*neighbor), make(map[checkKey]*check), nil
	r := &roster{holders: holders(c), local: make(map[netip.Addr]bool), pools: make([]*pool, len(c.VirtualServers))}
	before := old.roster.byPool()
	numbers := make(map[string]int)
	for n := range c.VirtualServers {
		v := &c.VirtualServers[n]
		p := &pool{config: v, key: keyOfPool(v, numbers), services: servicesOf(v), arrivals: places[n].arrivals, sorry: -1}
		p.flat, p.hashed = isFlat(v.Scheduler), hashes(v.Scheduler)
		k.enlist(&old, p, before[p.key], places[n].reals)
		if was := before[p.key]; was != nil {
			last = append(last, was.withdrawn(p)...)
			p.quorum = was.quorum
			delete(before, p.key)
		}
		for i := range p.members {
			r.local[p.members[i].address.Addr()] = p.members[i].place.local
			p.local = p.local || p.members[i].place.local
		}
		r.pools[n] = p
		r.findLoose(p)
		r.reals += len(p.services) * len(p.members)
	}
	r.findNeeds(c)
	r.keepRatings(old.roster)
	for _, gone := range old.roster.pools {
		if before[gone.key] == gone {
			last = append(last, gone.closed()...)
		}
	}
	k.roster = r
	return last
}

// findLoose notes the addresses of a pool's services that no instance holds.
func (r *roster) findLoose(p *pool) {
	for _, service := range p.services {
		if _, held := r.holders[service.Address.Addr()]; !held {
			r.loose = append(r.loose, service.Address.Addr())
		}
	}
}

// keyOfPool counts on in numbers.
func keyOfPool(v *config.VirtualServer, numbers map[string]int) poolKey {
	if v.Group == "" {
		return poolKey{service: servicesOf(v)[0]}
	}
	key := poolKey{group: v.Group, service: dataplane.ServiceKey{Protocol: protocolOf(v)}, number: numbers[v.Group]}
	numbers[v.Group]++
	return key
}

func (r *roster) byPool() map[poolKey]*pool {
	pools := make(map[poolKey]*pool, len(r.pools))
	for _, p := range r.pools {
		pools[p.key] = p
	}
	return pools
}

// membersOf are the real servers of a virtual server, followed by its sorry server if that is not one of them. The
// latter's index is -1 without one.
func membersOf(v *config.VirtualServer) (list []*config.RealServer, sorry int) {
	sorry = -1
	list = make([]*config.RealServer, 0, len(v.RealServers)+1)
	for i := range v.RealServers {
		list = append(list, &v.RealServers[i])
		if v.RealServers[i].Address == v.SorryServer.Addr() {
			sorry = i
		}
	}
	if v.SorryServer.IsValid() && sorry < 0 {
		sorry = len(list)
		list = append(list, &config.RealServer{
			Position: v.Position, Address: v.SorryServer.Addr(), Port: v.SorryServer.Port(), Weight: 1,
			InhibitOnFailure: v.SorryServerInhibit,
		})
	}
	return list, sorry
}

// enlist gives a pool its members, with what is known of them. was is what the pool was before; nil if it is new.
func (k *known) enlist(old *known, p, was *pool, at []place) {
	var list []*config.RealServer
	list, p.sorry = membersOf(p.config)
	p.members = make([]member, len(list))
	rest := make([]particulars, len(list))
	room := make([]*check, len(list)) // for one check each, side by side
	before := was.byAddress()
	balancers := slices.ContainsFunc(at[:len(p.config.RealServers)], func(to place) bool { return to.local })
	for i, r := range list {
		m := &p.members[i]
		rest[i] = particulars{config: r, address: netip.AddrPortFrom(r.Address, r.Port), place: at[i]}
		*m = member{
			particulars: &rest[i], configured: r.Weight, sorryOnly: i >= len(p.config.RealServers), checks: room[i : i : i+1],
		}
		if m.place.ifname != "" {
			m.outlet = k.outlets[m.place.ifname]
			m.neighbor = carry(old.neighbors, k.neighbors, neighborKey{m.place.ifname, r.Address})
		}
		former := before[m.address]
		if former != nil && former.sorryOnly == m.sorryOnly {
			m.life, m.asked = former.life, former.asked
		}
		k.ask(old, p.config, m, former, balancers)
	}
}

// ask gives a member its checks. A check that is new to a real server which is not goes on from what is known of that.
func (k *known) ask(old *known, v *config.VirtualServer, m, former *member, amongBalancers bool) {
	for i := range m.config.Checks {
		c := &m.config.Checks[i]
		m.weighs = m.weighs || setsWeight(*c)
		eachSpec(v, c, station{m.place, m.config.Address, amongBalancers}, func(spec checkSpec) {
			key := spec.key()
			asked := k.checks[key]
			if asked == nil {
				asked = k.newCheck(inquiry{key: key, spec: spec})
				if was := old.checks[key]; was != nil {
					asked.verdict, asked.sight = was.verdict, was.sight
				} else if former != nil {
					asked.verdict = former.soFar()
				}
				k.checks[key] = asked
			}
			m.checks = append(m.checks, asked)
		})
	}
}

// newCheck makes a check beside the one made last: every plan looks at all of them, one after the other.
func (k *known) newCheck(asks inquiry) *check {
	const together = 256
	if len(k.room) == cap(k.room) {
		k.room = make([]check, 0, together)
	}
	k.room = append(k.room, check{inquiry: &asks})
	return &k.room[len(k.room)-1]
}

// notConfigured is why a real server is no more there after a reload.
const notConfigured = "it is not configured any more"

// withdrawn are the last news of real servers that the pool has no more in its next form.
func (p *pool) withdrawn(next *pool) []serverNews {
	stays := next.byAddress()
	return slices.DeleteFunc(p.lastNews(notConfigured), func(n serverNews) bool {
		to := stays[n.member.address]
		return to != nil && !to.sorryOnly
	})
}

// closed are the last news of a pool that is gone.
func (p *pool) closed() []serverNews {
	last := p.lastNews(notConfigured)
	if p.quorum.up {
		last = append(last, serverNews{pool: p})
	}
	return last
}

// byAddress are the members by address and port; none of nil.
func (p *pool) byAddress() map[netip.AddrPort]*member {
	if p == nil {
		return nil
	}
	members := make(map[netip.AddrPort]*member, len(p.members))
	for i := range p.members {
		members[p.members[i].address] = &p.members[i]
	}
	return members
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
	keys := make([]dataplane.ServiceKey, 0, len(v.Endpoints()))
	for _, e := range v.Endpoints() {
		keys = append(keys, dataplane.ServiceKey{Address: e, Protocol: protocolOf(v)})
	}
	return keys
}

func protocolOf(v *config.VirtualServer) dataplane.Protocol {
	if v.Protocol == config.UDP {
		return dataplane.ProtocolUDP
	}
	return dataplane.ProtocolTCP
}

// wanted are the checks to make. Those of a virtual server that wants them only where it is served (ha_suspend) rest while
// it is not active here, unless another virtual server asks the same.
func (r *roster) wanted(active func(dataplane.ServiceKey) bool) map[checkKey]checkSpec {
	specs := make(map[checkKey]checkSpec)
	for _, p := range r.pools {
		if p.config.HASuspend && !slices.ContainsFunc(p.services, active) {
			continue
		}
		for i := range p.members {
			for _, c := range p.members[i].checks {
				specs[c.key] = c.spec
			}
		}
	}
	return specs
}

// suspends tells whether any virtual server has its checks rest while it is not active.
func (r *roster) suspends() bool {
	return slices.ContainsFunc(r.pools, func(p *pool) bool { return p.config.HASuspend })
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
