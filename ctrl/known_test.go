package ctrl

import (
	"strings"
	"testing"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
)

func TestStandingSaysWhyARealServerGetsNoConnections(t *testing.T) {
	place, key := neighborKey{"enp1s0", web0.Addr()}, realKey{web, web0}
	lost := neighbor{mac: macOf(web0.Addr()), reason: "no answer to ARP for 3s"}
	for name, test := range map[string]struct {
		change func(*config.Config, *known)
		state  dataplane.RealState
		reason string
	}{
		"all well": {func(*config.Config, *known) {}, dataplane.RealUp, ""},
		"nobody was asked": {
			func(_ *config.Config, k *known) { *k.neighbors[place] = neighbor{} }, dataplane.RealAbsent, "its MAC address is not known yet",
		},
		"no answer yet": {
			func(_ *config.Config, k *known) { *k.neighbors[place] = neighbor{reason: "no answer to ARP yet"} },
			dataplane.RealAbsent, "no answer to ARP yet",
		},
		"check failed": {
			func(_ *config.Config, k *known) { *checkOf(k, key) = verdict{told: true, reason: "status 500"} }, dataplane.RealDown, "status 500",
		},
		"alpha and not checked yet": {
			func(_ *config.Config, k *known) {
				memberOf(k, key).checks[0].spec.times.Alpha = true
				*checkOf(k, key) = verdict{}
			},
			dataplane.RealDown, "its check has not passed yet",
		},
		"lost": {
			func(_ *config.Config, k *known) { *k.neighbors[place] = lost }, dataplane.RealDown, "no answer to ARP for 3s",
		},
		"the check's reason before the neighbor's, as it tells more": {
			func(_ *config.Config, k *known) {
				*k.neighbors[place], *checkOf(k, key) = lost, verdict{told: true, reason: "timeout"}
			},
			dataplane.RealDown, "timeout",
		},
		"up, and something is wrong with its neighbors": {
			func(_ *config.Config, k *known) {
				*k.neighbors[place] = neighbor{mac: macOf(web0.Addr()), resolved: true, reason: "two hosts answer"}
			},
			dataplane.RealUp, "two hosts answer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tutorialConfig()
			k := allWell(cfg)
			test.change(cfg, k)
			got := k.roster.pools[0].members[0].standing()
			if got.state != test.state || got.reason != test.reason {
				t.Errorf("state %d because %q, want %d because %q", got.state, got.reason, test.state, test.reason)
			}
		})
	}
}

func TestARealServerThatIsNowhereIsAbsentAndSaysWhy(t *testing.T) {
	cfg := tutorialConfig()
	k := newKnown()
	k.links = lanLinks()
	places := allOn("enp1s0", cfg)
	places[0].reals[0] = place{doubt: "no route"}
	k.settle(cfg, places)
	beWell(&k)
	if got, want := k.roster.pools[0].members[0].standing(), (standing{reason: "no route"}); got != want {
		t.Errorf("it stands at %+v, want %+v", got, want)
	}
	if got := k.roster.pools[0].members[1].standing(); got.state != dataplane.RealUp {
		t.Errorf("the other one stands at %+v", got)
	}
}

func TestARealServerOnThisHostNeedsOnlyItsCheck(t *testing.T) {
	cfg := tutorialConfig()
	k := newKnown()
	k.links = lanLinks()
	places := allOn("enp1s0", cfg)
	places[0].reals[0] = place{local: true}
	k.settle(cfg, places)
	m := &k.roster.pools[0].members[0]
	if got, want := m.standing(), (standing{position: position{dataplane.RealUp, dataplane.MAC{}, dataplane.PortLocal}}); got != want {
		t.Errorf("unchecked it stands at %+v, want %+v", got, want)
	}
	m.checks[0].verdict = verdict{told: true, reason: "status 500"}
	if got := m.standing(); got.state != dataplane.RealDown || got.port != dataplane.PortLocal || got.reason != "status 500" {
		t.Errorf("its check has failed, and it stands at %+v", got)
	}
}

func TestARealServerBehindAnInterfaceThatCannotBeServedIsAbsent(t *testing.T) {
	k := allWell(tutorialConfig())
	bond := k.links["enp2s0"]
	bond.Name, bond.Index, bond.Kind = "bond0", 9, "bond"
	k.links["bond0"] = bond
	slave := k.links["enp1s0"]
	slave.Master = bond.Index
	k.links["enp1s0"] = slave
	if !k.findOutlets() || k.findOutlets() {
		t.Error("the change is not told, or told twice")
	}
	got := k.roster.pools[0].members[0].standing()
	if got.position != (position{}) || !strings.Contains(got.reason, "use bond0") {
		t.Errorf("it stands at %+v, want it absent and the bond named", got)
	}
}

