package ctrl

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/dataplane"
)

var (
	web  = dataplane.ServiceKey{Address: netip.MustParseAddrPort("192.168.100.221:80"), Protocol: dataplane.ProtocolTCP}
	web0 = netip.MustParseAddrPort("192.168.100.150:80")
	web1 = netip.MustParseAddrPort("192.168.100.151:80")
)

// tutorialTables are the tables of tutorialConfig when all is well.
func tutorialTables() dataplane.Tables {
	want := dataplane.NewTables()
	want.Services[web] = dataplane.Service{Gate: 1, Schedule: scheduled(1, 2)}
	want.Reals = make(dataplane.Reals, 3)
	for id, address := range map[dataplane.RealID]netip.AddrPort{1: web0, 2: web1} {
		want.Reals[id] = dataplane.Real{
			Service: web, Address: address, MAC: macOf(address.Addr()), State: dataplane.RealUp, Port: 1, Weight: 1,
		}
	}
	want.Ports[1] = dataplane.Port{Interface: 2, MAC: dataplane.MAC{2, 0, 0, 0, 0, 1}, MTU: 1500}
	want.VIPs[web.Address.Addr()] = dataplane.VIP{Gate: 1}
	want.Gates[1] = dataplane.GateName{Interface: 2, VirtualRouterID: 110}
	return want
}

// planCase is a difference from the tutorial when all is well: in what is configured, in what is then known, and in the
// tables that must follow.
type planCase struct {
	config func(*config.Config)
	known  func(*known)
	want   func(*dataplane.Tables)
}

func (c planCase) check(t *testing.T) {
	cfg, want := tutorialConfig(), tutorialTables()
	if c.config != nil {
		c.config(cfg)
	}
	k := allWell(cfg)
	if c.known != nil {
		c.known(k)
	}
	if c.want != nil {
		c.want(&want)
	}
	if got := new(planner).plan(k, identify(t, k)); !reflect.DeepEqual(got, want) {
		t.Errorf("plan is\n%+v, want\n%+v", got, want)
	}
}

func scheduled(ids ...dataplane.RealID) []dataplane.RealID {
	return append([]dataplane.RealID{}, ids...)
}

// real changes a real server in tables.
func real(tables *dataplane.Tables, id dataplane.RealID, change func(*dataplane.Real)) {
	change(&tables.Reals[id])
}

