package ctrl

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/dataplane"
)

// fullCheck sets every field of a check, each to another value.
func fullCheck() *config.Check {
	return &config.Check{
		Position: config.Position{File: "keepalived.conf", Line: 31, Column: 5},
		CheckTimes: config.CheckTimes{
			ConnectTimeout: 1 * time.Second, Retry: 2, DelayBeforeRetry: 3 * time.Second,
			DelayLoop: 4 * time.Second, Warmup: 5 * time.Second, Alpha: true, LogAllFailures: true,
		},
		CheckSocket: config.CheckSocket{
			To: netip.MustParseAddrPort("192.168.100.150:8080"), From: netip.MustParseAddrPort("192.168.100.211:99"), Interface: "enp1s0", Mark: 7,
			Path: config.PathAddress,
		},
		Question: &config.HTTPCheck{
			URLs: []config.URL{
				{
					Position: config.Position{Line: 32}, Path: "/index.html", Digest: strings.Repeat("ab", 16), VirtualHost: "a.example",
					StatusCodes: []config.StatusRange{{Low: 200, High: 200}, {Low: 301, High: 302}},
					Regex: &config.Regex{
						Position: config.Position{Line: 33}, Pattern: "ok", NoMatch: true, Options: []string{"caseless"}, MinOffset: 3, MaxOffset: -1,
					},
				},
				{Path: "/second"},
			},
			VirtualHost: "example", HTTPProtocol: "1.1", FastRecovery: true,
			TLS: &config.TLSCheck{SNI: true, SNIName: "sni.example", Compliant: true},
		},
	}
}

func TestValidChecksNamesEveryCheckThatCannotBeMade(t *testing.T) {
	cfg := tutorialConfig()
	if err := probingIn().validChecks(cfg); err != nil {
		t.Fatalf("the tutorial's: %v", err)
	}
	for i := range cfg.VirtualServers[0].RealServers {
		check := &cfg.VirtualServers[0].RealServers[i].Checks[0]
		check.Position = config.Position{File: "keepalived.conf", Line: 10 + i, Column: 5}
		check.Question.(*config.HTTPCheck).URLs[0].Path = "/a b"
	}
	const want = `keepalived.conf:10:5: HTTP_GET: url "/a b": path has a space or a control character
keepalived.conf:11:5: HTTP_GET: url "/a b": path has a space or a control character`
	if err := probingIn().validChecks(cfg); err == nil || err.Error() != want {
		t.Errorf("error %v, want\n%s", err, want)
	}
}

// following runs checkers and notes which were stopped.
type following struct {
	*checkers
	t       *testing.T
	known   *known
	stopped map[checkKey]int
}

func newFollowing(t *testing.T, report func(checkKey, health.Verdict)) *following {
	k := newKnown()
	k.links = lanLinks()
	f := &following{t: t, known: &k, stopped: make(map[checkKey]int)}
	f.checkers = &checkers{log: slog.New(slog.DiscardHandler), probing: probingIn(), running: make(map[checkKey]runningCheck), passages: make(map[passageKey]*passage), saw: func(checkKey, sight) {}, report: report}
	t.Cleanup(f.stopAll)
	return f
}

// to settles a configuration and follows it.
func (f *following) to(c *config.Config) {
	f.t.Helper()
	f.known.settle(c, allOn("enp1s0", c))
	f.again(func(dataplane.ServiceKey) bool { return true })
}

