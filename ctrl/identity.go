package ctrl

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"drover/dataplane"
)

// errNoID says that the data plane has no id left to give.
var errNoID = errors.New("no id left")

// identities says who keeps which id in the tables. A connection remembers the id of its real server, so an id stays
// with it over reloads and restarts, and rests before another real server gets it.
type identities struct {
	gates map[routerKey]dataplane.GateID
	reals map[realKey]dataplane.RealID
	// resting are the ids that were given up, and when.
	resting map[dataplane.RealID]time.Time
	last    dataplane.RealID // given last; the next one is above, and starts over at the end
}

// rest is how long an id is kept from others: longer than the flow table remembers an idle connection.
const rest = 30 * time.Minute

// adopt takes the identities from tables that an earlier process left. ifname names interfaces by index; remembered are
// the ids that connections hold: those that have no real server any more begin to rest.
func adopt(now time.Time, held dataplane.Tables, remembered iter.Seq[dataplane.RealID],
	ifname func(index int) (string, bool)) *identities {
	ids := &identities{
		gates: make(map[routerKey]dataplane.GateID), reals: make(map[realKey]dataplane.RealID),
		resting: make(map[dataplane.RealID]time.Time),
	}
	for id, gate := range held.Gates {
		if name, there := ifname(gate.Interface); there {
			ids.gates[routerKey{name, gate.VirtualRouterID}] = id
		}
	}
	for id, real := range held.Reals {
		ids.reals[realKey{real.Service, real.Address}] = id
		ids.last = max(ids.last, id)
	}
	for id := range remembered {
		if _, named := held.Reals[id]; !named {
			ids.resting[id] = now
		}
	}
	return ids
}

// assign makes exactly the given ones have an id.
func (ids *identities) assign(now time.Time, gates []routerKey, reals []realKey) error {
	return errors.Join(ids.assignGates(gates), ids.assignReals(now, reals))
}

func (ids *identities) assignGates(wanted []routerKey) error {
	keep(ids.gates, wanted, func(dataplane.GateID) {})
	taken := inverse(ids.gates)
	next := dataplane.AlwaysOpen + 1
	for _, key := range wanted {
		if _, has := ids.gates[key]; has {
			continue
		}
		for taken[next] {
			next++
		}
		if int(next) >= dataplane.MaxGates {
			return fmt.Errorf("VRRP instance %d on %s: %w", key.vrid, key.ifname, errNoID)
		}
		ids.gates[key] = next
		taken[next] = true
	}
	return nil
}

func (ids *identities) assignReals(now time.Time, wanted []realKey) error {
	keep(ids.reals, wanted, func(id dataplane.RealID) { ids.resting[id] = now })
	for id, since := range ids.resting {
		if now.Sub(since) >= rest {
			delete(ids.resting, id)
		}
	}
	taken := inverse(ids.reals)
	for _, key := range wanted {
		if _, has := ids.reals[key]; has {
			continue
		}
		id, found := ids.nextReal(taken)
		if !found {
			return fmt.Errorf("real server %s of %s: %w", key.address, key.service, errNoID)
		}
		ids.reals[key], ids.last = id, id
		taken[id] = true
	}
	return nil
}

func (ids *identities) nextReal(taken map[dataplane.RealID]bool) (dataplane.RealID, bool) {
	for n := range dataplane.MaxReals {
		id := dataplane.RealID((int(ids.last)+n)%dataplane.MaxReals + 1)
		if _, rests := ids.resting[id]; !rests && !taken[id] {
			return id, true
		}
	}
	return 0, false
}

// keep removes what is not wanted.
func keep[K, V comparable](have map[K]V, wanted []K, removed func(V)) {
	set := make(map[K]bool, len(wanted))
	for _, key := range wanted {
		set[key] = true
	}
	for key, id := range have {
		if !set[key] {
			delete(have, key)
			removed(id)
		}
	}
}

func inverse[K, V comparable](m map[K]V) map[V]bool {
	values := make(map[V]bool, len(m))
	for _, v := range m {
		values[v] = true
	}
	return values
}
