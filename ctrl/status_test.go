package ctrl

import (
	"log/slog"
	"reflect"
	"testing"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/vrrp"
	"drover/dataplane"
)

// observed is a controller that only knows something, with a router per instance in the given state.
func observed(k *known, state vrrp.State) *Controller {
	c := New(Options{Log: slog.New(slog.DiscardHandler)})
	c.known = *k
	for _, i := range k.config.Instances {
		r := newRouter(i, 1, nil, c.log)
		r.snapshot = routerStatus{
			state: state, since: noon, reason: "no master heard", sent: 3, received: 4,
			dropped: map[vrrp.DropReason]uint64{vrrp.DropTTL: 2},
		}
		c.routers[keyOfInstance(i)] = r
	}
	return c
}

func TestStatusOfInstances(t *testing.T) {
	cfg := tutorialConfig()
	cfg.Instances[0].ExcludedAddresses = []config.VirtualAddress{{Prefix: prefixOf("192.168.100.222/32")}}
	want := []api.Instance{{
		Name: "SERVICE", Interface: "enp1s0", VirtualRouterID: 110, Version: 2, State: "MASTER", Priority: 11,
		Addresses: []string{"192.168.100.221/24", "192.168.100.222/32"}, Since: noon, Reason: "no master heard",
		AdvertsSent: 3, AdvertsReceived: 4, Dropped: map[string]uint64{"ttl": 2},
	}}
	if got := observed(allWell(cfg), vrrp.Master).instances(); !reflect.DeepEqual(got, want) {
		t.Errorf("instances are\n%+v, want\n%+v", got, want)
	}
}

func TestStatusOfVirtualServers(t *testing.T) {
	base := func() api.VirtualServer {
		return api.VirtualServer{
			Address: "192.168.100.221", Port: 80, Protocol: "TCP", Scheduler: "rr", Active: true,
			RealServers: []api.RealServer{
				{Address: "192.168.100.150", Port: 80, Weight: 1, Up: true, MAC: macOf(web0.Addr()).String()},
				{Address: "192.168.100.151", Port: 80, Weight: 1, Up: true, MAC: macOf(web1.Addr()).String()},
			},
		}
	}
	for name, test := range map[string]struct {
		state vrrp.State
		known func(*known)
		want  func(*api.VirtualServer)
	}{
		"all well on the master": {vrrp.Master, func(*known) {}, func(*api.VirtualServer) {}},
		"on the backup":          {vrrp.Backup, func(*known) {}, func(v *api.VirtualServer) { v.Active = false }},
		"without VRRP it is active": {
			vrrp.Backup, func(k *known) { k.config.Instances = nil }, func(*api.VirtualServer) {},
		},
		"one is draining": {
			vrrp.Master, func(k *known) { k.config.VirtualServers[0].RealServers[0].Weight = 0 },
			func(v *api.VirtualServer) { v.RealServers[0].Weight, v.RealServers[0].Draining = 0, true },
		},
		"one is down": {
			vrrp.Master, func(k *known) { k.checks[realKey{web, web0}] = check{reason: "status 500"} },
			func(v *api.VirtualServer) { v.RealServers[0].Up, v.RealServers[0].Reason = false, "status 500" },
		},
		"one has no MAC address": {
			vrrp.Master, func(k *known) { delete(k.neighbors, neighborKey{"enp1s0", web0.Addr()}) },
			func(v *api.VirtualServer) {
				v.RealServers[0].Up, v.RealServers[0].MAC = false, ""
				v.RealServers[0].Reason = "its MAC address is not known yet"
			},
		},
		"UDP": {
			vrrp.Master, func(k *known) {
				k.config.VirtualServers[0].Protocol = config.UDP
				k.places[dataplane.ServiceKey{Address: web.Address, Protocol: dataplane.ProtocolUDP}] = "enp1s0"
			},
			func(v *api.VirtualServer) { v.Protocol = "UDP" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			k, want := allWell(tutorialConfig()), base()
			test.known(k)
			test.want(&want)
			got := observed(k, test.state).virtualServers()
			if !reflect.DeepEqual(got, []api.VirtualServer{want}) {
				t.Errorf("virtual servers are\n%+v, want\n%+v", got, want)
			}
		})
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
	c := observed(allWell(cfg), vrrp.Master)
	c.attached["enp1s0"] = attachState{attachment: dataplane.Attachment{Mode: dataplane.ModeNative, ProgramID: 7}}
	c.attached["enp2s0"] = attachState{err: dataplane.ErrBusy}
	c.known.places[web] = "enp3s0"
	want := []api.Interface{
		{Name: "enp1s0", XDPMode: "native", ProgramID: 7},
		{Name: "enp2s0", Reason: dataplane.ErrBusy.Error()},
		{Name: "enp3s0", Reason: "the interface is not there"},
	}
	for range 10 {
		if got := c.interfaceStatus(); !reflect.DeepEqual(got, want) {
			t.Fatalf("interfaces are\n%+v, want\n%+v", got, want)
		}
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
