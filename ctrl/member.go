package ctrl

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/dataplane"
)

// member is a real server of a pool, or its sorry server. Every plan looks at this, and there may be very many: the rest is
// elsewhere.
type member struct {
	neighbor   *neighbor // nil if it is this host, or nowhere
	outlet     *outlet   // nil if it is this host, or nowhere
	checks     []*check  // nothing is checked without any
	configured int       // its weight
	weighs     bool      // one of the checks has a say in the weight
	sorryOnly  bool      // it is the sorry server, and not also a real server
	life       life
	*particulars
	rating rating
}

// particulars are who a member is, and where.
type particulars struct {
	config  *config.RealServer
	address netip.AddrPort
	place   place
	asked   time.Time // when it was first looked at; zero before
}

// position is where a real server stands in the terms of the data plane.
type position struct {
	state dataplane.RealState
	mac   dataplane.MAC
	port  dataplane.PortID
}

// standing is what is known of one real server.
type standing struct {
	position
	reason string // why it is not up, or what is wrong although it is
}

func (m *member) standing() standing {
	at := m.position()
	switch {
	case m.place.local:
		return standing{at, cmp.Or(m.failures(), m.doubts())}
	case m.neighbor == nil:
		return standing{at, m.place.doubt}
	case m.outlet.err != nil:
		return standing{at, m.outlet.err.Error()}
	case m.neighbor.mac == dataplane.MAC{}:
		return standing{at, cmp.Or(m.place.doubt, m.neighbor.reason, "its MAC address is not known yet")}
	default:
		return standing{at, cmp.Or(m.failures(), m.neighbor.reason, m.doubts())}
	}
}

// position is standing without the reason.
func (m *member) position() position {
	switch {
	case m.neighbor == nil && m.place.local:
		return position{stateOf(m.passes()), dataplane.MAC{}, dataplane.PortLocal}
	case m.neighbor == nil, m.outlet.err != nil, m.neighbor.mac == dataplane.MAC{}:
		return position{}
	}
	return position{stateOf(m.neighbor.resolved && m.passes()), m.neighbor.mac, m.outlet.port}
}

// passes tells what the checks say: all must pass.
func (m *member) passes() bool {
	for _, c := range m.checks {
		if !c.passes() {
			return false
		}
	}
	return true
}

// failures says why the checks do not pass; empty if they do. Of several it is said which.
func (m *member) failures() string {
	var all []string
	for _, c := range m.checks {
		if c.passes() {
			continue
		}
		reason := cmp.Or(c.reasons(), "its check has not passed yet")
		if len(m.checks) > 1 {
			reason = c.spec.name() + ": " + reason
		}
		all = append(all, reason)
	}
	return strings.Join(all, "; ")
}

// doubts says what is wrong through VIPs that does not count; empty if nothing.
func (m *member) doubts() string {
	for _, c := range m.checks {
		if c.sight.ruling == doubted {
			return fmt.Sprintf("VIP fails: %s; it may be this host that does not hear the answers, so the address counts", c.sight.through)
		}
	}
	return ""
}

// refused tells whether anything says that it is down.
func (m *member) refused() bool {
	for _, c := range m.checks {
		if c.told && !c.up {
			return true
		}
	}
	if m.neighbor == nil {
		return !m.place.local
	}
	return m.outlet.err != nil || !m.neighbor.resolved
}

// alive tells whether it counts for the quorum of its virtual server. One that was only just asked where it is has time
// to answer, and counts meanwhile: then it also waits.
func (m *member) alive(now time.Time) (alive, waits bool) {
	if !m.life.looked {
		m.life.looked, m.asked = true, now
	}
	switch {
	case !m.passes():
		return false, false
	case m.neighbor == nil:
		return m.place.local, false
	case m.outlet.err != nil:
		return false, false
	case m.neighbor.resolved:
		return true, false
	}
	waits = !m.life.begun && m.neighbor.mac == (dataplane.MAC{}) && now.Sub(m.asked) < resolveTime
	return waits, waits
}

// soFar is what the checks say together, for others to go on from.
func (m *member) soFar() verdict {
	told := false
	for _, c := range m.checks {
		if c.told && !c.up {
			return verdict{told: true, reason: c.reason}
		}
		told = told || c.told
	}
	return verdict{told: told, up: told}
}

// weight is the configured one and what checks make of it (misc_dynamic, FILE_CHECK).
func (m *member) weight() int {
	if !m.weighs {
		return m.configured
	}
	var few [4]health.Weight // seldom there are more checks
	said := few[:0]
	for _, c := range m.checks {
		said = append(said, c.weight)
	}
	return health.Weigh(m.configured, said...)
}

// passes tells what the check says; without a verdict, that the real server is up unless it says alpha.
func (c *check) passes() bool { return c.up || !c.told && !c.spec.times.Alpha }

// reasons says why it does not pass, with what is known beside if it goes through the VIP.
func (c *check) reasons() string {
	switch i := c.beside(); {
	case i.at.IsZero():
		return c.reason
	case i.passes():
		return fmt.Sprintf("address ok, VIP fails: %s; %s", c.reason, i.diagnosis)
	default:
		return fmt.Sprintf("VIP fails: %s; address fails: %s", c.reason, i.reason)
	}
}

// beside is what the real server says at its own address while the check fails through a VIP.
func (c *check) beside() insight {
	if c.spec.bothWays() {
		return c.sight.insight
	}
	if c.insight == nil {
		return insight{}
	}
	return *c.insight
}

func stateOf(up bool) dataplane.RealState {
	if up {
		return dataplane.RealUp
	}
	return dataplane.RealDown
}
