package ctrl

import (
	"context"
	"crypto/tls"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/ctrl/netif"
)

func specOf(c *config.Check) checkSpec {
	return specsOf(&config.VirtualServer{}, c, c.To.Addr(), place{ifname: "enp1s0"})[0]
}

func specsOf(v *config.VirtualServer, c *config.Check, server netip.Addr, at place) (specs []checkSpec) {
	eachSpec(v, c, station{place: at, server: server}, func(s checkSpec) { specs = append(specs, s) })
	return specs
}

// probingIn is what checks of tests are made with.
func probingIn() *probing {
	return &probing{
		runner: noRunner{}, values: noValues{}, through: func(via) vipNetwork { return vipNetwork{} },
		certificates: make(map[config.Credentials]*tls.Certificate),
	}
}

type (
	noRunner struct{}
	noValues struct{}
)

func (noRunner) Run(context.Context, []string, string, string) error { return nil }
func (noValues) Value(string) (int, bool)                            { return 0, false }

func TestAPageIsConvertedToTheTermsOfHealth(t *testing.T) {
	network := netif.HostDialer{Mark: 7}
	want := health.HTTPSettings{
		Network: network,
		URLs: []health.URL{
			{
				Path: "/index.html", Digest: strings.Repeat("ab", 16), VirtualHost: "a.example",
				StatusCodes: []health.StatusRange{{First: 200, Last: 200}, {First: 301, Last: 302}},
				Regex:       &health.Regex{Pattern: "ok", NoMatch: true, Options: []string{"caseless"}, MinOffset: 3},
			},
			{Path: "/second"},
		},
		VirtualHost: "example", ConnectTimeout: time.Second, Protocol: health.HTTP11,
		TLS: &health.TLSSettings{SNI: true, SNIName: "sni.example", Compliant: true},
	}
	got, err := probingIn().httpSettingsOf(fullCheck().Question.(*config.HTTPCheck), network, time.Second)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("settings are\n%+v, %v, want\n%+v", got, err, want)
	}
}

func TestTheTimersOfACheckAreThoseOfItsKind(t *testing.T) {
	want := health.Settings{
		Kind: health.KindHTTP, Interval: 4 * time.Second, Retry: 2, DelayBeforeRetry: 3 * time.Second, Warmup: 5 * time.Second,
		Alpha: true, FastRecovery: true,
	}
	if got := timersOf(specOf(fullCheck())); got != want {
		t.Errorf("timers are %+v, want %+v", got, want)
	}
	file := config.Check{Question: &config.FileCheck{File: "load"}}
	if got, want := timersOf(specOf(&file)), (health.Settings{Kind: health.KindFile, Interval: fileInterval}); got != want {
		t.Errorf("timers of a file are %+v, want %+v", got, want)
	}
}

// questions is one of each kind.
func questions() []config.Question {
	return []config.Question{
		&config.HTTPCheck{URLs: []config.URL{{Path: "/"}}, HTTPProtocol: "1.0"},
		&config.HTTPCheck{URLs: []config.URL{{Path: "/"}}, HTTPProtocol: "1.0", TLS: &config.TLSCheck{}},
		&config.TCPCheck{}, &config.UDPCheck{MaxReply: 255}, &config.DNSCheck{Type: "SOA", Name: "."}, &config.SMTPCheck{HeloName: "a"},
		&config.PingCheck{}, &config.MiscCheck{Command: []string{"/bin/true"}, Timeout: time.Second}, &config.FileCheck{File: "load"},
	}
}

