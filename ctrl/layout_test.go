package ctrl

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/schedule"
	"drover/dataplane"
)

// threeServers is a virtual server whose real servers have weights 1, 3 and 2; they get the ids 1, 2 and 3.
func threeServers(scheduler string) *config.Config {
	c := tutorialConfig()
	v := &c.VirtualServers[0]
	v.Scheduler = scheduler
	v.RealServers = append(v.RealServers, realServer("192.168.100.152:80"))
	v.RealServers[1].Weight, v.RealServers[2].Weight = 3, 2
	return c
}

func planned(t *testing.T, k *known) dataplane.Tables {
	t.Helper()
	return new(planner).plan(k, identify(t, k))
}

func TestEverySchedulerOfTheConfigurationIsPlanned(t *testing.T) {
	for scheduler, want := range map[string]struct {
		scheduler dataplane.Scheduler
		schedule  []dataplane.RealID
		weights   []uint16
	}{
		"rr":   {dataplane.ByTurns, scheduled(1, 2, 3), []uint16{1, 1, 1}},
		"wrr":  {dataplane.ByTurns, scheduled(2, 3, 1, 2, 3, 2), []uint16{1, 3, 2}},
		"lc":   {dataplane.LeastConnections, scheduled(1, 2, 3), []uint16{1, 1, 1}},
		"wlc":  {dataplane.LeastWeighted, scheduled(1, 2, 3), []uint16{1, 3, 2}},
		"sed":  {dataplane.LeastDelay, scheduled(1, 2, 3), []uint16{1, 3, 2}},
		"nq":   {dataplane.NeverQueue, scheduled(1, 2, 3), []uint16{1, 3, 2}},
		"fo":   {dataplane.First, scheduled(2, 3, 1), []uint16{1, 3, 2}},
		"ovf":  {dataplane.Overflow, scheduled(2, 3, 1), []uint16{1, 3, 2}},
		"twos": {dataplane.ByTwo, scheduled(2, 3, 1, 2, 3, 2), []uint16{1, 3, 2}},
	} {
		t.Run(scheduler, func(t *testing.T) {
			tables := planned(t, allWell(threeServers(scheduler)))
			got := tables.Services[web]
			if got.Scheduler != want.scheduler || !slices.Equal(got.Schedule, want.schedule) {
				t.Errorf("planned as %d with the schedule %v, want %d with %v", got.Scheduler, got.Schedule, want.scheduler, want.schedule)
			}
			for n, weight := range want.weights {
				if got := tables.Reals[n+1].Weight; got != weight {
					t.Errorf("real server %d has weight %d, want %d", n+1, got, weight)
				}
			}
		})
	}
}

// hashServers are the real servers of threeServers, as the hashed schedules know them.
func hashServers(weights ...int) []schedule.Server {
	var servers []schedule.Server
	for n, w := range weights {
		address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 168, 100, byte(150 + n)}), 80)
		servers = append(servers, schedule.Server{Key: address.String(), Weight: w})
	}
	return servers
}

func idsFrom(order []int) []dataplane.RealID {
	ids := scheduled()
	for _, i := range order {
		ids = append(ids, dataplane.RealID(i+1))
	}
	return ids
}

func TestHashedSchedulesAreThoseOfTheRealServersAsConfigured(t *testing.T) {
	down := func(k *known) { *checkOf(k, realKey{web, web0}) = verdict{told: true, reason: "status 500"} }
	size := schedule.MaglevSize(3)
	for name, test := range map[string]struct {
		scheduler string
		known     func(*known)
		want      []int
	}{
		"mh": {"mh", func(*known) {}, schedule.Maglev(hashServers(1, 3, 2), size)},
		"mh has others for one that is down": {
			"mh", down, schedule.MaglevWithout(hashServers(1, 3, 2), []bool{true, false, false}, size),
		},
		"sh":                               {"sh", func(*known) {}, schedule.SourceHash(hashServers(1, 3, 2))},
		"sh goes without one that is down": {"sh", down, schedule.SourceHash(hashServers(0, 3, 2))},
		"dh":                               {"dh", func(*known) {}, []int{schedule.Destination(hashServers(1, 1, 1), web.Address.Addr())}},
		"dh goes without one that is down": {"dh", down, []int{schedule.Destination(hashServers(0, 1, 1), web.Address.Addr())}},
	} {
		t.Run(name, func(t *testing.T) {
			k := allWell(threeServers(test.scheduler))
			test.known(k)
			got := planned(t, k).Services[web]
			if want := idsFrom(test.want); got.Scheduler != dataplane.ByHash || !slices.Equal(got.Schedule, want) {
				t.Errorf("planned as %d with %d entries that differ from the %d wanted", got.Scheduler, len(got.Schedule), len(want))
			}
		})
	}
}

