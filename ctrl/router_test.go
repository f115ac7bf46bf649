package ctrl

import (
	"bytes"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

// fullInstance sets every field of an instance, each to a value of its own and none to its default.
func fullInstance() *config.Instance {
	return &config.Instance{
		Position: config.Position{File: "keepalived.conf", Line: 3, Column: 1},
		Name:     "SERVICE", Interface: "enp1s0", State: config.Master, VirtualRouterID: 110, Priority: 11,
		AdvertInterval: 2 * time.Second, Version: 2, AuthType: config.AuthPass, AuthPass: "def345",
		Addresses:         []config.VirtualAddress{{Prefix: prefixOf("192.168.100.221/24")}, {Prefix: prefixOf("192.168.100.222/24")}},
		ExcludedAddresses: []config.VirtualAddress{{Prefix: prefixOf("192.168.100.223/24")}},
		Preempt:           true, PreemptDelay: 3 * time.Second, SourceAddress: netip.MustParseAddr("192.168.100.211"),
		GARP: config.GARP{
			MasterDelay: 4 * time.Second, MasterRepeat: 5, MasterRefresh: 6 * time.Second, MasterRefreshRepeat: 7,
			LowerPrioDelay: 8 * time.Second, LowerPrioRepeat: 9,
		},
		LowerPrioNoAdvert: true, HigherPrioSendAdvert: true, TrackPrimary: true, TrackInterfaces: []string{"enp2s0"},
		SkipCheckAdvAddr: true, DownTimerAdverts: 10,
	}
}

func routerOf(i *config.Instance) *router {
	return newRouter(*i, 1, nil, slog.New(slog.DiscardHandler))
}

func TestSettingsAreTheInstanceInTheTermsOfTheElection(t *testing.T) {
	want := vrrp.Settings{
		Name: "SERVICE", VirtualRouterID: 110, Priority: 11, AdvertInterval: 2 * time.Second,
		AuthType: vrrp.AuthPass, Password: "def345",
		Addresses:         []netip.Addr{netip.MustParseAddr("192.168.100.221"), netip.MustParseAddr("192.168.100.222")},
		ExcludedAddresses: []netip.Addr{netip.MustParseAddr("192.168.100.223")},
		StartState:        vrrp.Master, Preempt: true, PreemptDelay: 3 * time.Second,
		GARP: vrrp.GARP{
			MasterDelay: 4 * time.Second, MasterRepeat: 5, MasterRefresh: 6 * time.Second, MasterRefreshRepeat: 7,
			LowerPrioDelay: 8 * time.Second, LowerPrioRepeat: 9,
		},
		LowerPrioNoAdvert: true, HigherPrioSendAdvert: true, DownTimerAdverts: 10, SkipCheckAdvAddr: true,
	}
	got := routerOf(fullInstance()).settings()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("settings are\n%+v, want\n%+v", got, want)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[vrrp.Settings]()) {
		if field.Name == "SourceAddress" {
			continue // of the socket; without one there is none
		}
		if reflect.ValueOf(got).FieldByIndex(field.Index).IsZero() {
			t.Errorf("nobody sets %s", field.Name)
		}
	}
}

// A field that is added to the configuration of an instance must not be forgotten here.
func TestSettingsHeedEveryFieldOfAnInstance(t *testing.T) {
	before := routerOf(fullInstance()).settings()
	seen := func(i *config.Instance) bool { return !reflect.DeepEqual(routerOf(i).settings(), before) }
	checkHeeded(t, "Instance", fullInstance, func(i *config.Instance) any { return i }, seen,
		"Interface", "SourceAddress", // the socket's: openConn
		"TrackPrimary", "TrackInterfaces", // linkEvent
		"Version") // always 2
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
	if got := routerOf(&cfg.Instances[0]).settings(); !reflect.DeepEqual(got, want) {
		t.Errorf("settings are\n%+v, want\n%+v", got, want)
	}
}

// memory is config.Source over a map.
type memory map[string]string

func (m memory) ReadFile(name string) ([]byte, error) { return []byte(m[name]), nil }
func (memory) Glob(string) ([]string, error)          { return nil, nil }

