package ctrl

import (
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/dataplane"
)

func TestAMasterThatNoRealServerAnswersOffersTheRoleAndDoesNotFlap(t *testing.T) {
	const some, yet, none = reachesSome, reachesNoneYet, reachesNone
	type step struct {
		at     float64 // seconds
		reach  reach
		master bool
		low    bool
		again  float64 // seconds; 0 for never
	}
	for name, steps := range map[string][]step{
		"fit all the time":                       {{0, some, true, false, 0}, {60, some, true, false, 0}},
		"a MASTER whose real servers are new":    {{0, some, true, false, 0}, {5, yet, true, false, 6}, {5.9, yet, true, false, 6}, {6, yet, true, true, 0}, {60, yet, true, true, 0}},
		"new ones that answer in time":           {{0, some, true, false, 0}, {5, yet, true, false, 6}, {5.9, some, true, false, 0}, {6.5, yet, true, false, 7.5}},
		"a MASTER whose real servers are silent": {{0, some, true, false, 0}, {5, none, true, true, 0}, {60, none, true, true, 0}},
		"silent for a moment":                    {{0, some, true, false, 0}, {5, none, true, true, 0}, {5.9, some, true, false, 0}, {6.5, none, true, true, 0}},
		"silent before it started":               {{0, none, true, false, 1}, {0.9, none, true, false, 1}, {1, none, true, true, 0}},
		"one of the new is known, and silent":    {{0, some, true, false, 0}, {5, yet, true, false, 6}, {5.5, none, true, false, 6}, {6, none, true, true, 0}},
		"unfit from the start":                   {{0, yet, false, false, 0}, {3, yet, false, false, 0}, {4, some, false, false, 0}},
		"an unfit BACKUP that becomes MASTER":    {{0, none, false, false, 0}, {3, none, true, true, 0}},
		"a BACKUP that is cut off, then MASTER":  {{0, some, false, false, 0}, {3, none, false, false, 0}, {3.5, none, true, true, 0}},
		"fit again while still MASTER":           {{0, yet, true, false, 1}, {1, yet, true, true, 0}, {2, some, true, false, 0}},
		"fit again after it has given way":       {{0, yet, true, false, 1}, {1, yet, true, true, 0}, {5, yet, false, true, 0}, {8, some, false, true, 18}, {17.9, some, false, true, 18}, {18, some, false, false, 0}},
		"fit for less than ten seconds":          {{0, yet, true, false, 1}, {1, yet, true, true, 0}, {8, some, false, true, 18}, {17, none, false, true, 0}, {20, some, false, true, 30}},
		"fit, and MASTER for want of a better":   {{0, yet, true, false, 1}, {1, yet, true, true, 0}, {8, some, false, true, 18}, {12, some, true, false, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var l lowering
			begun := time.Unix(1_000_000, 0)
			after := func(seconds float64) time.Time { return begun.Add(time.Duration(seconds * float64(time.Second))) }
			for _, s := range steps {
				again := l.observe(after(s.at), s.reach, s.master)
				want := time.Time{}
				if s.again > 0 {
					want = after(s.again)
				}
				if l.low != s.low || !again.Equal(want) {
					t.Fatalf("at %g s: low %t, again at %s, want %t and %s", s.at, l.low, again, s.low, want)
				}
			}
		})
	}
}

func TestRealServersThatNeverAnsweredAreNotYetReached(t *testing.T) {
	found, silent := neighbor{mac: dataplane.MAC{2}, resolved: true}, neighbor{mac: dataplane.MAC{2}, reason: "no answer to ARP"}
	for name, c := range map[string]struct {
		first, second neighbor
		want          reach
	}{
		"both answer":                        {found, found, reachesSome},
		"one answers, the other fell silent": {silent, found, reachesSome},
		"one answers, the other never did":   {neighbor{}, found, reachesSome},
		"neither ever did":                   {neighbor{}, neighbor{}, reachesNoneYet},
		"both fell silent":                   {silent, silent, reachesNone},
		"one fell silent, one never did":     {silent, neighbor{}, reachesNone},
	} {
		t.Run(name, func(t *testing.T) {
			n := needs{neighbors: []*neighbor{&c.first, &c.second}}
			if got := n.reach(); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
			n.local = true
			if got := n.reach(); got != reachesSome {
				t.Errorf("with one on this host: %d", got)
			}
		})
	}
}

func TestASyncGroupIsAsUnfitAsAnyOfItsInstances(t *testing.T) {
	cfg := tutorialConfig()
	idle := cfg.Instances[0]
	idle.Name, idle.VirtualRouterID, idle.Addresses = "IDLE", 111, nil // which serves nothing
	cfg.Instances = append(cfg.Instances, idle)
	for _, grouped := range []bool{false, true} {
		cfg.SyncGroups = nil
		if grouped {
			cfg.SyncGroups = []config.SyncGroup{{Name: "BOTH", Members: []string{"SERVICE", "IDLE"}}}
		}
		k := allWell(cfg)
		if k.reachOf(cfg.Instances[0]) != reachesSome || k.reachOf(cfg.Instances[1]) != reachesSome {
			t.Error("unfit although all is well")
		}
		for _, n := range k.neighbors {
			*n = neighbor{mac: dataplane.MAC{2}, reason: "no answer to ARP"}
		}
		first, second := k.reachOf(cfg.Instances[0]), k.reachOf(cfg.Instances[1])
		if first != reachesNone || (second == reachesNone) != grouped {
			t.Errorf("in one group %t: they reach %d and %d", grouped, first, second)
		}
	}
}
