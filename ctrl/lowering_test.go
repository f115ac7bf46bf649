package ctrl

import (
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/dataplane"
)

func TestAMasterThatNoRealServerAnswersOffersTheRoleAndDoesNotFlap(t *testing.T) {
	type step struct {
		at            float64 // seconds
		unfit, master bool
		low           bool
		again         float64 // seconds; 0 for never
	}
	for name, steps := range map[string][]step{
		"fit all the time":                     {{0, false, true, false, 0}, {60, false, true, false, 0}},
		"a MASTER that is unfit":               {{0, false, true, false, 0}, {5, true, true, false, 6}, {5.9, true, true, false, 6}, {6, true, true, true, 0}, {60, true, true, true, 0}},
		"unfit for a moment":                   {{0, false, true, false, 0}, {5, true, true, false, 6}, {5.9, false, true, false, 0}, {6.5, true, true, false, 7.5}},
		"unfit from the start":                 {{0, true, false, false, 0}, {3, true, false, false, 0}, {4, false, false, false, 0}},
		"an unfit BACKUP that becomes MASTER":  {{0, true, false, false, 0}, {3, true, true, true, 0}},
		"fit again while still MASTER":         {{0, true, true, false, 1}, {1, true, true, true, 0}, {2, false, true, false, 0}},
		"fit again after it has given way":     {{0, true, true, false, 1}, {1, true, true, true, 0}, {5, true, false, true, 0}, {8, false, false, true, 18}, {17.9, false, false, true, 18}, {18, false, false, false, 0}},
		"fit for less than ten seconds":        {{0, true, true, false, 1}, {1, true, true, true, 0}, {8, false, false, true, 18}, {17, true, false, true, 0}, {20, false, false, true, 30}},
		"fit, and MASTER for want of a better": {{0, true, true, false, 1}, {1, true, true, true, 0}, {8, false, false, true, 18}, {12, false, true, false, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var l lowering
			begun := time.Unix(1_000_000, 0)
			after := func(seconds float64) time.Time { return begun.Add(time.Duration(seconds * float64(time.Second))) }
			for _, s := range steps {
				again := l.observe(after(s.at), s.unfit, s.master)
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
		if k.unfit(cfg.Instances[0]) || k.unfit(cfg.Instances[1]) {
			t.Error("unfit although all is well")
		}
		for _, n := range k.neighbors {
			*n = neighbor{mac: dataplane.MAC{2}, reason: "no answer to ARP"}
		}
		if !k.unfit(cfg.Instances[0]) || k.unfit(cfg.Instances[1]) != grouped {
			t.Errorf("in one group %t: unfit are %t and %t", grouped, k.unfit(cfg.Instances[0]), k.unfit(cfg.Instances[1]))
		}
	}
}
