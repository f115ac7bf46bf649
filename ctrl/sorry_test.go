package ctrl

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"drover/ctrl/config"
	"drover/dataplane"
)

// sorryConfig is the tutorial's with a sorry server.
func sorryConfig(scheduler string) *config.Config {
	cfg := tutorialConfig()
	cfg.VirtualServers[0].Scheduler, cfg.VirtualServers[0].SorryServer = scheduler, sorry
	return cfg
}

// served are the ids in the schedule, each once, and the states of all.
func served(t *testing.T, k *known) (ids []dataplane.RealID, states []dataplane.RealState) {
	t.Helper()
	k.assess(noon)
	tables := planned(t, k)
	ids = slices.Compact(slices.Sorted(slices.Values(tables.Services[web].Schedule)))
	for _, r := range tables.Reals[1:] {
		states = append(states, r.State)
	}
	return ids, states
}

func TestTheSorryServerGetsTheConnectionsWhileThereIsNoQuorum(t *testing.T) {
	const up, down = dataplane.RealUp, dataplane.RealDown
	lost := func(k *known) { *checkOf(k, realKey{web, web0}), *checkOf(k, realKey{web, web1}) = ended, ended }
	for name, test := range map[string]struct {
		quorum int
		known  func(*known)
		ids    []dataplane.RealID
		states []dataplane.RealState
	}{
		"not while there is one": {1, func(*known) {}, []dataplane.RealID{1, 2}, []dataplane.RealState{up, up, down}},
		"while all are down":     {1, lost, []dataplane.RealID{3}, []dataplane.RealState{down, down, up}},
		"in the place of those that are left": {
			2, func(k *known) { *checkOf(k, realKey{web, web0}) = ended }, []dataplane.RealID{3}, []dataplane.RealState{down, down, up},
		},
		"not while it does not answer: those that are left are better than none": {
			2, func(k *known) {
				*checkOf(k, realKey{web, web0}) = ended
				*k.neighbors[neighborKey{"enp1s0", sorry.Addr()}] = neighbor{reason: "no answer to ARP yet"}
			}, []dataplane.RealID{2}, []dataplane.RealState{down, up, dataplane.RealAbsent},
		},
	} {
		for scheduler := range schedulers {
			t.Run(name+" "+scheduler, func(t *testing.T) {
				cfg := sorryConfig(scheduler)
				cfg.VirtualServers[0].Quorum = test.quorum
				k := allWell(cfg)
				test.known(k)
				ids, states := served(t, k)
				oneOfThem := scheduler == "dh" && len(ids) == 1 && slices.Contains(test.ids, ids[0]) // by the VIP
				if !oneOfThem && !slices.Equal(ids, test.ids) {
					t.Errorf("%d are in the schedule, want %d", ids, test.ids)
				}
				if !slices.Equal(states, test.states) {
					t.Errorf("states %d, want %d", states, test.states)
				}
			})
		}
	}
}

func TestASorryServerThatIsOneOfTheRealServersServesAloneWithoutQuorum(t *testing.T) {
	cfg := sorryConfig("wrr")
	cfg.VirtualServers[0].SorryServer, cfg.VirtualServers[0].Quorum = web1, 2
	k := allWell(cfg)
	if ids, _ := served(t, k); !slices.Equal(ids, scheduled(1, 2)) {
		t.Errorf("with a quorum %d serve, want both", ids)
	}
	cfg.VirtualServers[0].Quorum = 3
	if ids, states := served(t, k); !slices.Equal(ids, scheduled(2)) || states[0] != dataplane.RealDown {
		t.Errorf("without a quorum %d serve in states %d, want the second alone", ids, states)
	}
	if len(k.roster.pools[0].members) != 2 {
		t.Error("it is there twice")
	}
}

func TestASorryServerOnThisHost(t *testing.T) {
	cfg := sorryConfig("rr")
	places := allOn("enp1s0", cfg)
	places[0].reals[2] = place{local: true}
	k := newKnown()
	k.links = lanLinks()
	k.settle(cfg, places)
	beWell(&k)
	*checkOf(&k, realKey{web, web0}), *checkOf(&k, realKey{web, web1}) = ended, ended
	ids, states := served(t, &k)
	if !slices.Equal(ids, scheduled(3)) || states[2] != dataplane.RealUp {
		t.Errorf("%d serve in states %d, want the sorry server", ids, states)
	}
	tables := planned(t, &k)
	if r := tables.Reals[3]; r.Port != dataplane.PortLocal || !tables.Services[web].HasLocal {
		t.Errorf("it is at port %d", r.Port)
	}
}

// After a restart the sorry server stays in its role until something new is known.
func TestARestartRemembersWhetherTheSorryServerServed(t *testing.T) {
	cfg := sorryConfig("rr")
	cfg.VirtualServers[0].Quorum, cfg.VirtualServers[0].Hysteresis = 2, 1
	for name, lose := range map[string]bool{"it did": true, "it did not": false} {
		t.Run(name, func(t *testing.T) {
			k := allWell(cfg)
			k.assess(noon)
			if lose { // 0, and back to 2: not enough to gain it again
				*checkOf(k, realKey{web, web0}), *checkOf(k, realKey{web, web1}) = ended, ended
				k.assess(noon)
				*checkOf(k, realKey{web, web0}), *checkOf(k, realKey{web, web1}) = passed, passed
			} else { // 3 once, now 2
				k.roster.pools[0].quorum.up = true
			}
			ids, _ := served(t, k)
			held := planned(t, k)
			next := newKnown()
			next.links = lanLinks()
			next.settle(cfg, allOn("enp1s0", cfg))
			next.recall(held)
			if again, _ := served(t, &next); !slices.Equal(again, ids) || slices.Contains(ids, 3) != lose {
				t.Errorf("%d serve, before the restart %d", again, ids)
			}
		})
	}
}

func TestASorryServerIsPlacedCountedAndResolvedAsARealServer(t *testing.T) {
	cfg := sorryConfig("rr")
	if got := countReals(cfg); got != 3 {
		t.Errorf("room for %d real servers, want 3", got)
	}
	around := surroundings{
		links: lanLinks(), addresses: map[string][]netip.Prefix{"enp1s0": {prefixOf("192.168.100.211/24")}},
		route: func(netip.Addr) (string, error) { return "", fmt.Errorf("no route") },
	}
	places, err := placesOf(cfg, around)
	if want := (place{ifname: "enp1s0"}); err != nil || len(places[0].reals) != 3 || places[0].reals[2] != want {
		t.Fatalf("places %+v, %v", places, err)
	}
	k := allWell(cfg)
	if _, asked := k.neighbors[neighborKey{"enp1s0", sorry.Addr()}]; !asked {
		t.Error("nobody asks for its MAC address")
	}
	if m := memberOf(k, sorryKey); !m.sorryOnly || len(m.checks) > 0 {
		t.Errorf("it is %+v", m)
	}
}
