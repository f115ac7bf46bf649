package ctrl

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/vrrp"
	"drover/dataplane"
)

// observed is a controller that only knows something, with a candidate per instance in the given state.
func observed(k *known, state vrrp.State) *Controller {
	c := New(Options{Log: slog.New(slog.DiscardHandler)})
	c.known = *k
	for _, i := range k.config.Instances {
		r := newCandidate(1, i, nil)
		r.snapshot = routerStatus{
			state: state, since: noon, reason: "no master heard", priority: 11, sent: 3, received: 4,
			dropped: map[vrrp.DropReason]uint64{vrrp.DropTTL: 2},
		}
		c.candidates[keyOfInstance(i)] = r
	}
	return c
}

func TestStatusOfInstances(t *testing.T) {
	cfg := tutorialConfig()
	i := &cfg.Instances[0]
	i.ExcludedAddresses = []config.VirtualAddress{{Prefix: prefixOf("192.168.100.222/32")}}
	i.VMAC = &config.VMAC{Name: "vrrp.110", Address: net.HardwareAddr{0, 0, 0x5e, 0, 1, 110}}
	i.TrackScripts = []config.Track{{Name: "web", Weight: -2}}
	cfg.SyncGroups = []config.SyncGroup{{Name: "BOTH", Members: []string{"SERVICE"}}}
	now := time.Now()
	var late lateness
	late.add(150 * time.Microsecond)
	late.add(time.Second)
	want := []api.Instance{{
		Name: "SERVICE", Interface: "enp1s0", VirtualRouterID: 110, Version: 2, State: "MASTER", PreviousState: "BACKUP",
		Priority: 9, BasePriority: 11, SyncGroup: "BOTH", Master: "192.168.100.212",
		Rivals:     []api.Rival{{Address: "192.168.100.9", Priority: 3, Last: now}},
		Claims:     []api.Claim{{Address: "192.168.100.221", MAC: "02:00:00:00:00:07"}},
		VirtualMAC: &api.VirtualMAC{Interface: "vrrp.110", MAC: "00:00:5e:00:01:6e"},
		Tracked: []api.Tracked{
			{Kind: "track_interface", Name: "enp1s0", State: "up"}, {Kind: "track_script", Name: "web", State: "unknown", Weight: -2},
		},
		Addresses: []string{"192.168.100.221/24", "192.168.100.222/32"}, Since: noon, Reason: "no master heard",
		AdvertsSent: 3, AdvertsReceived: 4, Dropped: map[string]uint64{"ttl": 2},
		Lateness: late.status(),
	}}
	if l := want[0].Lateness; l.Classes[1] != (api.LatenessClass{UpToUS: 250, Count: 1}) || l.Over != 1 || l.WorstUS != 1e6 {
		t.Errorf("lateness is %+v", l)
	}
	k := allWell(cfg)
	k.claims.hear(now, claim{web.Address.Addr(), "02:00:00:00:00:07"})
	k.claims.hear(now, claim{netip.MustParseAddr("192.168.100.9"), "02:00:00:00:00:07"}) // of no instance
	c := observed(k, vrrp.Master)
	s := &c.candidates[keyOfInstance(*i)].snapshot
	s.before, s.priority, s.master, s.late = vrrp.Backup, 9, netip.MustParseAddr("192.168.100.212"), late
	s.rivals = rivals{
		netip.MustParseAddr("192.168.100.9"): {3, now}, netip.MustParseAddr("192.168.100.8"): {3, now.Add(-rivalTime)},
	}
	if got := c.instances(); !reflect.DeepEqual(got, want) {
		t.Errorf("instances are\n%+v, want\n%+v", got, want)
	}
}

