package ctrl

import (
	"net"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
)

func TestStandingSaysWhyARealServerGetsNoConnections(t *testing.T) {
	place, key := neighborKey{"enp1s0", web0.Addr()}, realKey{web, web0}
	lost := netif.Neighbor{MAC: macOf(web0.Addr()), Reason: "no answer to ARP for 3s"}
	for name, test := range map[string]struct {
		change func(*config.Config, *known)
		state  dataplane.RealState
		reason string
	}{
		"all well": {func(*config.Config, *known) {}, dataplane.RealUp, ""},
		"nobody was asked": {
			func(_ *config.Config, k *known) { delete(k.neighbors, place) }, dataplane.RealAbsent, "its MAC address is not known yet",
		},
		"no answer yet": {
			func(_ *config.Config, k *known) { k.neighbors[place] = netif.Neighbor{Reason: "no answer to ARP yet"} },
			dataplane.RealAbsent, "no answer to ARP yet",
		},
		"check failed": {
			func(_ *config.Config, k *known) { k.checks[key] = check{reason: "status 500"} }, dataplane.RealDown, "status 500",
		},
		"alpha and not checked yet": {
			func(c *config.Config, k *known) {
				c.VirtualServers[0].RealServers[0].Check.Alpha = true
				delete(k.checks, key)
			},
			dataplane.RealDown, "its check has not passed yet",
		},
		"lost": {
			func(_ *config.Config, k *known) { k.neighbors[place] = lost }, dataplane.RealDown, "no answer to ARP for 3s",
		},
		"the check's reason before the neighbor's, as it tells more": {
			func(_ *config.Config, k *known) { k.neighbors[place], k.checks[key] = lost, check{reason: "timeout"} },
			dataplane.RealDown, "timeout",
		},
		"up, and something is wrong with its neighbors": {
			func(_ *config.Config, k *known) {
				k.neighbors[place] = netif.Neighbor{MAC: macOf(web0.Addr()), Resolved: true, Reason: "two hosts answer"}
			},
			dataplane.RealUp, "two hosts answer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tutorialConfig()
			k := allWell(cfg)
			test.change(cfg, k)
			got := k.standing(cfg.VirtualServers[0], cfg.VirtualServers[0].RealServers[0])
			if got.state != test.state || got.reason != test.reason {
				t.Errorf("state %d because %q, want %d because %q", got.state, got.reason, test.state, test.reason)
			}
		})
	}
}

func TestStandingTellsOfARealServerThatClaimsTheVIP(t *testing.T) {
	cfg := tutorialConfig()
	k := allWell(cfg)
	k.claims.hear(time.Time{}, claim{web.Address.Addr(), macOf(web0.Addr()).String()})
	servers := cfg.VirtualServers[0]
	if got := k.standing(servers, servers.RealServers[0]); got.state != dataplane.RealUp || got.reason == "" {
		t.Errorf("the one that claims it: state %d because %q, want up with a remedy", got.state, got.reason)
	}
	if got := k.standing(servers, servers.RealServers[1]); got.reason != "" {
		t.Errorf("the other one: %q, want nothing", got.reason)
	}
}

func TestAResolverThatKnowsNothingYetDoesNotUnlearnAMAC(t *testing.T) {
	k := newKnown()
	old, other := macOf(web0.Addr()), macOf(web1.Addr())
	for _, step := range []struct {
		heard netif.Neighbor
		mac   net.HardwareAddr
	}{
		{netif.Neighbor{Address: web0.Addr(), Reason: "no answer to ARP yet"}, nil},
		{netif.Neighbor{Address: web0.Addr(), MAC: old, Resolved: true}, old},
		{netif.Neighbor{Address: web0.Addr(), Reason: "no answer to ARP yet"}, old},
		{netif.Neighbor{Address: web0.Addr(), MAC: other, Resolved: true}, other},
	} {
		k.hear("enp1s0", step.heard)
		got := k.neighbors[neighborKey{"enp1s0", web0.Addr()}]
		if got.MAC.String() != step.mac.String() || got.Resolved != step.heard.Resolved || got.Reason != step.heard.Reason {
			t.Errorf("heard %+v: known is %+v, want the MAC %s", step.heard, got, step.mac)
		}
	}
	if _, elsewhere := k.neighbors[neighborKey{"enp2s0", web0.Addr()}]; elsewhere {
		t.Error("it is known on an interface where it was not heard")
	}
}

func TestAResolverIsToldOnlyOfRealServersThatAnswer(t *testing.T) {
	k := allWell(tutorialConfig())
	k.hear("enp1s0", netif.Neighbor{Address: web1.Addr(), MAC: macOf(web1.Addr()), Reason: "no answer to ARP for 3s"})
	k.hear("enp2s0", netif.Neighbor{Address: web.Address.Addr(), MAC: macOf(web.Address.Addr()), Resolved: true})
	got := k.macsOn("enp1s0")
	if len(got) != 1 || got[web0.Addr()].String() != macOf(web0.Addr()).String() {
		t.Errorf("told of %v, want only %s: one is lost, one is elsewhere", got, web0.Addr())
	}
}

func TestRecallSaysWhyARealServerIsDown(t *testing.T) {
	cfg := tutorialConfig()
	cfg.VirtualServers[0].RealServers[1].Check = nil
	held := tutorialTables()
	real(&held, 1, func(r *dataplane.Real) { r.State = dataplane.RealDown })
	real(&held, 2, func(r *dataplane.Real) { r.State = dataplane.RealDown })
	k := allWell(cfg)
	places := k.places
	*k = newKnown()
	k.config, k.places = cfg, places
	k.recall(cfg, places, held)
	for i, want := range []string{"it was down before this daemon started", "it did not answer ARP before this daemon started"} {
		if got := k.standing(cfg.VirtualServers[0], cfg.VirtualServers[0].RealServers[i]); got.reason != want {
			t.Errorf("real server %d is down because %q, want %q", i+1, got.reason, want)
		}
	}
	if _, has := k.checks[realKey{web, web1}]; has {
		t.Error("a real server without a check has a verdict")
	}
}

func TestHolderIsTheInstanceOfAnAddressAdvertisedOrExcluded(t *testing.T) {
	cfg := tutorialConfig()
	excluded := config.VirtualAddress{Prefix: prefixOf("192.168.100.222/24")}
	cfg.Instances[0].ExcludedAddresses = []config.VirtualAddress{excluded}
	for address, want := range map[string]bool{
		"192.168.100.221/32": true, "192.168.100.222/32": true, "192.168.100.223/32": false,
	} {
		key, held := holder(cfg, prefixOf(address).Addr())
		if held != want || held && key != (routerKey{"enp1s0", 110}) {
			t.Errorf("holder of %s is %v, %v, want it held: %v", address, key, held, want)
		}
	}
	if len(cfg.Instances[0].Addresses) != 1 {
		t.Error("asking changed the configuration")
	}
}
