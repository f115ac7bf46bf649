package ctrl

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"drover/ctrl/config"
)

var (
	sorry    = netip.MustParseAddrPort("192.168.100.159:80")
	sorryKey = realKey{web, sorry}
)

// The rule of keepalived's update_quorum_state, by its own terms.
func TestQuorumIsGainedAboveHysteresisAndLostBelow(t *testing.T) {
	for name, test := range map[string]struct {
		quorum, hysteresis int
		had                bool
		weight             int
		want               bool
	}{
		"the default is gained with any weight":       {1, 0, false, 1, true},
		"the default is lost with none":               {1, 0, true, 0, false},
		"the default is kept with any":                {1, 0, true, 1, true},
		"none is not enough to gain it":               {1, 0, false, 0, false},
		"one short of gaining it":                     {5, 2, false, 6, false},
		"enough to gain it":                           {5, 2, false, 7, true},
		"between, with it":                            {5, 2, true, 4, true},
		"between, without it":                         {5, 2, false, 4, false},
		"the least that keeps it":                     {5, 2, true, 3, true},
		"one short of keeping it":                     {5, 2, true, 2, false},
		"nothing keeps nothing, however wide the gap": {1, 3, true, 0, false},
		"a weight of one with a wide gap":             {1, 3, true, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			v := &config.VirtualServer{Quorum: test.quorum, Hysteresis: test.hysteresis}
			if got := hasQuorum(v, test.had, test.weight); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

// told assesses and writes the news as FIFOs get them.
func told(k *known, now time.Time) []string {
	news, _ := k.assess(now)
	return lines(news)
}

func lines(all []serverNews) []string {
	list := []string{}
	for _, n := range all {
		e := n.event()
		list = append(list, strings.NewReplacer("[192.168.100.", "", "]:tcp:80", "").Replace(fmt.Sprint(e.Subject.Kind, " ", e.Subject.Name, " ", e.State)))
	}
	return list
}

// ended is a check that has failed, passed one that has not.
var (
	passed = verdict{told: true, up: true}
	ended  = verdict{told: true, reason: "status 500"}
)

func TestNewsOfServersAreThoseOfKeepalived(t *testing.T) {
	set := func(k *known, at netip.AddrPort, to verdict) { *checkOf(k, realKey{web, at}) = to }
	for name, test := range map[string]struct {
		config func(*config.VirtualServer)
		begin  func(*known)
		first  []string
		change func(*known)
		then   []string
	}{
		"one goes down, and comes back silently to nobody": {
			first: []string{"VS 221 UP"}, change: func(k *known) { set(k, web0, ended) }, then: []string{"RS 150 221 DOWN"},
		},
		"both go down: then the quorum is lost": {
			first: []string{"VS 221 UP"}, change: func(k *known) { set(k, web0, ended); set(k, web1, ended) },
			then: []string{"RS 150 221 DOWN", "RS 151 221 DOWN", "VS 221 DOWN"},
		},
		"one is down from the beginning and comes up": {
			begin: func(k *known) { set(k, web0, ended) }, first: []string{"RS 150 221 DOWN", "VS 221 UP"},
			change: func(k *known) { set(k, web0, passed) }, then: []string{"RS 150 221 UP"},
		},
		"with alpha the first verdict is told, if it is that it is up": {
			config: func(v *config.VirtualServer) { v.RealServers[0].Checks[0].Alpha = true },
			begin:  func(k *known) { set(k, web0, verdict{}) }, first: []string{"VS 221 UP"},
			change: func(k *known) { set(k, web0, passed) }, then: []string{"RS 150 221 UP"},
		},
		"and if it is that it is down": {
			config: func(v *config.VirtualServer) { v.RealServers[0].Checks[0].Alpha = true },
			begin:  func(k *known) { set(k, web0, verdict{}) }, first: []string{"VS 221 UP"},
			change: func(k *known) { set(k, web0, ended) }, then: []string{"RS 150 221 DOWN"},
		},
		"a quorum of two is lost with one": {
			config: func(v *config.VirtualServer) { v.Quorum = 2 }, first: []string{"VS 221 UP"},
			change: func(k *known) { set(k, web0, ended) }, then: []string{"RS 150 221 DOWN", "VS 221 DOWN"},
		},
		"no quorum from the beginning is no news": {
			config: func(v *config.VirtualServer) { v.Quorum = 3 }, first: []string{}, change: func(*known) {}, then: []string{},
		},
		"but with a sorry server it is": {
			config: func(v *config.VirtualServer) { v.Quorum, v.SorryServer = 3, sorry }, first: []string{"VS 221 DOWN"},
			change: func(*known) {}, then: []string{},
		},
		"one that does not answer ARP is down, too": {
			first: []string{"VS 221 UP"},
			change: func(k *known) {
				k.neighbors[neighborKey{"enp1s0", web0.Addr()}].resolved = false
			},
			then: []string{"RS 150 221 DOWN"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tutorialConfig()
			if test.config != nil {
				test.config(&cfg.VirtualServers[0])
			}
			k := allWell(cfg)
			if test.begin != nil {
				test.begin(k)
			}
			if got := told(k, noon); !slices.Equal(got, test.first) {
				t.Errorf("at first %q, want %q", got, test.first)
			}
			test.change(k)
			if got := told(k, noon); !slices.Equal(got, test.then) {
				t.Errorf("then %q, want %q", got, test.then)
			}
			if got := told(k, noon); len(got) > 0 {
				t.Errorf("and again %q", got)
			}
		})
	}
}

func TestRsInitNotifiesTellsOfThoseThatAreUpFromTheBeginning(t *testing.T) {
	cfg := tutorialConfig()
	cfg.RsInitNotifies = true
	k := allWell(cfg)
	*checkOf(k, realKey{web, web1}) = ended
	if got, want := told(k, noon), []string{"RS 150 221 UP", "RS 151 221 DOWN", "VS 221 UP"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// At the start nobody has answered ARP yet. That must not look like the loss of the quorum.
func TestOneThatWasOnlyJustAskedWhereItIsCountsForTheQuorum(t *testing.T) {
	cfg := tutorialConfig()
	k := newKnown()
	k.links = lanLinks()
	k.settle(cfg, allOn("enp1s0", cfg))
	for _, n := range k.neighbors {
		n.reason = "no answer to ARP yet"
	}
	all, pending := k.assess(noon)
	if got, want := lines(all), []string{"VS 221 UP"}; !slices.Equal(got, want) || !pending {
		t.Errorf("%q, waiting %v, want %q and waiting", got, pending, want)
	}
	all, pending = k.assess(noon.Add(resolveTime))
	if got, want := lines(all), []string{"RS 150 221 DOWN", "RS 151 221 DOWN", "VS 221 DOWN"}; !slices.Equal(got, want) || pending {
		t.Errorf("later %q, waiting %v, want %q and no more", got, pending, want)
	}
}

func TestAReloadTellsOfWhatIsNoMoreThere(t *testing.T) {
	second := func(c *config.Config) {
		v := tutorialConfig().VirtualServers[0]
		v.Address = netip.MustParseAddr("192.168.100.222")
		c.VirtualServers = append(c.VirtualServers, v)
	}
	for name, test := range map[string]struct {
		change func(*config.Config)
		want   []string
	}{
		"nothing changed":  {func(*config.Config) {}, []string{}},
		"a real server":    {func(c *config.Config) { v := &c.VirtualServers[0]; v.RealServers = v.RealServers[1:] }, []string{"RS 150 221 DOWN"}},
		"a virtual server": {func(c *config.Config) { c.VirtualServers = c.VirtualServers[:1] }, []string{"RS 150 222 DOWN", "RS 151 222 DOWN", "VS 222 DOWN"}},
		"another order": {func(c *config.Config) {
			slices.Reverse(c.VirtualServers)
			slices.Reverse(c.VirtualServers[0].RealServers)
		}, []string{}},
		"it becomes a sorry server": {func(c *config.Config) {
			v := &c.VirtualServers[0]
			v.RealServers, v.SorryServer = v.RealServers[1:], web0
		}, []string{"RS 150 221 DOWN"}},
		"a check and a weight":       {func(c *config.Config) { r := &c.VirtualServers[0].RealServers[0]; r.Weight, r.Checks[0].Retry = 7, 7 }, []string{}},
		"a real server by its port":  {func(c *config.Config) { c.VirtualServers[0].RealServers[0].Port = 81 }, []string{"RS 150 221 DOWN"}},
		"one that is down, silently": {func(c *config.Config) { v := &c.VirtualServers[1]; v.RealServers = v.RealServers[:1] }, []string{"RS 151 222 DOWN"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := tutorialConfig(), tutorialConfig()
			second(before)
			second(after)
			k := allWell(before)
			k.assess(noon)
			test.change(after)
			if got := lines(k.settle(after, allOn("enp1s0", after))); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
			beWell(k)
			if got := told(k, noon); strings.Contains(strings.Join(got, " "), "VS") {
				t.Errorf("the quorum is told of again: %q", got)
			}
		})
	}
}

func TestOmegaSaysFarewell(t *testing.T) {
	cfg := tutorialConfig()
	k := allWell(cfg)
	*checkOf(k, realKey{web, web1}) = ended
	k.assess(noon)
	if got := k.roster.farewell(); len(got) > 0 {
		t.Errorf("without omega %q", lines(got))
	}
	cfg.VirtualServers[0].Omega = true
	if got, want := lines(k.roster.farewell()), []string{"RS 150 221 DOWN", "VS 221 DOWN"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestServersAreNamedAsKeepalivedNamesThem(t *testing.T) {
	cfg := tutorialConfig()
	v6 := config.VirtualServer{
		Address: netip.MustParseAddr("2001:db8::1"), Port: 53, Protocol: config.UDP, Scheduler: "rr",
		RealServers: []config.RealServer{{Address: netip.MustParseAddr("2001:db8::150"), Port: 53}},
	}
	group := config.VirtualServer{Group: "webs", Members: []netip.AddrPort{web.Address}, Scheduler: "rr", RealServers: v6.RealServers}
	datagrams := group
	datagrams.Protocol = config.UDP
	cfg.VirtualServers = append(cfg.VirtualServers, v6, group, datagrams)
	k := allWell(cfg)
	for i, want := range []string{"[192.168.100.221]:tcp:80", "[2001:db8::1]:udp:53", "[webs]:0", "[webs]:1"} {
		if got := k.roster.pools[i].key.subject(netip.AddrPort{}).Name; got != want {
			t.Errorf("virtual server %q, want %q", got, want)
		}
	}
	p := k.roster.pools[3]
	if got, want := p.key.subject(p.members[0].address).Name, "[2001:db8::150]:udp:53 [webs]:1"; got != want {
		t.Errorf("real server %q, want %q", got, want)
	}
}
