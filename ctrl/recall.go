package ctrl

import "drover/dataplane"

// recall learns from the tables of an earlier process how the real servers of the roster stood, so that taking over
// changes nothing until something new is known.
func (k *known) recall(held dataplane.Tables) {
	members := k.roster.byKey()
	states := make(map[*member]dataplane.RealState, len(members))
	for _, real := range held.Reals {
		if m := members[realKey{real.Service, real.Address}]; m != nil && real.State != dataplane.RealAbsent {
			states[m] = real.State
		}
	}
	for _, up := range []bool{true, false} { // what passes for one real server has not failed for another
		for m, state := range states {
			if (state == dataplane.RealUp) == up {
				m.recallChecks(up)
			}
		}
	}
	excused := k.recallQuorums(states)
	heard := make(map[*neighbor]bool)
	for _, excuse := range []bool{false, true} { // the state of those is no news if there is another
		for _, real := range held.Reals {
			m := members[realKey{real.Service, real.Address}]
			if m != nil && excused[m] == excuse && (!excuse || !heard[m.neighbor]) {
				m.recallNeighbor(real, heard)
			}
		}
	}
}

// recallQuorums finds which virtual servers had their quorum: then the sorry server was not needed, or it is a real server
// and not the only one that is up. It returns the real servers that may have been down because it was needed.
func (k *known) recallQuorums(states map[*member]dataplane.RealState) (excused map[*member]bool) {
	excused = make(map[*member]bool)
	for _, p := range k.roster.pools {
		if p.sorry < 0 {
			continue
		}
		sorry := &p.members[p.sorry]
		p.quorum.up = sorry.sorryOnly && states[sorry] == dataplane.RealDown
		for i := range p.members {
			m := &p.members[i]
			excused[m] = states[sorry] == dataplane.RealUp && states[m] == dataplane.RealDown
			p.quorum.up = p.quorum.up || m != sorry && states[m] == dataplane.RealUp
		}
	}
	return excused
}

// recallNeighbor notes where a real server was and whether it answered there; heard are those of which something was noted.
func (m *member) recallNeighbor(real dataplane.Real, heard map[*neighbor]bool) {
	if real.State == dataplane.RealAbsent || m.neighbor == nil || real.MAC == (dataplane.MAC{}) {
		return
	}
	// With no check that failed it can only have been down because it did not answer; a sorry server because it was not
	// needed.
	answered := (real.State == dataplane.RealUp || !m.passes() || m.sorryOnly) && (!heard[m.neighbor] || m.neighbor.resolved)
	*m.neighbor = neighbor{mac: real.MAC, resolved: answered}
	if !answered {
		m.neighbor.reason = "it did not answer before this daemon started"
	}
	heard[m.neighbor] = true
}

// recallChecks notes how the real server stood before, as far as another one has not told.
func (m *member) recallChecks(up bool) {
	for _, c := range m.checks {
		switch {
		case c.told:
		case up:
			c.verdict = verdict{told: true, up: true}
		default:
			c.verdict = verdict{told: true, reason: "it was down before this daemon started"}
		}
	}
}
