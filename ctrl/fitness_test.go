package ctrl

import (
	"net/netip"
	"strings"
	"testing"

	"drover/ctrl/config"
	"drover/ctrl/track"
	"drover/dataplane"
)

func TestFitness(t *testing.T) {
	attached := func(string) string { return "" }
	down := func(k *known, name string) {
		link := k.links[name]
		link.Carrier = false
		k.links[name] = link
	}
	tracking := func(weight int, reverse bool) func(*config.Config) {
		return func(c *config.Config) {
			c.Instances[0].TrackScripts = []config.Track{{Name: "web", Weight: weight, Reverse: reverse}}
		}
	}
	says := func(state track.State) func(*known) {
		return func(k *known) {
			k.results[trackKey{track.Script, "web"}] = track.Result{Kind: track.Script, Name: "web", State: state, Reason: "it says no"}
		}
	}
	for name, test := range map[string]struct {
		config     func(*config.Config)
		known      func(*known)
		unattached func(string) string
		want       fitness // of texts what must be in them
	}{
		"all well": {},
		"its own interface has no carrier": {
			known: func(k *known) { down(k, "enp1s0") }, want: fitness{fault: "no carrier"},
		},
		"its own interface is not tracked": {
			config: func(c *config.Config) { c.Instances[0].TrackPrimary = false },
			known:  func(k *known) { down(k, "enp1s0") },
		},
		"its own interface is away": {
			known: func(k *known) { delete(k.links, "enp1s0") }, want: fitness{fault: "it is away"},
		},
		"another interface is down": {
			config: func(c *config.Config) { c.Instances[0].TrackInterfaces = []config.TrackInterface{{Name: "enp2s0"}} },
			known:  func(k *known) { down(k, "enp2s0") }, want: fitness{fault: "enp2s0"},
		},
		"another interface is down and has a weight": {
			config: func(c *config.Config) {
				c.Instances[0].TrackInterfaces = []config.TrackInterface{{Name: "enp2s0", Weight: -7}}
			},
			known: func(k *known) { down(k, "enp2s0") }, want: fitness{weight: -7, reason: "track_interface enp2s0 is down"},
		},
		"an interface that its sync group tracks is down": {
			config: func(c *config.Config) {
				c.SyncGroups = []config.SyncGroup{{Name: "BOTH", Members: []string{"SERVICE"}, Tracking: config.Tracking{
					TrackInterfaces: []config.TrackInterface{{Name: "enp2s0"}},
				}}}
			},
			known: func(k *known) { down(k, "enp2s0") }, want: fitness{fault: "enp2s0"},
		},
		"a script has not answered": {
			config: tracking(0, false), want: fitness{fault: "web", pending: "web"},
		},
		"a script with a weight has not answered": {config: tracking(-7, false)},
		"a script says no":                        {config: tracking(0, false), known: says(track.Down), want: fitness{fault: "it says no"}},
		"a script says yes":                       {config: tracking(0, false), known: says(track.Up)},
		"a script says yes and the opposite counts": {
			config: tracking(0, true), known: says(track.Up), want: fitness{fault: "web"},
		},
		"a script with a weight says yes": {
			config: tracking(7, false), known: says(track.Up), want: fitness{weight: 7, reason: "track_script web is up"},
		},
		"a file holds a number": {
			config: func(c *config.Config) { c.Instances[0].TrackFiles = []config.Track{{Name: "load", Weight: -2}} },
			known: func(k *known) {
				k.results[trackKey{track.File, "load"}] = track.Result{Kind: track.File, Name: "load", State: track.Up, Value: 3}
			},
			want: fitness{weight: -6, reason: "track_file load is 3"},
		},
		"unicast without anybody": {
			config: func(c *config.Config) { c.Instances[0].UnicastFaultNoPeer = true }, want: fitness{fault: "unicast_peer"},
		},
		"no program": {
			unattached: func(ifname string) string { return "no room on " + ifname },
			want:       fitness{fault: "packets are not balanced on enp1s0: no room on enp1s0"},
		},
		"no program and nothing to balance": {
			config:     func(c *config.Config) { c.VirtualServers = nil },
			unattached: func(string) string { return "no room" },
		},
		"no real server answers": {
			known: func(k *known) {
				for _, n := range k.neighbors {
					n.resolved = false
				}
			},
			want: fitness{yield: "no real server"},
		},
		"one real server answers although its check fails": {
			known: func(k *known) {
				k.neighbors[neighborKey{"enp1s0", web0.Addr()}].resolved = false
				for _, c := range k.checks {
					c.up = false
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tutorialConfig()
			if test.config != nil {
				test.config(cfg)
			}
			k := allWell(cfg)
			k.results = make(map[trackKey]track.Result)
			if test.known != nil {
				test.known(k)
			}
			unattached := attached
			if test.unattached != nil {
				unattached = test.unattached
			}
			got := k.fitness(cfg.Instances[0], unattached)
			if got.weight != test.want.weight {
				t.Errorf("weight %d, want %d", got.weight, test.want.weight)
			}
			for what, text := range map[string][2]string{
				"reason": {got.reason, test.want.reason}, "fault": {got.fault, test.want.fault},
				"pending": {got.pending, test.want.pending}, "yield": {got.yield, test.want.yield},
			} {
				if (text[0] == "") != (text[1] == "") || !strings.Contains(text[0], text[1]) {
					t.Errorf("%s %q, want %q", what, text[0], text[1])
				}
			}
		})
	}
}

// The same is always said in the same words, or routers would be told of changes that are none.
func TestFitnessIsTheSameEachTime(t *testing.T) {
	cfg := tutorialConfig()
	i := &cfg.Instances[0]
	i.TrackScripts = []config.Track{{Name: "a", Weight: -1}, {Name: "b"}}
	i.TrackFiles, i.TrackProcesses = []config.Track{{Name: "c"}}, []config.Track{{Name: "d"}}
	k := allWell(cfg)
	first := k.fitness(*i, func(string) string { return "" })
	for range 50 {
		if got := k.fitness(*i, func(string) string { return "" }); got != first {
			t.Fatalf("now %+v, before %+v", got, first)
		}
	}
}

func TestARealServerThatIsThisHostAlwaysAnswers(t *testing.T) {
	cfg := tutorialConfig()
	k := allWell(cfg)
	places := allOn("enp1s0", cfg)
	places[0].reals[0] = place{local: true}
	k.settle(cfg, places)
	for _, n := range k.neighbors {
		n.resolved = false
	}
	if got := k.fitness(cfg.Instances[0], func(string) string { return "" }); got.yield != "" {
		t.Errorf("yields: %s", got.yield)
	}
}

func TestANodeWhoseRealServersAreNowhereYields(t *testing.T) {
	cfg := tutorialConfig()
	k := allWell(cfg)
	places := allOn("enp1s0", cfg)
	for i := range places[0].reals {
		places[0].reals[i] = place{doubt: "no route"}
	}
	k.settle(cfg, places)
	if got := k.fitness(cfg.Instances[0], func(string) string { return "" }); got.yield == "" {
		t.Error("it does not yield")
	}
}

func TestTheProgramTakesFramesForTheVirtualMACsOfItsInterface(t *testing.T) {
	cfg := tutorialConfig()
	other := cfg.Instances[0]
	cfg.Instances[0].VMAC = &config.VMAC{Name: "vrrp.110"}
	other.VirtualRouterID, other.Interface = 111, "enp2s0"
	other.VMAC = &config.VMAC{Name: "vrrp.111"}
	plain := cfg.Instances[0]
	plain.VirtualRouterID, plain.VMAC = 112, nil
	vlan := other
	vlan.VirtualRouterID, vlan.Interface = 113, "enp1s0.10" // its frames pass the program of enp1s0
	cfg.Instances = append(cfg.Instances, other, plain, vlan)
	k := allWell(cfg)
	got := k.virtualRouters(k.outlets["enp1s0"])
	want := dataplane.VirtualRouters{}.With(110, false).With(113, false)
	if got != want {
		t.Errorf("virtual routers %v, want %v", got, want)
	}
}

func TestAnInterfaceThatANetworkOfAVirtualMACLeadsToIsTheOneBelow(t *testing.T) {
	cfg := tutorialConfig()
	cfg.Instances[0].VMAC = &config.VMAC{Name: "vrrp.110"}
	cfg.Instances[0].Addresses[0].Prefix = prefixOf("192.168.100.221/32")
	around := surroundings{
		links: lanLinks(), route: func(addr netip.Addr) (string, error) { return "vrrp.110", nil },
	}
	places, err := placesOf(cfg, around)
	if err != nil {
		t.Fatal(err)
	}
	if got := places[0].reals[0].ifname; got != "enp1s0" {
		t.Errorf("the real server is behind %s, want enp1s0", got)
	}
}