func TestPlanOfRealServers(t *testing.T) {
	web0Key, place0 := realKey{web, web0}, neighborKey{"enp1s0", web0.Addr()}
	without := func(state dataplane.RealState, mac bool) func(*dataplane.Tables) {
		return func(want *dataplane.Tables) {
			want.Services[web] = dataplane.Service{Gate: 1, Schedule: scheduled(2)}
			real(want, 1, func(r *dataplane.Real) {
				r.State = state
				if !mac {
					r.MAC, r.Port = dataplane.MAC{}, 0
				}
			})
		}
	}
	for name, test := range map[string]planCase{
		"all well: they alternate": {},
		"a check that failed takes it out of the schedule and keeps its connections": {
			known: func(k *known) { *checkOf(k, web0Key) = verdict{told: true, reason: "status 500"} },
			want:  without(dataplane.RealDown, true),
		},
		"without a verdict yet it counts as up": {known: func(k *known) { *checkOf(k, web0Key) = verdict{} }},
		"without a verdict yet it counts as down if its check says alpha": {
			config: func(c *config.Config) { c.VirtualServers[0].RealServers[0].Checks[0].Alpha = true },
			known:  func(k *known) { *checkOf(k, web0Key) = verdict{} },
			want:   without(dataplane.RealDown, true),
		},
		"alpha matters no more once there is a verdict": {
			config: func(c *config.Config) { c.VirtualServers[0].RealServers[0].Checks[0].Alpha = true },
		},
		"one that was never resolved is absent": {
			known: func(k *known) { *k.neighbors[place0] = neighbor{} },
			want:  without(dataplane.RealAbsent, false),
		},
		"one that did not answer ARP yet is absent, whatever its check says": {
			known: func(k *known) { *k.neighbors[place0] = neighbor{reason: "no answer to ARP yet"} },
			want:  without(dataplane.RealAbsent, false),
		},
		"one that was lost is down at its last MAC": {
			known: func(k *known) { *k.neighbors[place0] = neighbor{mac: macOf(web0.Addr()), reason: "no answer"} },
			want:  without(dataplane.RealDown, true),
		},
		"its MAC on an interface that it has left counts for nothing": {
			known: func(k *known) { k.settle(k.config, allOn("enp2s0", k.config)) },
			want: func(want *dataplane.Tables) {
				without(dataplane.RealAbsent, false)(want)
				real(want, 2, func(r *dataplane.Real) { r.State, r.MAC, r.Port = dataplane.RealAbsent, dataplane.MAC{}, 0 })
				want.Services[web] = dataplane.Service{Gate: 1, Schedule: scheduled()}
				want.Ports[2] = dataplane.Port{Interface: 3, MAC: dataplane.MAC{2, 0, 0, 0, 0, 2}, MTU: 1500}
			},
		},
		"all down is an empty schedule, not a missing service": {
			known: func(k *known) {
				*checkOf(k, web0Key), *checkOf(k, realKey{web, web1}) = verdict{told: true}, verdict{told: true}
			},
			want: func(want *dataplane.Tables) {
				without(dataplane.RealDown, true)(want)
				real(want, 2, func(r *dataplane.Real) { r.State = dataplane.RealDown })
				want.Services[web] = dataplane.Service{Gate: 1, Schedule: scheduled()}
			},
		},
		"weight 0 is up but takes no new connections": {
			config: func(c *config.Config) { c.VirtualServers[0].RealServers[0].Weight = 0 },
			want: func(want *dataplane.Tables) {
				without(dataplane.RealUp, true)(want)
				real(want, 1, func(r *dataplane.Real) { r.Weight = 0 })
			},
		},
		"rr does not look at weights": {
			config: func(c *config.Config) { c.VirtualServers[0].RealServers[0].Weight = 3 },
		},
		"wrr does": {
			config: func(c *config.Config) {
				c.VirtualServers[0].Scheduler, c.VirtualServers[0].RealServers[0].Weight = "wrr", 3
			},
			want: func(want *dataplane.Tables) {
				want.Services[web] = dataplane.Service{Gate: 1, Schedule: scheduled(1, 1, 2, 1)}
				real(want, 1, func(r *dataplane.Real) { r.Weight = 3 })
			},
		},
	} {
		t.Run(name, test.check)
	}
}

