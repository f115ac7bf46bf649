package ctrl

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/dataplane"
)

func TestAMemberPassesWhenAllItsChecksDo(t *testing.T) {
	cfg := tutorialConfig()
	r := &cfg.VirtualServers[0].RealServers[0]
	r.Checks = append(r.Checks, httpCheck(netip.MustParseAddrPort("192.168.100.150:8080")))
	k := allWell(cfg)
	m := memberOf(k, realKey{web, web0})
	if at := m.standing(); at.state != dataplane.RealUp || at.reason != "" {
		t.Errorf("with both passed it stands at %+v", at)
	}
	m.checks[1].verdict = ended
	if at := m.standing(); at.state != dataplane.RealDown || at.reason != "HTTP_GET: status 500" {
		t.Errorf("with one failed it stands at %+v", at)
	}
	m.checks[0].verdict = verdict{told: true, reason: "refused"}
	if at := m.standing(); at.reason != "HTTP_GET: refused; HTTP_GET: status 500" {
		t.Errorf("with both failed the reason is %q", at.reason)
	}
}

func TestACheckThatIsChangedGoesOnFromWhatIsKnownOfItsRealServer(t *testing.T) {
	for name, test := range map[string]struct {
		was    verdict
		change func(*config.RealServer)
		want   []verdict
	}{
		"down, another retry": {ended, func(r *config.RealServer) { r.Checks[0].Retry = 7 }, []verdict{ended}},
		"up, another retry":   {passed, func(r *config.RealServer) { r.Checks[0].Retry = 7 }, []verdict{passed}},
		"not known yet":       {verdict{}, func(r *config.RealServer) { r.Checks[0].Retry = 7 }, []verdict{{}}},
		"a second one beside one that passes": {passed, func(r *config.RealServer) {
			r.Checks = append(r.Checks, httpCheck(netip.MustParseAddrPort("192.168.100.150:8080")))
		}, []verdict{passed, passed}},
		"the failed one is replaced by one at another port": {ended, func(r *config.RealServer) {
			r.Checks[0] = httpCheck(netip.MustParseAddrPort("192.168.100.150:8080"))
		}, []verdict{ended}},
		"another address is another real server": {ended, func(r *config.RealServer) {
			*r = realServer("192.168.100.152:80")
		}, []verdict{{}}},
	} {
		t.Run(name, func(t *testing.T) {
			k := allWell(tutorialConfig())
			*checkOf(k, realKey{web, web0}) = test.was
			cfg := tutorialConfig()
			test.change(&cfg.VirtualServers[0].RealServers[0])
			k.settle(cfg, allOn("enp1s0", cfg))
			var got []verdict
			for _, a := range k.roster.pools[0].members[0].checks {
				got = append(got, a.verdict)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("known is %+v, want %+v", got, test.want)
			}
		})
	}
}

// throughVIP is the tutorial's, with checks that go through the VIP.
func throughVIP() *known {
	cfg := tutorialConfig()
	for i := range cfg.VirtualServers[0].RealServers {
		cfg.VirtualServers[0].RealServers[i].Checks[0].Path = config.PathVIP
	}
	return allWell(cfg)
}

func TestWhatIsSaidOfACheckThatFailsThroughTheVIP(t *testing.T) {
	lost := health.Diagnose(health.Passed, health.Silent, web.Address, false)
	for name, test := range map[string]struct {
		insight  insight
		reason   string
		findings int
	}{
		"nothing more is known yet": {insight{}, "no answer for 1s", 0},
		"it answers at its own":     {insight{at: noon, diagnosis: lost}, "address ok, VIP fails: no answer for 1s; " + lost.String(), 1},
		"it is down altogether":     {insight{at: noon, reason: "refused"}, "VIP fails: no answer for 1s; address fails: refused", 0},
	} {
		t.Run(name, func(t *testing.T) {
			k := throughVIP()
			*checkOf(k, realKey{web, web0}) = verdict{told: true, reason: "no answer for 1s", insight: &test.insight}
			at := memberOf(k, realKey{web, web0}).standing()
			if at.reason != test.reason || at.state != dataplane.RealDown {
				t.Errorf("it stands at %+v, want it down because %q", at, test.reason)
			}
			found := k.findings()
			if len(found) != test.findings {
				t.Fatalf("findings %+v, want %d", found, test.findings)
			}
			if test.findings > 0 && (found[0].Kind != "vip-fails" || found[0].Severity != api.SeverityError || found[0].Cure != lost.Cure ||
				found[0].Subject != "192.168.100.150:80 through 192.168.100.221") {
				t.Errorf("found %+v", found[0])
			}
		})
	}
}

