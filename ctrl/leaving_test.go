package ctrl

import (
	"slices"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/dataplane"
)

// TestARealServerThatAReloadRemovesKeepsItsConnections, until connections have forgotten it or the way to it is another.
func TestARealServerThatAReloadRemovesKeepsItsConnections(t *testing.T) {
	both, one := tutorialConfig(), tutorialConfig()
	one.VirtualServers[0].RealServers = one.VirtualServers[0].RealServers[:1]
	k, p := allWell(both), new(planner)
	ids := identify(t, k)
	had := slices.Clone(p.plan(k, ids).Reals)
	reload := func(c *config.Config, at time.Time) dataplane.Reals {
		k.settle(c, allOn("enp1s0", c))
		beWell(k)
		if err := ids.number(at, k); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(p.plan(k, ids).Reals)
	}
	begun := time.Time{}.Add(time.Hour)
	left := had[2]
	left.State = dataplane.RealDown
	if got := reload(one, begun); got.Get(2) != left {
		t.Errorf("after it has left it is %+v, want %+v", got.Get(2), left)
	}
	if got := reload(both, begun.Add(time.Minute)); got.Get(2) != left || got.Get(3) != had[2] {
		t.Errorf("when it is back it has %+v, and %+v anew", got.Get(2), got.Get(3))
	}
	if got := reload(both, begun.Add(ids.rest)); got.Get(2) != (dataplane.Real{}) || got.Get(3) != had[2] {
		t.Errorf("when nobody remembers it it is %+v", got.Get(2))
	}
	reload(one, begun.Add(2*ids.rest))
	delete(k.links, "enp1s0")
	k.findOutlets()
	if got := p.plan(k, ids).Reals; got.Get(3) != (dataplane.Real{}) || !slices.Contains(p.change.Reals, 3) {
		t.Errorf("without the interface to it it is %+v, of %v that have changed", got.Get(3), p.change.Reals)
	}
}