func TestAResolverThatKnowsNothingYetDoesNotUnlearnAMAC(t *testing.T) {
	k := newKnown()
	cfg := tutorialConfig()
	k.settle(cfg, allOn("enp1s0", cfg))
	old, other := macOf(web0.Addr()), macOf(web1.Addr())
	for _, step := range []struct {
		heard netif.Neighbor
		mac   dataplane.MAC
	}{
		{netif.Neighbor{Address: web0.Addr(), Reason: "no answer to ARP yet"}, dataplane.MAC{}},
		{netif.Neighbor{Address: web0.Addr(), MAC: old[:], Resolved: true}, old},
		{netif.Neighbor{Address: web0.Addr(), Reason: "no answer to ARP yet"}, old},
		{netif.Neighbor{Address: web0.Addr(), MAC: other[:], Resolved: true}, other},
	} {
		k.hear("enp1s0", step.heard)
		got := *k.neighbors[neighborKey{"enp1s0", web0.Addr()}]
		if want := (neighbor{step.mac, step.heard.Resolved, step.heard.Reason}); got != want {
			t.Errorf("heard %+v: known is %+v, want %+v", step.heard, got, want)
		}
	}
	k.hear("enp2s0", netif.Neighbor{Address: web0.Addr(), MAC: old[:], Resolved: true})
	if _, elsewhere := k.neighbors[neighborKey{"enp2s0", web0.Addr()}]; elsewhere {
		t.Error("it is known on an interface where nobody needs it")
	}
}

func TestAResolverIsToldOnlyOfRealServersThatAnswer(t *testing.T) {
	cfg := tutorialConfig()
	cfg.VirtualServers[0].RealServers = append(cfg.VirtualServers[0].RealServers, realServer("192.168.100.152:80"))
	places := allOn("enp1s0", cfg)
	places[0].reals[2] = place{ifname: "enp2s0"}
	k := newKnown()
	k.settle(cfg, places)
	beWell(&k)
	lost := macOf(web1.Addr())
	k.hear("enp1s0", netif.Neighbor{Address: web1.Addr(), MAC: lost[:], Reason: "no answer to ARP for 3s"})
	got := k.macsOn("enp1s0")
	if len(got) != 1 || got[web0.Addr()].String() != macOf(web0.Addr()).String() {
		t.Errorf("told of %v, want only %s: one is lost, one is elsewhere", got, web0.Addr())
	}
}

func TestAReloadKeepsWhatIsKnownOfTheRealServersThatStay(t *testing.T) {
	k := allWell(tutorialConfig())
	cfg := tutorialConfig()
	cfg.VirtualServers[0].RealServers[1] = realServer("192.168.100.152:80")
	k.settle(cfg, allOn("enp1s0", cfg))
	members := k.roster.pools[0].members
	if got := members[0].standing(); got.state != dataplane.RealUp {
		t.Errorf("the one that stays stands at %+v, want up", got)
	}
	if got := members[1].standing(); got.state != dataplane.RealAbsent {
		t.Errorf("the new one stands at %+v, want absent", got)
	}
	if len(k.neighbors) != 2 || len(k.checks) != 2 {
		t.Errorf("%d neighbors and %d checks are known, want those of two real servers", len(k.neighbors), len(k.checks))
	}
}

func TestRecallSaysWhyARealServerIsDown(t *testing.T) {
	cfg := tutorialConfig()
	cfg.VirtualServers[0].RealServers[1].Checks = nil
	held := tutorialTables()
	real(&held, 1, func(r *dataplane.Real) { r.State = dataplane.RealDown })
	real(&held, 2, func(r *dataplane.Real) { r.State = dataplane.RealDown })
	k := newKnown()
	k.links = lanLinks()
	k.settle(cfg, allOn("enp1s0", cfg))
	k.recall(held)
	for i, want := range []string{"it was down before this daemon started", "it did not answer before this daemon started"} {
		if got := k.roster.pools[0].members[i].standing(); got.state != dataplane.RealDown || got.reason != want {
			t.Errorf("real server %d is in state %d because %q, want down because %q", i+1, got.state, got.reason, want)
		}
	}
	if len(k.checks) != 1 {
		t.Errorf("%d checks are known, want that of the one that has one", len(k.checks))
	}
}

func TestHolderIsTheInstanceOfAnAddressAdvertisedOrExcluded(t *testing.T) {
	cfg := tutorialConfig()
	excluded := config.VirtualAddress{Prefix: prefixOf("192.168.100.222/24")}
	cfg.Instances[0].ExcludedAddresses = []config.VirtualAddress{excluded}
	for address, want := range map[string]bool{
		"192.168.100.221/32": true, "192.168.100.222/32": true, "192.168.100.223/32": false,
	} {
		key, held := holders(cfg)[prefixOf(address).Addr()]
		if held != want || held && key != (routerKey{"enp1s0", 110, false}) {
			t.Errorf("holder of %s is %v, %v, want it held: %v", address, key, held, want)
		}
	}
	if len(cfg.Instances[0].Addresses) != 1 {
		t.Error("asking changed the configuration")
	}
}

func TestARealServerThatAnswersAgainIsBack(t *testing.T) {
	answers := func(resolved bool) netif.Neighbor {
		mac := macOf(web0.Addr())
		return netif.Neighbor{Address: web0.Addr(), MAC: mac[:], Resolved: resolved}
	}
	k := allWell(tutorialConfig())
	for n, step := range []struct {
		heard netif.Neighbor
		back  bool
	}{
		{answers(true), false}, {answers(false), false}, {answers(false), false}, {answers(true), true}, {answers(true), false},
	} {
		back := k.returns("enp1s0", step.heard)
		if k.hear("enp1s0", step.heard); back != step.back {
			t.Errorf("step %d: it is back: %v, want %v", n, back, step.back)
		}
	}
	*k.neighbors[neighborKey{"enp1s0", web0.Addr()}] = neighbor{}
	if k.returns("enp1s0", answers(true)) {
		t.Error("one that was never heard before is back")
	}
	if k.returns("enp2s0", answers(true)) {
		t.Error("one that nobody needs there is back")
	}
}