func TestStatusOfVirtualServers(t *testing.T) {
	real := func(address netip.AddrPort) api.RealServer {
		checks := []api.Check{{Kind: "HTTP_GET", Address: address.String(), Path: "address", Up: true, Resting: true}}
		return api.RealServer{
			Address: address.Addr().String(), Port: 80, Interface: "enp1s0", Weight: 1, CheckedWeight: 1, Up: true, Share: 1,
			MAC: macOf(address.Addr()).String(), Checks: checks, Check: &checks[0],
		}
	}
	base := func() api.VirtualServer {
		return api.VirtualServer{
			Address: "192.168.100.221", Port: 80, Protocol: "TCP", Scheduler: "rr", Flags: []string{}, Active: true,
			RealServers: []api.RealServer{real(web0), real(web1)},
			Quorum:      api.Quorum{Required: 1},
		}
	}
	for name, test := range map[string]struct {
		state  vrrp.State
		config func(*config.Config)
		known  func(*known)
		want   func(*api.VirtualServer)
	}{
		"all well on the master": {state: vrrp.Master},
		"on the backup":          {state: vrrp.Backup, want: func(v *api.VirtualServer) { v.Active = false }},
		"without VRRP it is active": {
			state: vrrp.Backup, config: func(c *config.Config) { c.Instances = nil },
		},
		"one is draining": {
			state: vrrp.Master, config: func(c *config.Config) { c.VirtualServers[0].RealServers[0].Weight = 0 },
			want: func(v *api.VirtualServer) {
				v.RealServers[0].Weight, v.RealServers[0].CheckedWeight, v.RealServers[0].Draining = 0, 0, true
			},
		},
		"one has thresholds": {
			state: vrrp.Master, config: func(c *config.Config) {
				c.VirtualServers[0].RealServers[0].UpperThreshold, c.VirtualServers[0].RealServers[0].LowerThreshold = 9, 5
			},
			want: func(v *api.VirtualServer) { v.RealServers[0].UpperThreshold, v.RealServers[0].LowerThreshold = 9, 5 },
		},
		"one is down": {
			state: vrrp.Master,
			known: func(k *known) { *checkOf(k, realKey{web, web0}) = verdict{told: true, reason: "status 500"} },
			want: func(v *api.VirtualServer) {
				v.RealServers[0].Up, v.RealServers[0].Reason = false, "status 500"
				v.RealServers[0].Check.Up, v.RealServers[0].Check.Reason = false, "status 500"
			},
		},
		"one has no MAC address": {
			state: vrrp.Master,
			known: func(k *known) { *k.neighbors[neighborKey{"enp1s0", web0.Addr()}] = neighbor{} },
			want: func(v *api.VirtualServer) {
				v.RealServers[0].Up, v.RealServers[0].MAC = false, ""
				v.RealServers[0].Reason = "its MAC address is not known yet"
			},
		},
		"one claims the VIP": {
			state: vrrp.Master,
			known: func(k *known) { k.claims.hear(noon, claim{web.Address.Addr(), macOf(web0.Addr()).String()}) },
			want: func(v *api.VirtualServer) {
				c := make(claims)
				c.hear(noon, claim{web.Address.Addr(), macOf(web0.Addr()).String()})
				v.RealServers[0].Reason = c.remedyFor(macOf(web0.Addr()))
			},
		},
		"one is this host": {
			state: vrrp.Master,
			known: func(k *known) {
				places := allOn("enp1s0", k.config)
				places[0].reals[0] = place{local: true}
				k.settle(k.config, places)
			},
			want: func(v *api.VirtualServer) {
				v.RealServers[0].Interface, v.RealServers[0].Local, v.RealServers[0].MAC = "", true, ""
			},
		},
		"UDP, one packet at a time": {
			state: vrrp.Master,
			config: func(c *config.Config) {
				c.VirtualServers[0].Protocol, c.VirtualServers[0].OnePacket = config.UDP, true
			},
			want: func(v *api.VirtualServer) { v.Protocol, v.Flags = "UDP", []string{"ops"} },
		},
		"persistent, by source hash": {
			state: vrrp.Master,
			config: func(c *config.Config) {
				v := &c.VirtualServers[0]
				v.Scheduler, v.HashPorts, v.Fallback = "sh", true, true
				v.PersistenceTimeout, v.PersistencePrefix = time.Hour, 24
			},
			want: func(v *api.VirtualServer) {
				v.Scheduler, v.Flags = "sh", []string{"sh-port", "sh-fallback"}
				v.PersistenceTimeout, v.PersistencePrefix = 3600, 24
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, want := tutorialConfig(), base()
			if test.config != nil {
				test.config(cfg)
			}
			k := allWell(cfg)
			if test.known != nil {
				test.known(k)
			}
			if test.want != nil {
				test.want(&want)
			}
			got := observed(k, test.state).virtualServers()
			if !reflect.DeepEqual(got, []api.VirtualServer{want}) {
				t.Errorf("virtual servers are\n%+v, want\n%+v", got, want)
			}
		})
	}
}

