package ctrl

import (
	"net"
	"net/netip"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
)

// Rehearsal makes tables of a configuration as a controller does, without a network: all real servers are on one LAN,
// and stand as they are told to; at first all are up. The benchmarks measure with it what a change costs.
//
// It is for configurations whose VIPs hang on no VRRP instance.
type Rehearsal struct {
	data    *dataplane.DataPlane
	known   known
	ids     *identities
	planner planner
}

// rehearsalLAN is the interface that everything is on.
const rehearsalLAN = "lan"

// NewRehearsal lays a configuration out, for empty tables of at least [SizesFor] it.
func NewRehearsal(data *dataplane.DataPlane, c *config.Config) *Rehearsal {
	r := &Rehearsal{data: data, known: newKnown(), ids: adopt(time.Time{}, dataplane.NewTables(), nil, nil, nil)}
	r.ids.room = SizesFor(c).Reals
	r.known.links[rehearsalLAN] = netif.LinkInfo{
		Name: rehearsalLAN, Index: 1, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, Up: true, Carrier: true, MTU: 1500,
	}
	r.Reload(c)
	for key, n := range r.known.neighbors {
		low := key.address.As16()
		*n = neighbor{mac: dataplane.MAC{2, 1, low[12], low[13], low[14], low[15]}, resolved: true}
	}
	for _, check := range r.known.checks {
		check.verdict = verdict{told: true, up: true}
	}
	return r
}

// Reload takes a configuration in. What is known of real servers that it still has stays.
func (r *Rehearsal) Reload(c *config.Config) {
	places := make([]whereabouts, len(c.VirtualServers))
	for n := range c.VirtualServers {
		places[n].arrivals = []string{rehearsalLAN}
		members, _ := membersOf(&c.VirtualServers[n])
		for range members {
			places[n].reals = append(places[n].reals, place{ifname: rehearsalLAN})
		}
	}
	r.known.settle(c, places)
}

// SetUp has a machine answer, or not, for all real servers that it is.
func (r *Rehearsal) SetUp(machine netip.Addr, up bool) {
	if n := r.known.neighbors[neighborKey{rehearsalLAN, machine}]; n != nil {
		n.resolved = up
	}
}

// SetWeight gives all real servers that a machine is a weight.
func (r *Rehearsal) SetWeight(machine netip.Addr, weight int) {
	for _, p := range r.known.roster.pools {
		for i := range p.members {
			if m := &p.members[i]; m.address.Addr() == machine {
				m.configured = weight
			}
		}
	}
}

// Write makes the tables follow: all that a controller does between an event and its last write to them.
func (r *Rehearsal) Write() error {
	now := time.Now()
	r.known.assess(now)
	r.known.rise(now)
	return writeTables(r.data, now, &r.known, r.ids, &r.planner)
}
