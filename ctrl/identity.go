package ctrl

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"drover/dataplane"
)

// errNoID says that the data plane has no id left to give.
var errNoID = errors.New("no id left")

// identities says who keeps which id in the tables. A connection remembers the id of its real server, so an id stays
// with it over reloads and restarts, and rests before another real server gets it.
type identities struct {
	gates map[routerKey]dataplane.GateID
	ports map[string]dataplane.PortID // by the name of the interface
	reals map[realKey]dataplane.RealID
	// resting are the ids that were given up, and when; left says whose they were, of those that were given up since the start.
	resting map[dataplane.RealID]time.Time
	left    map[dataplane.RealID]realKey
	last    dataplane.RealID // given last; the next one is above, and starts over at the end

	room int           // ids of real servers that the tables have room for
	rest time.Duration // how long an id is kept from others: longer than any connection is remembered
}

// adopt takes the identities from tables that an earlier process left. ifname names interfaces by index; holders are the
// instances that hold the VIPs; remembered are the ids that connections hold: those that have no real server any more
// begin to rest.
func adopt(now time.Time, held dataplane.Tables, remembered []dataplane.RealID,
	ifname func(index int) (string, bool), holders map[netip.Addr]routerKey) *identities {
	ids := &identities{
		gates: make(map[routerKey]dataplane.GateID), ports: make(map[string]dataplane.PortID),
		reals: make(map[realKey]dataplane.RealID), resting: make(map[dataplane.RealID]time.Time),
		left: make(map[dataplane.RealID]realKey),
	}
	ipv6 := familiesOf(held.VIPs, holders)
	for id, gate := range held.Gates {
		if name, there := ifname(gate.Interface); there {
			ids.gates[routerKey{name, gate.VirtualRouterID, ipv6[id]}] = id
		}
	}
	for id, port := range held.Ports {
		if name, there := ifname(port.Interface); there {
			ids.ports[name] = id
		}
	}
	for n, real := range held.Reals {
		if real != (dataplane.Real{}) {
			ids.reals[realKey{real.Service, real.Address}] = dataplane.RealID(n)
			ids.last = dataplane.RealID(n)
		}
	}
	for _, id := range remembered {
		if held.Reals.Get(id) == (dataplane.Real{}) {
			ids.resting[id] = now
		}
	}
	return ids
}

// familiesOf tells of which gates the virtual router is one of IPv6: a gate's name does not. It is that of the instance
// which holds an address behind the gate, or else that of an address.
func familiesOf(vips map[netip.Addr]dataplane.VIP, holders map[netip.Addr]routerKey) map[dataplane.GateID]bool {
	ipv6 := make(map[dataplane.GateID]bool)
	for vip, at := range vips {
		ipv6[at.Gate] = ipv6[at.Gate] || vip.Is6()
	}
	for vip, at := range vips {
		if holder, held := holders[vip]; held {
			ipv6[at.Gate] = holder.ipv6
		}
	}
	return ipv6
}

// number makes exactly what is known have ids, and notes them there.
func (ids *identities) number(now time.Time, k *known) error {
	return errors.Join(ids.numberGates(k), ids.numberPorts(k), ids.numberReals(now, k.roster))
}

func (ids *identities) numberGates(k *known) error {
	var wanted []routerKey
	for _, i := range k.config.Instances {
		wanted = append(wanted, keyOfInstance(i))
	}
	for key := range k.leaving {
		wanted = append(wanted, key)
	}
	if failed := assign(ids.gates, wanted, dataplane.AlwaysOpen+1, dataplane.GateID(dataplane.MaxGates)); len(failed) > 0 {
		return fmt.Errorf("VRRP instance %d on %s: %w", failed[0].vrid, failed[0].ifname, errNoID)
	}
	for _, p := range k.roster.pools {
		p.gates = make([]dataplane.GateID, len(p.services))
		for s, key := range p.services {
			if instance, held := k.roster.holders[key.Address.Addr()]; held {
				p.gates[s] = ids.gates[instance]
			}
		}
	}
	return nil
}