func TestAFailureThroughTheVIPWithoutADiagnosisIsFoundWithACure(t *testing.T) {
	k := throughVIP()
	*checkOf(k, realKey{web, web0}) = verdict{told: true, reason: "no answer for 1s", insight: &insight{at: noon}}
	found := k.findings()
	mustBeWhole(t, found)
	if len(found) != 1 || !strings.Contains(found[0].Cure, "ip addr add 192.168.100.221/32 dev lo") {
		t.Errorf("found %+v", found)
	}
}

func TestWhatIsSaidOfAFailureThroughTheVIPThatDoesNotCount(t *testing.T) {
	cfg := tutorialConfig()
	for i := range cfg.VirtualServers[0].RealServers {
		cfg.VirtualServers[0].RealServers[i].Checks[0].Path = config.PathAuto
	}
	k := allWell(cfg)
	lost := health.Diagnose(health.Passed, health.Silent, web.Address, false)
	seen := sight{ruling: doubted, through: "no answer for 1s", insight: insight{at: noon, diagnosis: lost}}
	for _, r := range []realKey{{web, web0}, {web, web1}} {
		memberOf(k, r).checks[0].sight = seen
	}
	if at := memberOf(k, realKey{web, web0}).standing(); at.state != dataplane.RealUp || !strings.Contains(at.reason, "VIP fails: no answer for 1s; it may be this host") {
		t.Errorf("it stands at %+v", at)
	}
	found := k.findings()
	if len(found) != 1 || found[0].Kind != "vip-unproven" || found[0].Severity != api.SeverityWarning || found[0].Subject != "192.168.100.221:80 by enp1s0" ||
		found[0].Evidence != "HTTP_GET: 192.168.100.150: address ok, VIP fails: no answer for 1s, 192.168.100.151: address ok, VIP fails: no answer for 1s; "+
			"none has passed through it yet" || !strings.Contains(found[0].Cure, lost.Cure) {
		t.Errorf("found %+v", found)
	}

	held := memberOf(k, realKey{web, web0}).checks[0]
	held.verdict = verdict{told: true, reason: "no answer for 1s"}
	held.sight.ruling = fails
	if at := memberOf(k, realKey{web, web0}).standing(); at.state != dataplane.RealDown || at.reason != "address ok, VIP fails: no answer for 1s; "+lost.String() {
		t.Errorf("since another one has passed it stands at %+v", at)
	}
	k.settle(cfg, allOn("enp1s0", cfg))
	if again := memberOf(k, realKey{web, web0}).checks[0]; again.sight != held.sight {
		t.Errorf("after a reload it is seen %+v", again.sight)
	}
}

func TestAWeightIsWhatTheChecksMakeOfIt(t *testing.T) {
	cfg := tutorialConfig()
	r := &cfg.VirtualServers[0].RealServers[0]
	r.Weight = 10
	r.Checks = []config.Check{
		{Question: &config.MiscCheck{Command: []string{"/bin/one"}, Dynamic: true}}, {Question: &config.FileCheck{File: "load", Weight: 1}},
	}
	k := allWell(cfg)
	m := memberOf(k, realKey{web, web0})
	for name, test := range map[string]struct {
		misc, file health.Weight
		want       int
	}{
		"as configured":    {health.Weight{}, health.Weight{}, 10},
		"set":              {health.Weight{Way: health.SetWeight, Value: 3}, health.Weight{}, 3},
		"set and added to": {health.Weight{Way: health.SetWeight, Value: 3}, health.Weight{Way: health.AddWeight, Value: 4}, 7},
		"never below 0":    {health.Weight{}, health.Weight{Way: health.AddWeight, Value: -40}, 0},
		"never above most": {health.Weight{}, health.Weight{Way: health.AddWeight, Value: 1 << 20}, health.MostWeight},
	} {
		m.checks[0].weight, m.checks[1].weight = test.misc, test.file
		if got := m.weight(); got != test.want {
			t.Errorf("%s: weight %d, want %d", name, got, test.want)
		}
	}
}