func TestEveryKindOfCheckCanBeMade(t *testing.T) {
	seen := make(map[health.Kind]bool)
	for _, q := range questions() {
		check := fullCheck()
		check.Question = q
		spec := specOf(check)
		probes, err := probingIn().probesOf(spec)
		if err != nil || len(probes) != 1 {
			t.Errorf("%s: %d probes, %v", q.Keyword(), len(probes), err)
		}
		kind, known := checkKinds[q.Keyword()]
		if !known {
			t.Errorf("%s is of no kind", q.Keyword())
		}
		seen[kind] = true
		report := func(health.Verdict) {}
		cfg := health.CheckerConfig{Target: targetOf(spec), Probes: probes, Settings: timersOf(spec), Report: report}
		if _, err := health.NewChecker(cfg); err != nil {
			t.Errorf("%s: %v", q.Keyword(), err)
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d kinds were tried", len(seen))
	}
}

func TestWhereACheckGoes(t *testing.T) {
	v := &config.VirtualServer{Group: "webs", Members: []netip.AddrPort{
		netip.MustParseAddrPort("192.168.100.221:80"), netip.MustParseAddrPort("192.168.100.221:443"), netip.MustParseAddrPort("192.168.100.222:80"),
	}}
	throughVIP := func(c *config.Check) { c.Path = config.PathVIP }
	both := func(c *config.Check) { c.Path, c.To = config.PathAuto, netip.MustParseAddrPort("192.168.100.150:80") }
	for name, test := range map[string]struct {
		change func(*config.Check)
		at     place
		want   []string
	}{
		"to the address":                      {func(*config.Check) {}, place{ifname: "enp1s0"}, []string{"address 192.168.100.150:8080"}},
		"through each VIP, once":              {throughVIP, place{ifname: "enp1s0"}, []string{"vip 192.168.100.221:8080", "vip 192.168.100.222:8080"}},
		"to the address, for it is this host": {throughVIP, place{local: true}, []string{"address 192.168.100.150:8080"}},
		"to each host of an SMTP_CHECK": {func(c *config.Check) {
			one, two := c.CheckSocket, c.CheckSocket
			one.To, two.To, two.Path = netip.MustParseAddrPort("10.0.0.1:25"), netip.MustParseAddrPort("10.0.0.2:26"), config.PathVIP
			c.Question = &config.SMTPCheck{Hosts: []config.CheckSocket{one, two}}
		}, place{ifname: "enp1s0"}, []string{"address 10.0.0.1:25", "vip 192.168.100.221:26", "vip 192.168.100.222:26"}},
		"both ways, through the VIPs that have its port": {both, place{ifname: "enp1s0"},
			[]string{"auto 192.168.100.150:80 192.168.100.221", "auto 192.168.100.150:80 192.168.100.222"}},
		"to the address by default, for it is this host": {both, place{local: true}, []string{"address 192.168.100.150:80"}},
		"to the address by default, for no client asks at that port": {
			func(c *config.Check) { c.Path = config.PathAuto }, place{ifname: "enp1s0"}, []string{"address 192.168.100.150:8080"},
		},
		"to the address by default, for it is another host's": {func(c *config.Check) {
			both(c)
			c.To = netip.MustParseAddrPort("10.0.0.1:80")
		}, place{ifname: "enp1s0"}, []string{"address 10.0.0.1:80"}},
		"to the address by default, for no client asks by UDP": {func(c *config.Check) {
			both(c)
			c.Question = &config.DNSCheck{}
		}, place{ifname: "enp1s0"}, []string{"address 192.168.100.150:80"}},
		"to the address by default, for no client pings": {func(c *config.Check) {
			both(c)
			c.Question = &config.PingCheck{}
		}, place{ifname: "enp1s0"}, []string{"address 192.168.100.150:80"}},
		"nowhere": {func(c *config.Check) {
			c.CheckSocket, c.Question = config.CheckSocket{}, &config.MiscCheck{}
		}, place{ifname: "enp1s0"}, []string{"address "}},
	} {
		t.Run(name, func(t *testing.T) {
			check := fullCheck()
			test.change(check)
			var got []string
			keys := make(map[checkKey]bool)
			for _, spec := range specsOf(v, check, netip.MustParseAddr("192.168.100.150"), test.at) {
				to := spec.path() + " " + spec.address()
				if spec.bothWays() {
					to += " " + spec.via.vip.String()
				}
				got = append(got, to)
				keys[spec.key()] = true
			}
			if !slices.Equal(got, test.want) || len(keys) != len(got) {
				t.Errorf("%q in %d checks, want %q", got, len(keys), test.want)
			}
		})
	}
}

func TestADefaultCheckAsksThroughFewVIPsAndNotAmongBalancers(t *testing.T) {
	v := &config.VirtualServer{Group: "many"}
	for i := range byte(3 * mostVIPs) {
		v.Members = append(v.Members, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, i}), 0))
	}
	check := fullCheck()
	check.Path = config.PathAuto
	at := station{place: place{ifname: "enp1s0"}, server: check.To.Addr()}
	count := func() (n int) {
		eachSpec(v, check, at, func(s checkSpec) {
			if s.via != (via{}) {
				n++
			}
		})
		return n
	}
	if got := count(); got != mostVIPs {
		t.Errorf("it goes through %d VIPs, want %d", got, mostVIPs)
	}
	at.amongBalancers = true
	if got := count(); got != 0 {
		t.Errorf("among balancers it goes through %d VIPs", got)
	}
	check.Path = config.PathVIP
	if got := count(); got != len(v.Members) {
		t.Errorf("as it is told to it goes through %d VIPs, want all %d", got, len(v.Members))
	}
}

// A field that is added to the configuration of a check must not be forgotten here: two checks that differ in it are not
// one.
func TestTheKeyOfACheckHeedsEveryFieldButItsPosition(t *testing.T) {
	before := specOf(fullCheck()).key()
	pages := func(c *config.Check) *config.HTTPCheck { return c.Question.(*config.HTTPCheck) }
	differs := func(c *config.Check) bool { return specOf(c).key() != before }
	for name, pick := range map[string]func(*config.Check) any{
		"CheckTimes":  func(c *config.Check) any { return &c.CheckTimes },
		"CheckSocket": func(c *config.Check) any { return &c.CheckSocket },
		"HTTPCheck":   func(c *config.Check) any { return pages(c) },
		"TLSCheck":    func(c *config.Check) any { return pages(c).TLS },
		"URL":         func(c *config.Check) any { return &pages(c).URLs[0] },
		"Regex":       func(c *config.Check) any { return pages(c).URLs[0].Regex },
	} {
		checkHeeded(t, name, fullCheck, pick, differs)
	}
	for _, q := range questions() {
		asking := func() *config.Check { c := fullCheck(); c.Question = q; return c }
		other := specOf(asking()).key()
		if other == before {
			t.Errorf("%s is one with another kind", q.Keyword())
		}
		for _, again := range questions() {
			c := asking()
			if c.Question = again; specOf(c).key() == other != (reflect.DeepEqual(q, again)) {
				t.Errorf("%s and %s: one check or not is wrong", q.Keyword(), again.Keyword())
			}
		}
	}
}

func TestTwoChecksAreKeptApartWhateverTheirTextsHold(t *testing.T) {
	of := func(host, path string) checkKey {
		c := fullCheck()
		c.Question = &config.HTTPCheck{VirtualHost: host, URLs: []config.URL{{Path: path}}}
		return specOf(c).key()
	}
	if of("a", "/;b") == of("a;", "/b") || of(`a"`, "/") == of("a", `"/`) {
		t.Error("texts that are divided otherwise make one key")
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