func TestNoSchedulerHasAnyoneInItsScheduleWhenAllAreDown(t *testing.T) {
	for scheduler := range schedulers {
		k := allWell(threeServers(scheduler))
		for _, c := range k.checks {
			c.verdict = verdict{told: true}
		}
		if got := planned(t, k).Services[web].Schedule; len(got) != 0 {
			t.Errorf("%s: the schedule has %d entries", scheduler, len(got))
		}
	}
}

func TestFlagsPersistenceAndThresholdsArePlanned(t *testing.T) {
	c := threeServers("sh")
	v := &c.VirtualServers[0]
	v.HashPorts, v.Fallback, v.Protocol, v.OnePacket = true, true, config.UDP, true
	v.PersistenceTimeout, v.PersistencePrefix = 6*time.Minute, 24
	v.RealServers[1].UpperThreshold, v.RealServers[1].LowerThreshold = 100, 80
	tables := planned(t, allWell(c))
	got := tables.Services[dataplane.ServiceKey{Address: web.Address, Protocol: dataplane.ProtocolUDP}]
	got.Schedule = nil
	want := dataplane.Service{
		Gate: 1, Scheduler: dataplane.ByHash, HashPort: true, Fallback: true, OnePacket: true, Persistence: 6 * time.Minute,
		PersistencePrefix: 24,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("planned as\n%+v, want\n%+v", got, want)
	}
	if r := tables.Reals[2]; r.Upper != 100 || r.Lower != 80 {
		t.Errorf("the thresholds are %d and %d, want 100 and 80", r.Upper, r.Lower)
	}
}

func TestAGroupHasAServiceForEachMemberAndOneCheckForEachRealServer(t *testing.T) {
	c := tutorialConfig()
	v := &c.VirtualServers[0]
	second := netip.MustParseAddrPort("192.168.100.222:443")
	v.Group, v.Members, v.Address, v.Port = "webs", []netip.AddrPort{web.Address, second}, netip.Addr{}, 0
	k := allWell(c)
	if got := len(k.checks); got != 2 {
		t.Errorf("%d checks, want one for each of the two real servers", got)
	}
	*checkOf(k, realKey{web, web0}) = verdict{told: true, reason: "status 500"}
	tables := planned(t, k)
	for key, want := range map[dataplane.ServiceKey]dataplane.Service{
		web: {Gate: 1, Schedule: scheduled(2)},
		{Address: second, Protocol: dataplane.ProtocolTCP}: {Gate: dataplane.AlwaysOpen, Schedule: scheduled(4)},
	} {
		if got := tables.Services[key]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s is planned as\n%+v, want\n%+v", key, got, want)
		}
	}
	for id, state := range map[dataplane.RealID]dataplane.RealState{
		1: dataplane.RealDown, 2: dataplane.RealUp, 3: dataplane.RealDown, 4: dataplane.RealUp,
	} {
		if got := tables.Reals.Get(id).State; got != state {
			t.Errorf("real server %d is in state %d, want %d", id, got, state)
		}
	}
}

func TestARealServerOnThisHostMakesTheOthersPeers(t *testing.T) {
	c := threeServers("rr")
	places := allOn("enp1s0", c)
	places[0].reals[0], places[0].reals[2] = place{local: true}, place{ifname: "enp2s0"}
	k := newKnown()
	k.links = lanLinks()
	k.settle(c, places)
	beWell(&k)
	*k.neighbors[neighborKey{"enp2s0", netip.MustParseAddr("192.168.100.152")}] = neighbor{reason: "no answer to ARP yet"}
	tables := planned(t, &k)
	if got := tables.Services[web]; !got.HasLocal || !slices.Equal(got.Schedule, scheduled(1, 2)) {
		t.Errorf("the service is planned as %+v", got)
	}
	if got := tables.Reals[1]; got.Port != dataplane.PortLocal || got.MAC != (dataplane.MAC{}) || got.State != dataplane.RealUp {
		t.Errorf("the one on this host is planned as %+v", got)
	}
	want := map[dataplane.Peer]bool{{Service: web, MAC: macOf(web1.Addr())}: true}
	if !reflect.DeepEqual(tables.Peers, want) {
		t.Errorf("peers are %v, want %v: of the third no MAC is known", tables.Peers, want)
	}
}

