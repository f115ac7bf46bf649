package ctrl

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/dataplane"
)

func TestSizesFollowTheConfiguration(t *testing.T) {
	six := tutorialConfig()
	six.VirtualServers[0].Address = netip.MustParseAddr("2001:db8::1")
	six.Drover.Flows = 50_000
	sized := tutorialConfig()
	sized.Drover.Flows = 50_000
	group := tutorialConfig()
	group.VirtualServers[0].Group, group.VirtualServers[0].Members = "all", make([]netip.AddrPort, 4096)
	group.VirtualServers[0].Members[0] = web.Address
	group.VirtualServers[0].RealServers = make([]config.RealServer, 10)
	hashes := tutorialConfig()
	hashes.VirtualServers[0] = group.VirtualServers[0]
	hashes.VirtualServers[0].Scheduler = "mh"
	for name, test := range map[string]struct {
		config *config.Config
		want   dataplane.Sizes
	}{
		"the tutorial's: as suits the memory, no IPv6": {tutorialConfig(), dataplane.Sizes{Flows6: 1, Reals: 16384, Schedules: 1 << 20}},
		"a number of flows":                            {sized, dataplane.Sizes{Flows: 50_000, Flows6: 1, Reals: 16384, Schedules: 1 << 20}},
		"IPv6: as many":                                {six, dataplane.Sizes{Flows: 50_000, Flows6: 50_000, Reals: 16384, Schedules: 1 << 20}},
		"a large group":                                {group, dataplane.Sizes{Flows6: 1, Reals: 2 * 4096 * 10, Schedules: 1 << 20}},
		"a hash table for each address of a large group": {hashes, dataplane.Sizes{
			Flows6: 1, Reals: 2 * 4096 * 10, Schedules: 2 * 4096 * (4093 + 16),
		}},
	} {
		if got := SizesFor(test.config); got != test.want {
			t.Errorf("%s: sizes are %+v, want %+v", name, got, test.want)
		}
	}
}

func TestTimeoutsFollowTheConfiguration(t *testing.T) {
	got := TimeoutsFor(&config.Config{LVSTimeouts: config.LVSTimeouts{TCP: time.Hour, TCPFin: time.Minute, UDP: time.Second}})
	if want := (dataplane.Timeouts{Established: time.Hour, Closing: time.Minute, UDP: time.Second}); got != want {
		t.Errorf("timeouts are %+v, want %+v", got, want)
	}
}

func TestWhatTheTablesCannotHoldIsRefused(t *testing.T) {
	with := func(scheduler string, reals int) *config.Config {
		c := tutorialConfig()
		c.VirtualServers[0].Position = config.Position{File: "keepalived.conf", Line: 7, Column: 1}
		c.VirtualServers[0].Scheduler, c.VirtualServers[0].RealServers = scheduler, make([]config.RealServer, reals)
		return c
	}
	instances := func(n int) *config.Config { return &config.Config{Instances: make([]config.Instance, n)} }
	groups := with("rr", 0)
	for range 9 {
		v := groups.VirtualServers[0]
		v.Group, v.Members = "all", make([]netip.AddrPort, 4096)
		groups.VirtualServers = append(groups.VirtualServers, v)
	}
	for name, test := range map[string]struct {
		config *config.Config
		want   string // nothing if it fits
	}{
		"the tutorial's":                  {tutorialConfig(), ""},
		"as many as wlc can search":       {with("wlc", dataplane.MaxSearched), ""},
		"one more":                        {with("wlc", dataplane.MaxSearched+1), "keepalived.conf:7:1: the virtual server has 1025 real servers, and lb_algo wlc can choose among 1024"},
		"as many as a schedule may have":  {with("rr", dataplane.MaxSchedule), ""},
		"one more of those":               {with("rr", dataplane.MaxSchedule+1), "lb_algo rr can choose among 8192"},
		"more services than there may be": {groups, "36865 virtual servers"},
		"as many instances as gates":      {instances(dataplane.MaxGates - 1), ""},
		"one more of them":                {instances(dataplane.MaxGates), "256 VRRP instances, of at most 255"},
	} {
		t.Run(name, func(t *testing.T) {
			err := fits(test.config)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
