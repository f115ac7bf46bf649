package ctrl

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/ctrl/netif"
)

// fullCheck sets every field of a check, each to another value.
func fullCheck() *config.Check {
	return &config.Check{
		Position: config.Position{File: "keepalived.conf", Line: 31, Column: 5},
		CheckTimes: config.CheckTimes{
			ConnectTimeout: 1 * time.Second, Retry: 2, DelayBeforeRetry: 3 * time.Second,
			DelayLoop: 4 * time.Second, Warmup: 5 * time.Second, Alpha: true,
		},
		CheckSocket: config.CheckSocket{To: netip.MustParseAddrPort("192.168.100.150:8080")},
		Question: &config.HTTPCheck{
			URLs: []config.URL{
				{
					Position: config.Position{Line: 32}, Path: "/index.html", Digest: strings.Repeat("ab", 16), VirtualHost: "a.example",
					StatusCodes: []config.StatusRange{{Low: 200, High: 200}, {Low: 301, High: 302}},
				},
				{Path: "/second"},
			},
			VirtualHost: "example", HTTPProtocol: "1.1",
		},
	}
}

func TestSpecOfConvertsACheck(t *testing.T) {
	want := checkSpec{
		target: health.Target{Address: netip.MustParseAddrPort("192.168.100.150:8080")},
		http: health.HTTPSettings{
			Network: netif.HostDialer{},
			URLs: []health.URL{
				{
					Path: "/index.html", Digest: strings.Repeat("ab", 16), VirtualHost: "a.example",
					StatusCodes: []health.StatusRange{{First: 200, Last: 200}, {First: 301, Last: 302}},
				},
				{Path: "/second"},
			},
			VirtualHost: "example", ConnectTimeout: time.Second, Protocol: health.HTTP11,
		},
		settings: health.Settings{
			Interval: 4 * time.Second, Retry: 2, DelayBeforeRetry: 3 * time.Second, Warmup: 5 * time.Second, Alpha: true,
		},
	}
	if got := specOf(*fullCheck()); !reflect.DeepEqual(got, want) {
		t.Errorf("spec is\n%+v, want\n%+v", got, want)
	}
}

// A field that is added to the configuration of a check must not be forgotten here.
func TestSpecOfHeedsEveryFieldOfACheckButItsPosition(t *testing.T) {
	before := specOf(*fullCheck())
	pages := func(c *config.Check) *config.HTTPCheck { return c.Question.(*config.HTTPCheck) }
	for name, pick := range map[string]func(*config.Check) any{
		"CheckTimes":  func(c *config.Check) any { return &c.CheckTimes },
		"CheckSocket": func(c *config.Check) any { return &c.CheckSocket },
		"HTTPCheck":   func(c *config.Check) any { return pages(c) },
		"URL":         func(c *config.Check) any { return &pages(c).URLs[0] },
	} {
		checkHeeded(t, name, fullCheck, pick, func(c *config.Check) bool { return !reflect.DeepEqual(specOf(*c), before) })
	}
}

// checkHeeded changes one field after the other of what pick returns and wants each change to be seen, but for those of
// the ignored fields and of Position.
func checkHeeded[T any](t *testing.T, name string, fresh func() *T, pick func(*T) any, seen func(*T) bool, ignored ...string) {
	t.Helper()
	skip := map[string]bool{"Position": true}
	for _, field := range ignored {
		skip[field] = true
	}
	for _, field := range reflect.VisibleFields(reflect.TypeOf(pick(fresh())).Elem()) {
		if len(field.Index) > 1 { // of an embedded struct
			continue
		}
		whole := fresh()
		alter(t, reflect.ValueOf(pick(whole)).Elem().FieldByIndex(field.Index))
		if got := seen(whole); got == skip[field.Name] {
			t.Errorf("%s.%s changed: seen is %v, want %v", name, field.Name, got, !got)
		}
	}
}

// alter gives a field another value.
func alter(t *testing.T, v reflect.Value) {
	t.Helper()
	switch value := v.Interface().(type) {
	case netip.Addr:
		v.Set(reflect.ValueOf(value.Next()))
		return
	case netip.AddrPort:
		if !value.IsValid() {
			v.Set(reflect.ValueOf(netip.MustParseAddrPort("192.168.100.211:1024")))
			return
		}
		v.Set(reflect.ValueOf(netip.AddrPortFrom(value.Addr().Next(), value.Port())))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(1 - v.Int()%2) // odd to even and back, so that an enum stays within its values
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(v.Uint() + 1)
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
			return
		}
		v.SetZero()
	case reflect.Slice:
		v.SetZero()
	case reflect.Struct:
		alter(t, v.Field(0))
	default:
		t.Fatalf("do not know how to change a %s", v.Type())
	}
}

func TestValidChecksNamesEveryCheckThatCannotBeMade(t *testing.T) {
	specs := checksOf(tutorialConfig())
	if err := validChecks(specs); err != nil {
		t.Fatalf("the tutorial's: %v", err)
	}
	for key, spec := range specs {
		spec.http.URLs = []health.URL{{Path: "/a b"}}
		specs[key] = spec
	}
	const want = `check of 192.168.100.150:80 in TCP 192.168.100.221:80: url "/a b": path has a space or a control character
check of 192.168.100.151:80 in TCP 192.168.100.221:80: url "/a b": path has a space or a control character`
	if err := validChecks(specs); err == nil || err.Error() != want {
		t.Errorf("error %v, want\n%s", err, want)
	}
}