func TestPlanOfInstances(t *testing.T) {
	spare := netip.MustParsePrefix("192.168.100.222/32")
	for name, test := range map[string]planCase{
		"each instance has a gate, and its VIPs hang on it": {
			config: func(c *config.Config) {
				second := c.Instances[0]
				second.VirtualRouterID = 111
				second.Addresses = []config.VirtualAddress{{Prefix: spare, Interface: "enp1s0"}}
				c.Instances = append(c.Instances, second)
			},
			want: func(want *dataplane.Tables) {
				want.Gates[2] = dataplane.GateName{Interface: 2, VirtualRouterID: 111}
				want.VIPs[spare.Addr()] = dataplane.VIP{Gate: 2}
			},
		},
		"a VIP of no instance is always open": {
			config: func(c *config.Config) { c.Instances = nil },
			want: func(want *dataplane.Tables) {
				want.Services[web] = dataplane.Service{Gate: dataplane.AlwaysOpen, Schedule: scheduled(1, 2)}
				want.VIPs[web.Address.Addr()] = dataplane.VIP{Gate: dataplane.AlwaysOpen}
				clear(want.Gates)
			},
		},
		"an excluded address is a VIP like the others": {
			config: func(c *config.Config) {
				c.Instances[0].ExcludedAddresses = []config.VirtualAddress{{Prefix: spare, Interface: "enp1s0"}}
			},
			want: func(want *dataplane.Tables) { want.VIPs[spare.Addr()] = dataplane.VIP{Gate: 1} },
		},
		"so is one of IPv6, for neighbor discovery": {
			config: func(c *config.Config) {
				c.Instances[0].ExcludedAddresses = []config.VirtualAddress{{Prefix: netip.MustParsePrefix("fd00::1/64"), Interface: "enp1s0"}}
			},
			want: func(want *dataplane.Tables) { want.VIPs[netip.MustParseAddr("fd00::1")] = dataplane.VIP{Gate: 1} },
		},
		"an instance that is leaving keeps its gate": {
			known: func(k *known) { k.leaving[routerKey{"enp1s0", 99, false}] = true },
			want: func(want *dataplane.Tables) {
				want.Gates[2] = dataplane.GateName{Interface: 2, VirtualRouterID: 99}
			},
		},
		"one that is leaving and back already has one gate": {
			known: func(k *known) { k.leaving[routerKey{"enp1s0", 110, false}] = true },
		},
	} {
		t.Run(name, test.check)
	}
}

func TestPlanOfServices(t *testing.T) {
	dns := dataplane.ServiceKey{Address: web.Address, Protocol: dataplane.ProtocolUDP}
	for name, test := range map[string]planCase{
		"two services share a real server, each with an id of its own": {
			config: func(c *config.Config) {
				second := c.VirtualServers[0]
				second.Protocol, second.RealServers = config.UDP, []config.RealServer{realServer("192.168.100.150:80")}
				second.RealServers[0].Checks[0].Retry = 9 // or it would be one check
				c.VirtualServers = append(c.VirtualServers, second)
			},
			known: func(k *known) { *checkOf(k, realKey{dns, web0}) = verdict{told: true} },
			want: func(want *dataplane.Tables) {
				want.Services[dns] = dataplane.Service{Gate: 1, Schedule: scheduled()}
				want.Reals.Set(3, dataplane.Real{
					Service: dns, Address: web0, MAC: macOf(web0.Addr()), State: dataplane.RealDown, Port: 1, Weight: 1,
				})
			},
		},
		"two services that ask the same of a real server share its check": {
			config: func(c *config.Config) {
				second := c.VirtualServers[0]
				second.Protocol, second.RealServers = config.UDP, []config.RealServer{realServer("192.168.100.150:80")}
				c.VirtualServers = append(c.VirtualServers, second)
			},
			known: func(k *known) { *checkOf(k, realKey{dns, web0}) = verdict{told: true} },
			want: func(want *dataplane.Tables) {
				want.Services[web] = dataplane.Service{Gate: 1, Schedule: scheduled(2)}
				real(want, 1, func(r *dataplane.Real) { r.State = dataplane.RealDown })
				want.Services[dns] = dataplane.Service{Gate: 1, Schedule: scheduled()}
				want.Reals.Set(3, dataplane.Real{
					Service: dns, Address: web0, MAC: macOf(web0.Addr()), State: dataplane.RealDown, Port: 1, Weight: 1,
				})
			},
		},
		"an empty configuration is empty tables": {
			config: func(c *config.Config) { *c = config.Config{} },
			want:   func(want *dataplane.Tables) { *want = dataplane.NewTables() },
		},
	} {
		t.Run(name, test.check)
	}
}