func TestLinkEvent(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*router)
		want   vrrp.Event
	}{
		"all interfaces are well":   {func(*router) {}, vrrp.LinkUp{}},
		"no socket":                 {func(r *router) { r.conn = nil }, vrrp.LinkDown{Reason: "enp1s0 is away or has no IPv4 address"}},
		"its own interface is down": {func(r *router) { r.usable["enp1s0"] = false }, vrrp.LinkDown{Reason: "enp1s0 is down"}},
		"its own interface is down and not tracked": {
			func(r *router) { r.usable["enp1s0"], r.instance.TrackPrimary = false, false }, vrrp.LinkUp{},
		},
		"a tracked one is down":        {func(r *router) { r.usable["enp2s0"] = false }, vrrp.LinkDown{Reason: "enp2s0 is down"}},
		"a tracked one is not there":   {func(r *router) { delete(r.usable, "enp2s0") }, vrrp.LinkDown{Reason: "enp2s0 is down"}},
		"one that nobody asked for":    {func(r *router) { r.usable["enp3s0"] = false }, vrrp.LinkUp{}},
		"the first of two is reported": {func(r *router) { clear(r.usable) }, vrrp.LinkDown{Reason: "enp2s0 is down"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := routerOf(fullInstance())
			r.conn = new(netif.VRRPConn)
			r.usable = map[string]bool{"enp1s0": true, "enp2s0": true}
			test.change(r)
			for range 2 {
				if got := r.linkEvent(); got != test.want {
					t.Errorf("event %#v, want %#v", got, test.want)
				}
			}
			if len(r.instance.TrackInterfaces) != 1 {
				t.Errorf("asking changed the configuration: %v", r.instance.TrackInterfaces)
			}
		})
	}
}

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

func TestDropsAreCountedByReasonAndTheFirstOfEachIsLogged(t *testing.T) {
	var log bytes.Buffer
	r := newRouter(*fullInstance(), 1, nil, slog.New(slog.NewTextHandler(&log, nil)))
	for _, reason := range []vrrp.DropReason{vrrp.DropTTL, vrrp.DropTTL, vrrp.DropPassword, vrrp.DropOwn} {
		r.do(vrrp.Drop{Reason: reason, Source: netip.MustParseAddr("192.168.100.9")})
	}
	got := r.status().dropped
	want := noDrops() // the others are there, at zero
	want[vrrp.DropTTL], want[vrrp.DropPassword], want[vrrp.DropOwn] = 2, 1, 1
	if len(got) != len(vrrp.DropReasons()) || !reflect.DeepEqual(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "reason=ttl") || !strings.Contains(lines[1], "reason=password") {
		t.Errorf("logged\n%s\nwant the first of ttl and of password; one's own advert is no news", log.String())
	}
	got[vrrp.DropTTL] = 99
	if n := r.status().dropped[vrrp.DropTTL]; n != 2 {
		t.Errorf("the count is now %d: a status shares memory with the router", n)
	}
}

// advertOf is an advert of another router.
func advertOf(t *testing.T, vrid, priority uint8) netif.Packet {
	t.Helper()
	payload, err := vrrp.Advert{
		Version: 2, VirtualRouterID: vrid, Priority: priority, Interval: time.Second,
		Addresses: []netip.Addr{netip.MustParseAddr("192.168.100.221")},
	}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return netif.Packet{Source: netip.MustParseAddr("192.168.100.212"), TTL: 255, Payload: payload}
}

func TestOnlyAdvertsOfTheOwnVirtualRouterAreCounted(t *testing.T) {
	r := routerOf(fullInstance())
	r.receive(advertOf(t, 110, 12))
	r.receive(advertOf(t, 120, 12))
	r.receive(netif.Packet{Payload: []byte{0x21}})
	if got := r.status().received; got != 1 {
		t.Errorf("%d counted, want 1", got)
	}
}

func TestALeavingMasterGoesSoonAfterItHearsItsSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := routerOf(fullInstance())
		until := time.Now().Add(successorDeadline)
		r.leaving = until
		r.receive(advertOf(t, 110, vrrp.PriorityStopped)) // another one that goes
		r.receive(advertOf(t, 120, 12))
		if r.leaving != until {
			t.Errorf("leaves in %s, want %s: no successor was heard", time.Until(r.leaving), successorDeadline)
		}
		r.receive(advertOf(t, 110, 12))
		if got := time.Until(r.leaving); got != successorAnnounces {
			t.Errorf("leaves in %s after its successor's advert, want %s", got, successorAnnounces)
		}
		if r.left() || r.deadline() != r.leaving {
			t.Errorf("left is %v, deadline in %s, want it to wait for %s", r.left(), time.Until(r.deadline()), successorAnnounces)
		}
		time.Sleep(successorAnnounces)
		if !r.left() {
			t.Error("it has not left when the time was over")
		}
	})
}

func TestARouterThatWasNeverMasterLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := routerOf(fullInstance())
		go r.run(t.Context())
		begun := time.Now()
		r.stop()
		<-r.done
		if took := time.Since(begun); took != 0 {
			t.Errorf("it took %s, want none", took)
		}
	})
}