func (f *following) again(active func(dataplane.ServiceKey) bool) {
	f.t.Helper()
	had := make(map[checkKey]bool)
	for key := range f.running {
		had[key] = true
	}
	if err := f.follow(f.t.Context(), f.known.roster.wanted(active), f.known.checks); err != nil {
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
	for name, test := range map[string]struct {
		change           func(*config.Config)
		stopped, running int
	}{
		"nothing changed": {func(*config.Config) {}, 0, 2},
		"only positions moved": {func(c *config.Config) {
			for i := range c.VirtualServers[0].RealServers {
				check := &c.VirtualServers[0].RealServers[i].Checks[0]
				check.Position.Line, check.Question.(*config.HTTPCheck).URLs[0].Position.Line = check.Position.Line+10, 40
			}
		}, 0, 2},
		"a weight changed":  {func(c *config.Config) { c.VirtualServers[0].RealServers[0].Weight = 9 }, 0, 2},
		"one check changed": {func(c *config.Config) { c.VirtualServers[0].RealServers[0].Checks[0].Retry = 9 }, 1, 2},
		"one real server is gone": {func(c *config.Config) {
			c.VirtualServers[0].RealServers = c.VirtualServers[0].RealServers[:1]
		}, 1, 1},
		"one check is gone": {func(c *config.Config) { c.VirtualServers[0].RealServers[0].Checks = nil }, 1, 1},
		"one real server is new": {func(c *config.Config) {
			v := &c.VirtualServers[0]
			v.RealServers = append(v.RealServers, realServer("192.168.100.152:80"))
		}, 0, 3},
		"a second check of one": {func(c *config.Config) {
			r := &c.VirtualServers[0].RealServers[0]
			r.Checks = append(r.Checks, httpCheck(netip.MustParseAddrPort("192.168.100.150:8080")))
		}, 0, 3},
		"another virtual server asks the same": {func(c *config.Config) {
			c.VirtualServers = append(c.VirtualServers, c.VirtualServers[0])
			c.VirtualServers[1].Port = 443
		}, 0, 2},
		"another virtual server asks more patiently": {func(c *config.Config) {
			other := tutorialConfig().VirtualServers[0]
			other.Port = 443
			for i := range other.RealServers {
				other.RealServers[i].Checks[0].Retry = 9
			}
			c.VirtualServers = append(c.VirtualServers, other)
		}, 0, 4},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFollowing(t, func(checkKey, health.Verdict) {})
			f.to(tutorialConfig())
			changed := tutorialConfig()
			test.change(changed)
			f.to(changed)
			if len(f.stopped) != test.stopped || len(f.running) != test.running {
				t.Errorf("stopped %v and %d run, want %d and %d", f.stopped, len(f.running), test.stopped, test.running)
			}
		})
	}
}

// A configuration of thousands of checks must not ask everybody at one moment, again and again.
func TestChecksThatBeginTogetherAreSpreadOverTheirWarmup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const checks, parts = 100, 5
		cfg := tutorialConfig()
		v := &cfg.VirtualServers[0]
		v.RealServers = nil
		for i := range checks {
			v.RealServers = append(v.RealServers, realServer(fmt.Sprintf("192.168.100.%d:80", i+1)))
		}
		warmup := v.RealServers[0].Checks[0].Warmup
		f := newFollowing(t, func(checkKey, health.Verdict) {})
		f.to(cfg)
		synctest.Wait() // each has drawn its place, and waits for it
		var first [parts]int
		for key := range f.running {
			_, next, _ := f.status(key)
			wait := time.Until(next)
			if wait < 0 || wait > warmup {
				t.Fatalf("%s begins in %v, want within %v", key.socket.To, wait, warmup)
			}
			first[min(int(float64(wait)/float64(warmup)*parts), parts-1)]++
		}
		// That one of the parts is empty by chance happens once in a thousand million times.
		if slices.Contains(first[:], 0) || len(f.running) != checks {
			t.Errorf("of %d checks so many begin in each fifth of the warmup: %v", len(f.running), first)
		}
	})
}