func TestPlanIsPure(t *testing.T) {
	for seed := range uint64(300) {
		k, same := randomKnown(seed), randomKnown(seed)
		ids, sameIDs := identify(t, k), identify(t, same)
		first, second := new(planner).plan(k, ids), new(planner).plan(same, sameIDs)
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("seed %d: the same is planned as\n%+v and as\n%+v", seed, first, second)
		}
		untouched := randomKnown(seed)
		number(t, identify(t, untouched), untouched)
		if !reflect.DeepEqual(k, untouched) || !reflect.DeepEqual(ids, sameIDs) {
			t.Fatalf("seed %d: plan changed what it was given", seed)
		}
	}
}

// What a planner remembers only saves it work.
func TestAPlannerThatRemembersPlansAsOneThatDoesNot(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		k, p := randomKnown(seed), new(planner)
		ids := identify(t, k)
		for step := range 8 {
			switch step % 4 {
			case 0: // a reload
				k.settle(randomConfig(rng))
			case 1: // an interface goes or comes
				if _, there := k.links["enp2s0"]; there {
					delete(k.links, "enp2s0")
				} else {
					k.links = lanLinks()
				}
				k.findOutlets()
			default:
				for _, n := range k.neighbors {
					if rng.IntN(3) == 0 {
						*n = neighbor{}
					}
				}
				randomNews(rng, k)
			}
			number(t, ids, k)
			before := cloneTables(p.tables)
			anew := planner{tables: before} // which tell who has left
			got, want := p.plan(k, ids), anew.plan(k, ids)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, step %d: planned\n%+v, and anew\n%+v", seed, step, got, want)
			}
			if unnamed := unnamedChanges(before, got, p.change); len(unnamed) > 0 {
				t.Fatalf("seed %d, step %d: the planner does not say that these have changed: %v", seed, step, unnamed)
			}
		}
	}
}

// unnamedChanges are the services and real servers that changed between two plans although the second does not say so.
func unnamedChanges(before, after dataplane.Tables, change dataplane.Change) (unnamed []string) {
	if change.All {
		return nil
	}
	for key := range after.Services {
		if !reflect.DeepEqual(before.Services[key], after.Services[key]) && !slices.Contains(change.Services, key) {
			unnamed = append(unnamed, key.String())
		}
	}
	for n := range max(len(before.Reals), len(after.Reals)) {
		id := dataplane.RealID(n)
		if before.Reals.Get(id) != after.Reals.Get(id) && !slices.Contains(change.Reals, id) {
			unnamed = append(unnamed, fmt.Sprintf("real server %d", id))
		}
	}
	if len(before.Services) != len(after.Services) {
		unnamed = append(unnamed, "the list of services")
	}
	return unnamed
}

// Whoever takes over from a process that was killed must not change anything until it knows something new.
func TestTakingOverChangesNothing(t *testing.T) {
	states := make(map[dataplane.RealState]int)
	for seed := range uint64(2000) {
		k := randomKnown(seed)
		held := cloneTables(new(planner).plan(k, identify(t, k)))
		nameOf := func(index int) (string, bool) {
			for name, link := range k.links {
				if link.Index == index {
					return name, true
				}
			}
			return "", false
		}

		next := newKnown()
		next.links = k.links
		next.settle(k.config, placesAgain(k))
		next.recall(held)
		ids := adopt(time.Time{}, held, nil, nameOf, nil)
		ids.room = 1000
		number(t, ids, &next)
		if got := new(planner).plan(&next, ids); !reflect.DeepEqual(got, held) {
			t.Fatalf("seed %d: taken over\n%+v, and made of it\n%+v", seed, held, got)
		}
		for _, r := range held.Reals {
			states[r.State]++
		}
	}
	if len(states) != 3 {
		t.Errorf("the real servers were in states %v: not all were tried", states)
	}
}

// placesAgain are the places that something known was settled with.
func placesAgain(k *known) []whereabouts {
	var places []whereabouts
	for _, p := range k.roster.pools {
		at := whereabouts{arrivals: p.arrivals}
		for _, m := range p.members {
			at.reals = append(at.reals, m.place)
		}
		places = append(places, at)
	}
	return places
}