func TestChecksOfListsTheRealServersThatHaveOne(t *testing.T) {
	c := tutorialConfig()
	c.VirtualServers[0].RealServers[1].Checks = nil
	specs := checksOf(c)
	if _, has := specs[realKey{web, web0}]; !has || len(specs) != 1 {
		t.Errorf("checks of %v, want only of %s", specs, web0)
	}
}

// following runs checkers and notes which were stopped.
type following struct {
	*checkers
	t       *testing.T
	stopped map[realKey]int
}

func newFollowing(t *testing.T, report func(realKey, health.Verdict)) *following {
	f := &following{t: t, stopped: make(map[realKey]int)}
	f.checkers = &checkers{log: slog.New(slog.DiscardHandler), running: make(map[realKey]runningCheck), report: report}
	t.Cleanup(f.stopAll)
	return f
}

func (f *following) to(c *config.Config, known map[realKey]*check) {
	f.t.Helper()
	had := make(map[realKey]bool)
	for key := range f.running {
		had[key] = true
	}
	if err := f.follow(f.t.Context(), checksOf(c), known); err != nil {
		f.t.Fatal(err)
	}
	for key, running := range f.running {
		if had[key] && f.stopped[key] == 0 {
			continue
		}
		stop := running.stop
		running.stop = func() { f.stopped[key]++; stop() }
		f.running[key] = running
	}
}

func TestFollowRestartsOnlyTheChecksThatChanged(t *testing.T) {
	first, second := realKey{web, web0}, realKey{web, web1}
	for name, test := range map[string]struct {
		change  func(*config.Config)
		stopped map[realKey]int
		running int
	}{
		"nothing changed": {func(*config.Config) {}, map[realKey]int{}, 2},
		"only positions moved": {func(c *config.Config) {
			for i := range c.VirtualServers[0].RealServers {
				check := &c.VirtualServers[0].RealServers[i].Checks[0]
				check.Position.Line, check.Question.(*config.HTTPCheck).URLs[0].Position.Line = check.Position.Line+10, 40
			}
		}, map[realKey]int{}, 2},
		"a weight changed": {
			func(c *config.Config) { c.VirtualServers[0].RealServers[0].Weight = 9 }, map[realKey]int{}, 2,
		},
		"one check changed": {
			func(c *config.Config) { c.VirtualServers[0].RealServers[0].Checks[0].Retry = 9 }, map[realKey]int{first: 1}, 2,
		},
		"one real server is gone": {func(c *config.Config) {
			c.VirtualServers[0].RealServers = c.VirtualServers[0].RealServers[:1]
		}, map[realKey]int{second: 1}, 1},
		"one check is gone": {
			func(c *config.Config) { c.VirtualServers[0].RealServers[0].Checks = nil }, map[realKey]int{first: 1}, 1,
		},
		"one real server is new": {func(c *config.Config) {
			v := &c.VirtualServers[0]
			v.RealServers = append(v.RealServers, realServer("192.168.100.152:80"))
		}, map[realKey]int{}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFollowing(t, func(realKey, health.Verdict) {})
			f.to(tutorialConfig(), nil)
			changed := tutorialConfig()
			test.change(changed)
			f.to(changed, nil)
			if !reflect.DeepEqual(f.stopped, test.stopped) || len(f.running) != test.running {
				t.Errorf("stopped %v and %d run, want %v and %d", f.stopped, len(f.running), test.stopped, test.running)
			}
		})
	}
}

func TestStopAllStopsAll(t *testing.T) {
	f := newFollowing(t, func(realKey, health.Verdict) {})
	f.to(tutorialConfig(), nil)
	f.stopAll()
	if len(f.stopped) != 2 || len(f.running) != 0 {
		t.Errorf("stopped %v, running %d, want both stopped", f.stopped, len(f.running))
	}
}

func TestACheckReportsItsVerdictUnderItsKey(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	address := netip.MustParseAddrPort(server.Listener.Addr().(*net.TCPAddr).String())
	cfg := tutorialConfig()
	cfg.VirtualServers[0].RealServers = []config.RealServer{realServer(address.String())}
	cfg.VirtualServers[0].RealServers[0].Checks[0].Warmup = 0

	type news struct {
		key     realKey
		verdict health.Verdict
	}
	told := make(chan news, 1)
	f := newFollowing(t, func(key realKey, v health.Verdict) { told <- news{key, v} })
	f.to(cfg, map[realKey]*check{{web, address}: {told: true, up: true}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case got := <-told:
		if got.key != (realKey{web, address}) || got.verdict.Up || !strings.Contains(got.verdict.Reason, "404") {
			t.Errorf("told %+v, want %s down because of status 404", got, address)
		}
	case <-ctx.Done():
		t.Error("no verdict")
	}
	if got := f.status(realKey{web, address}); got == nil || got.Done == 0 || got.Failed != got.Done || !strings.Contains(got.LastError, "404") {
		t.Errorf("the check's status is %+v", got)
	}
	if got := f.status(realKey{}); got != nil {
		t.Errorf("a real server without a check has %+v", got)
	}
}