func TestAGroupIsListedAsOneVirtualServerForEachOfItsMembers(t *testing.T) {
	cfg := tutorialConfig()
	v := &cfg.VirtualServers[0]
	v.Group, v.Members = "webs", []netip.AddrPort{web.Address, netip.MustParseAddrPort("192.168.100.222:443")}
	v.Address, v.Port = netip.Addr{}, 0
	got := observed(allWell(cfg), vrrp.Backup).virtualServers()
	if len(got) != 2 || got[0].Address != "192.168.100.221" || got[1].Address != "192.168.100.222" || got[1].Port != 443 {
		t.Fatalf("virtual servers are\n%+v", got)
	}
	for _, v := range got {
		if v.Group != "webs" || len(v.RealServers) != 2 {
			t.Errorf("one of the group is %+v", v)
		}
	}
	if got[0].Active || !got[1].Active {
		t.Error("the member that the instance holds is not on standby alone")
	}
	if &got[0].RealServers[0] == &got[1].RealServers[0] {
		t.Error("the members share their real servers' counts")
	}
}

func TestStatusOfNothingIsEmptyListsNotNull(t *testing.T) {
	c := observed(allWell(&config.Config{}), vrrp.Backup)
	if c.instances() == nil || c.virtualServers() == nil || c.interfaceStatus() == nil {
		t.Error("a list is nil, which is null in JSON")
	}
}

func TestInterfacesAreListedInOrderWithTheReasonWhyOneIsNotAttached(t *testing.T) {
	cfg := tutorialConfig()
	cfg.Instances[0].Addresses[0].Interface = "enp2s0"
	cfg.Instances[0].ExcludedAddresses = []config.VirtualAddress{{Prefix: prefixOf("10.0.0.1/24"), Interface: "enp1s0.10"}}
	k := allWell(cfg)
	k.settle(cfg, allOn("enp3s0", cfg))
	c := observed(k, vrrp.Master)
	c.attached["enp1s0"] = attachState{attachment: dataplane.Attachment{Mode: dataplane.ModeNative, ProgramID: 7}}
	c.attached["enp2s0"] = attachState{err: dataplane.ErrBusy}
	want := []api.Interface{
		{Name: "enp1s0", XDPMode: "native", ProgramID: 7},
		{Name: "enp1s0.10", Device: "enp1s0", XDPMode: "native", ProgramID: 7},
		{Name: "enp2s0", Reason: dataplane.ErrBusy.Error()},
		{Name: "enp3s0", Reason: "enp3s0: no such interface"},
	}
	for range 10 {
		if got := c.interfaceStatus(); !reflect.DeepEqual(got, want) {
			t.Fatalf("interfaces are\n%+v, want\n%+v", got, want)
		}
	}
	c.refused = map[string]error{"enp1s0.10": errors.New("ethtool -K enp1s0 rxvlan off")}
	if got := c.interfaceStatus()[1]; got.XDPMode != "" || got.Reason != "ethtool -K enp1s0 rxvlan off" {
		t.Errorf("a VLAN that was refused is %+v", got)
	}
}

func TestAskingAControllerThatHasEndedIsAnError(t *testing.T) {
	c := New(Options{Log: slog.New(slog.DiscardHandler)})
	close(c.done)
	if _, err := c.Status(t.Context()); err != errStopping {
		t.Errorf("status: %v, want %v", err, errStopping)
	}
	if err := c.Reload(t.Context(), tutorialConfig()); err != errStopping {
		t.Errorf("reload: %v, want %v", err, errStopping)
	}
}
