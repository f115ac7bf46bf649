package ctrl

import (
	"net"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/vrrp"
)

// fullInstance sets every field of an instance, each to a value of its own and none to its default.
func fullInstance() *config.Instance {
	return &config.Instance{
		Position: config.Position{File: "keepalived.conf", Line: 3, Column: 1},
		Name:     "SERVICE", Interface: "enp1s0", State: config.Master, VirtualRouterID: 110, Priority: 11,
		AdvertInterval: 2 * time.Second, Version: 2, ChecksumAsV2: true, AuthType: config.AuthPass, AuthPass: "def345",
		Strict: true, Accept: true, StartupDelay: time.Minute,
		MulticastGroup:     netip.MustParseAddr("224.0.0.18"),
		Unicast:            []config.UnicastPeer{{Address: netip.MustParseAddr("192.168.100.212"), MinTTL: 250, MaxTTL: 254}},
		UnicastTTL:         253,
		CheckUnicastSource: true, UnicastFaultNoPeer: true,
		VMAC:   &config.VMAC{Name: "vrrp.110", Address: net.HardwareAddr{0, 0, 0x5e, 0, 1, 110}},
		Routes: []config.Route{{Metric: 1}}, Rules: []config.Rule{{Priority: 1}},
		Addresses:         []config.VirtualAddress{{Prefix: prefixOf("192.168.100.221/24")}, {Prefix: prefixOf("192.168.100.222/24")}},
		ExcludedAddresses: []config.VirtualAddress{{Prefix: prefixOf("192.168.100.223/24")}},
		Preempt:           true, PreemptDelay: 3 * time.Second, SourceAddress: netip.MustParseAddr("192.168.100.211"),
		GARP: config.GARP{
			MasterDelay: 4 * time.Second, MasterRepeat: 5, MasterRefresh: 6 * time.Second, MasterRefreshRepeat: 7,
			LowerPrioDelay: 8 * time.Second, LowerPrioRepeat: 9,
		},
		LowerPrioNoAdvert: true, HigherPrioSendAdvert: true, OwnerIgnoresAdverts: true, TrackPrimary: true,
		Tracking:         config.Tracking{TrackInterfaces: []config.TrackInterface{{Name: "enp2s0"}}},
		Notify:           config.Notify{Any: &config.NotifyScript{Command: []string{"/bin/true"}}},
		SkipCheckAdvAddr: true, DownTimerAdverts: 10,
	}
}

// from is where adverts are sent from.
var from = netip.MustParseAddr("192.168.100.211")

func TestSettingsAreTheInstanceInTheTermsOfTheElection(t *testing.T) {
	want := vrrp.Settings{
		Name: "SERVICE", Version: 2, VirtualRouterID: 110, Priority: 11, AdvertInterval: 2 * time.Second, ChecksumAsV2: true,
		SourceAddress: from, CheckUnicastSource: true, StartupDelay: time.Minute,
		Peers:    []vrrp.Peer{{Address: netip.MustParseAddr("192.168.100.212"), MinTTL: 250, MaxTTL: 254}},
		AuthType: vrrp.AuthPass, Password: "def345",
		Addresses:         []netip.Addr{netip.MustParseAddr("192.168.100.221"), netip.MustParseAddr("192.168.100.222")},
		ExcludedAddresses: []netip.Addr{netip.MustParseAddr("192.168.100.223")},
		StartState:        vrrp.Master, Preempt: true, PreemptDelay: 3 * time.Second,
		GARP: vrrp.GARP{
			MasterDelay: 4 * time.Second, MasterRepeat: 5, MasterRefresh: 6 * time.Second, MasterRefreshRepeat: 7,
			LowerPrioDelay: 8 * time.Second, LowerPrioRepeat: 9,
		},
		LowerPrioNoAdvert: true, HigherPrioSendAdvert: true, OwnerIgnoresAdverts: true, DownTimerAdverts: 10, SkipCheckAdvAddr: true,
	}
	got := settingsOf(*fullInstance(), from)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("settings are\n%+v, want\n%+v", got, want)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[vrrp.Settings]()) {
		if reflect.ValueOf(got).FieldByIndex(field.Index).IsZero() {
			t.Errorf("nobody sets %s", field.Name)
		}
	}
}

// A field that is added to the configuration of an instance must not be forgotten here.
func TestSettingsHeedEveryFieldOfAnInstance(t *testing.T) {
	before := settingsOf(*fullInstance(), from)
	seen := func(i *config.Instance) bool { return !reflect.DeepEqual(settingsOf(*i, from), before) }
	checkHeeded(t, "Instance", fullInstance, func(i *config.Instance) any { return i }, seen,
		"Interface", "SourceAddress", "MulticastGroup", "UnicastTTL", "VMAC", // where it stands: ground
		"TrackPrimary", "Tracking", "UnicastFaultNoPeer", // fitness
		"Accept",                                // planInstances
		"Routes", "Rules", "PromoteSecondaries", // what it holds
		"Notify", "NotifyPriorityChanges", "Strict")
	checkHeeded(t, "GARP", fullInstance, func(i *config.Instance) any { return &i.GARP }, seen)
}

func TestAnInstanceOfTheDefaultsHasTheElectionsDefaults(t *testing.T) {
	src := memory{"keepalived.conf": "vrrp_instance A {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 10.0.0.1/24\n }\n}\n"}
	cfg, findings := config.Load("keepalived.conf", src)
	if cfg == nil {
		t.Fatal(findings)
	}
	want := vrrp.DefaultSettings()
	want.Name, want.VirtualRouterID, want.Addresses = "A", 1, []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	want.SourceAddress = from
	if got := settingsOf(cfg.Instances[0], from); !reflect.DeepEqual(got, want) {
		t.Errorf("settings are\n%+v, want\n%+v", got, want)
	}
}

// memory is config.Source over a map.
type memory map[string]string

func (m memory) ReadFile(name string) ([]byte, error) { return []byte(m[name]), nil }
func (memory) Glob(string) ([]string, error)          { return nil, nil }

func TestComplaintsOfAKindAreAMinuteApart(t *testing.T) {
	c := make(complaints)
	for _, step := range []struct {
		after time.Duration
		kind  string
		want  bool
	}{
		{0, "send", true}, {0, "send", false}, {0, "gate", true}, {time.Minute - 1, "send", false},
		{time.Minute, "send", true}, {time.Minute, "gate", true}, {2*time.Minute - 1, "send", false},
	} {
		if got := c.due(noon.Add(step.after), step.kind); got != step.want {
			t.Errorf("%s after %s: due is %v, want %v", step.kind, step.after, got, step.want)
		}
	}
	if !make(complaints).due(time.Time{}, "send") {
		t.Error("the first complaint is not due at the zero time")
	}
}