func (ids *identities) numberPorts(k *known) error {
	if failed := assign(ids.ports, k.devices(), 1, dataplane.PortID(dataplane.MaxPorts)); len(failed) > 0 {
		return fmt.Errorf("interface %s: %w", failed[0], errNoID)
	}
	for _, o := range k.outlets {
		o.port = ids.ports[o.device()] // 0 for one that cannot be served
	}
	return nil
}

// assign makes exactly the wanted keys have ids of [first, end). Those that have one keep it; others get one that nobody
// has or had just now. It returns the keys that there was none for.
func assign[K comparable, ID ~uint8 | ~uint16](has map[K]ID, wanted []K, first, end ID) (failed []K) {
	taken := make(map[ID]bool, len(has))
	for _, id := range has {
		taken[id] = true
	}
	is := make(map[K]bool, len(wanted))
	for _, key := range wanted {
		is[key] = true
	}
	for key := range has {
		if !is[key] {
			delete(has, key)
		}
	}
	next := first
	for _, key := range wanted {
		if _, there := has[key]; there {
			continue
		}
		for next < end && taken[next] {
			next++
		}
		if next == end {
			failed = append(failed, key)
			continue
		}
		has[key] = next
		taken[next] = true
	}
	return failed
}

// numberReals gives the members of a roster their ids, once.
func (ids *identities) numberReals(now time.Time, r *roster) error {
	if r.numbered {
		return nil
	}
	list, err := ids.assignReals(now, r.realKeys(), r.reals)
	if err != nil {
		return err
	}
	for _, p := range r.pools {
		n := len(p.services) * len(p.members)
		p.ids, list = list[:n:n], list[n:]
	}
	r.leaving = ids.leaving(r)
	r.numbered = true
	return nil
}

// leaving are the ids of real servers that have left services of a roster, as long as connections may remember them.
func (ids *identities) leaving(r *roster) map[dataplane.ServiceKey][]dataplane.RealID {
	leaving := make(map[dataplane.ServiceKey][]dataplane.RealID)
	for _, p := range r.pools {
		for _, key := range p.services {
			leaving[key] = nil
		}
	}
	for id, was := range ids.left {
		if _, there := leaving[was.service]; there {
			leaving[was.service] = append(leaving[was.service], id)
		}
	}
	return leaving
}

// assignReals makes exactly the wanted ones have an id, and returns the ids in their order. After an error some have none.
func (ids *identities) assignReals(now time.Time, wanted iter.Seq[realKey], count int) ([]dataplane.RealID, error) {
	var (
		taken = ids.taken(now)
		next  = make(map[realKey]dataplane.RealID, count)
		list  = make([]dataplane.RealID, 0, count)
		err   error
	)
	for key := range wanted {
		id, has := ids.reals[key]
		if !has && err == nil {
			id = ids.nextReal(taken)
		}
		if id == 0 {
			err = cmp.Or(err, fmt.Errorf("real server %s of %s: %w", key.address, key.service, errNoID))
			continue
		}
		next[key] = id
		list = append(list, id)
	}
	for key, id := range ids.reals {
		if _, still := next[key]; !still {
			ids.resting[id], ids.left[id] = now, key
		}
	}
	ids.reals = next
	return list, err
}

// taken tells of each id whether a real server has it or it still rests.
func (ids *identities) taken(now time.Time) []bool {
	taken := make([]bool, ids.room+1)
	take := func(id dataplane.RealID) {
		if int(id) < len(taken) {
			taken[id] = true
		}
	}
	for id, since := range ids.resting {
		if now.Sub(since) >= ids.rest {
			delete(ids.resting, id)
			delete(ids.left, id)
			continue
		}
		take(id)
	}
	for _, id := range ids.reals {
		take(id)
	}
	return taken
}

// nextReal gives away an id that is not taken; 0 if there is none.
func (ids *identities) nextReal(taken []bool) dataplane.RealID {
	for n := range ids.room {
		id := dataplane.RealID((int(ids.last)+n)%ids.room + 1)
		if !taken[id] {
			taken[id], ids.last = true, id
			return id
		}
	}
	return 0
}