func TestRealServersAreSentToByTheirOwnInterfaces(t *testing.T) {
	c := threeServers("rr")
	places := allOn("enp1s0.10", c)
	places[0].reals[1] = place{ifname: "enp2s0.10"}
	k := newKnown()
	k.links = lanLinks()
	k.settle(c, places)
	beWell(&k)
	tables := planned(t, &k)
	if len(tables.Ports) != 2 {
		t.Fatalf("ports are %v, want the two NICs", tables.Ports)
	}
	for id, index := range map[int]int{1: 2, 2: 3, 3: 2} {
		if got := tables.Ports[tables.Reals[id].Port]; got.Interface != index || got.MTU != 1500 {
			t.Errorf("real server %d is sent to by %+v, want the NIC with index %d", id, got, index)
		}
	}
}

func TestSharesAreCloseToTheWeightsWhateverTheyAre(t *testing.T) {
	for _, n := range []int{2, 50, 600} {
		var servers []schedule.Server
		total := 0
		for i := range n {
			servers = append(servers, schedule.Server{Weight: 1 + i*997%65535})
			total += servers[i].Weight
		}
		order := orderOf("wrr", servers, servers)
		if len(order) > dataplane.MaxSchedule {
			t.Fatalf("%d real servers make a schedule of %d entries", n, len(order))
		}
		counts := make([]int, n)
		for _, i := range order {
			counts[i]++
		}
		for i, count := range counts {
			want := float64(servers[i].Weight) / float64(total)
			if got := float64(count) / float64(len(order)); got-want > 0.002 || want-got > 0.002 {
				t.Errorf("%d real servers: number %d has a share of %.4f, want %.4f", n, i, got, want)
			}
		}
	}
}

// Virtual servers with the same real servers are planned with each other's schedules, which must not show.
func TestVirtualServersThatShareRealServersArePlannedAsEachAlone(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 2))
		cfg := &config.Config{}
		for n := range 6 {
			v := threeServers([]string{"mh", "sh", "wrr", "wlc", "dh", "fo"}[rng.IntN(6)]).VirtualServers[0]
			if v.Port = uint16(80 + n); rng.IntN(2) == 0 {
				v.RealServers[rng.IntN(3)].Weight = 5
			}
			if rng.IntN(3) == 0 {
				slices.Reverse(v.RealServers)
			}
			cfg.VirtualServers = append(cfg.VirtualServers, v)
		}
		k, p := allWell(cfg), new(planner)
		ids := identify(t, k)
		for step := range 12 {
			for _, pool := range k.roster.pools {
				m := &pool.members[rng.IntN(3)]
				switch rng.IntN(6) {
				case 0:
					m.neighbor.resolved = !m.neighbor.resolved // in all of them
				case 1:
					m.configured = rng.IntN(4)
				case 2:
					m.rating.step = rng.IntN(slowSteps)
				}
			}
			got := p.plan(k, ids)
			for n, pool := range k.roster.pools {
				alone, roster := *k, *k.roster
				alone.roster, roster.pools = &roster, slices.Clone(k.roster.pools[n:n+1])
				want := new(planner).plan(&alone, ids)
				for _, key := range pool.services {
					if !reflect.DeepEqual(got.Services[key], want.Services[key]) {
						t.Fatalf("seed %d, step %d: %s is planned as\n%+v, and alone\n%+v", seed, step, key, got.Services[key], want.Services[key])
					}
				}
				for _, id := range pool.ids {
					if got.Reals[id] != want.Reals[id] {
						t.Fatalf("seed %d, step %d: real server %d is planned as\n%+v, and alone\n%+v", seed, step, id, got.Reals[id], want.Reals[id])
					}
				}
			}
		}
	}
}