func TestChecksRestWhereTheirVirtualServerIsNotServedIfItWantsThat(t *testing.T) {
	cfg := tutorialConfig()
	cfg.VirtualServers[0].HASuspend = true
	f := newFollowing(t, func(checkKey, health.Verdict) {})
	f.to(cfg)
	for _, held := range f.known.checks {
		held.sight = sight{ruling: doubted}
	}
	f.again(func(dataplane.ServiceKey) bool { return false })
	if len(f.running) != 0 || len(f.stopped) != 2 {
		t.Errorf("%d checks run, want none", len(f.running))
	}
	for _, held := range f.known.checks {
		if held.sight != (sight{}) {
			t.Errorf("one that rests is still seen %+v", held.sight)
		}
	}
	if !f.known.roster.suspends() {
		t.Error("nobody knows that a change of state matters")
	}
	other := cfg.VirtualServers[0]
	other.Port, other.HASuspend, other.RealServers = 443, false, other.RealServers[:1]
	cfg.VirtualServers = append(cfg.VirtualServers, other)
	f.known.settle(cfg, allOn("enp1s0", cfg))
	f.again(func(key dataplane.ServiceKey) bool { return key != web })
	if len(f.running) != 1 {
		t.Errorf("%d checks run, want that which another virtual server asks for, too", len(f.running))
	}
}

// A certificate that was renewed in its file is shown from the next reload on, and nothing else is disturbed.
func TestACheckShowsTheCertificateThatIsInItsFileWhenTheConfigurationIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "check.pem")
	cfg := tutorialConfig()
	pages := cfg.VirtualServers[0].RealServers[0].Checks[0].Question.(*config.HTTPCheck)
	pages.TLS = &config.TLSCheck{Credentials: config.Credentials{Certificate: file}}
	f := newFollowing(t, func(checkKey, health.Verdict) {})
	for _, step := range []struct {
		what    string
		serial  int64
		stopped int
	}{{"it is new", 1, 0}, {"it is the same", 1, 0}, {"it was renewed", 2, 1}, {"it is the same again", 2, 0}} {
		clear(f.stopped)
		writeCertificate(t, file, step.serial)
		must(t, f.probing.validChecks(cfg))
		f.to(cfg)
		if len(f.stopped) != step.stopped || len(f.running) != 2 {
			t.Errorf("%s: %d checks were stopped and %d run, want %d and 2", step.what, len(f.stopped), len(f.running), step.stopped)
		}
		for _, running := range f.running {
			if running.shows == nil {
				continue
			}
			leaf, err := x509.ParseCertificate(running.shows.Certificate[0])
			must(t, err)
			if leaf.SerialNumber.Int64() != step.serial {
				t.Errorf("%s: the one with number %d is shown, want %d", step.what, leaf.SerialNumber, step.serial)
			}
		}
	}
	must(t, os.Remove(file))
	clear(f.probing.certificates)
	if err := f.follow(t.Context(), f.known.roster.wanted(func(dataplane.ServiceKey) bool { return true }), f.known.checks); err == nil {
		t.Error("that the file is gone is no error")
	}
	if len(f.running) != 2 {
		t.Errorf("without the file %d checks run: it stops none", len(f.running))
	}
}

// writeCertificate writes one that signs itself, the same each time for a number, and its key.
func writeCertificate(t *testing.T, file string, serial int64) {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(serial)}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	leaf, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	must(t, os.WriteFile(file, text, 0o600))
}

func TestStopAllStopsAll(t *testing.T) {
	f := newFollowing(t, func(checkKey, health.Verdict) {})
	f.to(tutorialConfig())
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
		key     checkKey
		verdict health.Verdict
	}
	told := make(chan news, 1)
	f := newFollowing(t, func(key checkKey, v health.Verdict) { told <- news{key, v} })
	f.known.settle(cfg, allOn("enp1s0", cfg))
	asked := memberOf(f.known, realKey{web, address}).checks[0]
	asked.verdict = verdict{told: true, up: true}
	f.again(func(dataplane.ServiceKey) bool { return true })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case got := <-told:
		if got.key != asked.key || got.verdict.Up || !strings.Contains(got.verdict.Reason, "404") {
			t.Errorf("told %+v, want %s down because of status 404", got, address)
		}
	case <-ctx.Done():
		t.Error("no verdict")
	}
	if got, next, runs := f.status(asked.key); !runs || next.IsZero() || got.Checks == 0 || got.Failures != got.Checks || !strings.Contains(got.LastError, "404") {
		t.Errorf("the check's status is %+v, %v", got, runs)
	}
	if got, _, runs := f.status(checkKey{}); runs {
		t.Errorf("a check that is not there has %+v", got)
	}
}
