package health

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// script is a probe in memory: its n-th call takes cost and returns the n-th outcome, the last one for ever.
type script struct {
	cost     time.Duration
	outcomes []error
	calls    []time.Duration // when each call began, after start
	start    time.Time
	running  atomic.Int32
	overlaps atomic.Int32
}

func (s *script) probe(ctx context.Context, _ Target) Answer {
	if s.running.Add(1) > 1 {
		s.overlaps.Add(1)
	}
	defer s.running.Add(-1)
	outcome := s.outcomes[min(len(s.calls), len(s.outcomes)-1)]
	s.calls = append(s.calls, time.Since(s.start))
	select {
	case <-ctx.Done():
		return failed(ctx.Err())
	case <-time.After(s.cost):
		return failed(outcome)
	}
}

// report is a verdict and when it came.
type report struct {
	verdict Verdict
	after   time.Duration
}

// runFor runs a checker of the script for a while of fake time and returns its reports.
func runFor(t *testing.T, s *script, config CheckerConfig, length time.Duration) ([]report, *Checker) {
	t.Helper()
	s.start = time.Now()
	var reports []report
	config.Target = Target{Address: netip.MustParseAddrPort("192.0.2.1:80")}
	config.Probes = []Probe{s.probe}
	config.Report = func(v Verdict) { reports = append(reports, report{v, time.Since(s.start)}) }
	checker, err := NewChecker(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	if err := checker.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run returns %v, want the context's error", err)
	}
	if took := time.Since(s.start); took != length {
		t.Errorf("Run took %v, want %v", took, length)
	}
	return reports, checker
}

func TestCheckerReportsTransitionsOnly(t *testing.T) {
	broken, refused := errors.New("broken"), errors.New("refused")
	settings := Settings{Interval: 10 * second, Retry: 1, DelayBeforeRetry: 3 * second, Warmup: 10 * second}
	tests := []struct {
		name     string
		outcomes []error
		cost     time.Duration
		spread   float64
		initial  *Initial
		reports  []report
	}{
		{"a healthy server is reported once", []error{nil}, 0, 0, nil,
			[]report{{Verdict{Up: true, Changed: true}, 0}}},
		{"the first check waits for its place in the warmup", []error{nil}, 0, 0.5, nil,
			[]report{{Verdict{Up: true, Changed: true}, 5 * second}}},
		{"a broken server is reported once, with the first reason", []error{broken, refused}, 0, 0, nil,
			[]report{{Verdict{Changed: true, Reason: "broken"}, 0}}},
		{"a forgiven failure is not reported", []error{nil, broken, nil}, 0, 0, nil,
			[]report{{Verdict{Up: true, Changed: true}, 0}}},
		{"a fall is reported with the last reason and a rise without", []error{nil, broken, refused, nil}, 0, 0, nil,
			[]report{
				{Verdict{Up: true, Changed: true}, 0},
				{Verdict{Changed: true, Reason: "refused"}, 13 * second},
				{Verdict{Up: true, Changed: true}, 33 * second}, // next check at 23, all checks once more at 33
			}},
		{"the waits are counted from the end of a check", []error{nil, broken}, second, 0, nil,
			[]report{
				{Verdict{Up: true, Changed: true}, second},
				{Verdict{Changed: true, Reason: "broken"}, 16 * second}, // 1 + 10 + 1 + 3 + 1
			}},
		{"an adopted down server that stays down is reported once, with the reason", []error{broken, refused}, 0, 0, &Initial{Up: false},
			[]report{{Verdict{Changed: true, Reason: "broken"}, 0}}},
		{"an adopted up server has its retries", []error{broken}, 0, 0, &Initial{Up: true},
			[]report{{Verdict{Changed: true, Reason: "broken"}, 3 * second}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{outcomes: test.outcomes, cost: test.cost}
				reports, _ := runFor(t, s, CheckerConfig{Settings: settings, Initial: test.initial, Spread: test.spread}, 100*second)
				if !reflect.DeepEqual(reports, test.reports) {
					t.Errorf("reports %v, want %v", reports, test.reports)
				}
			})
		})
	}
}

func TestNudgeMakesTheNextCheckDueNow(t *testing.T) {
	settings := Settings{Interval: 10 * second, Warmup: 10 * second}
	tests := []struct {
		name   string
		cost   time.Duration
		nudges []time.Duration
		want   []time.Duration // when the checks begin
	}{
		{"while it waits", 0, []time.Duration{4 * second}, []time.Duration{0, 4 * second, 14 * second}},
		{"while it checks, the next follows at once", 3 * second, []time.Duration{2 * second}, []time.Duration{0, 3 * second, 16 * second}},
		{"several are one", 3 * second, []time.Duration{second, 2 * second, 2 * second}, []time.Duration{0, 3 * second, 16 * second}},
		{"never", 0, nil, []time.Duration{0, 10 * second}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{outcomes: []error{nil}, cost: test.cost, start: time.Now()}
				config := validConfig()
				config.Probes, config.Settings = []Probe{s.probe}, settings
				checker, err := NewChecker(config)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 18*second)
				defer cancel()
				for _, after := range test.nudges {
					time.AfterFunc(after, checker.Nudge)
				}
				if err := checker.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Run returns %v", err)
				}
				if !reflect.DeepEqual(s.calls, test.want) {
					t.Errorf("checks begin at %v, want %v", s.calls, test.want)
				}
			})
		})
	}
}

func TestForgivenFailuresAreToldWhoWantsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken, refused := errors.New("broken"), errors.New("refused")
		s := &script{outcomes: []error{nil, broken, refused, refused}}
		var told []string
		runFor(t, s, CheckerConfig{
			Settings: Settings{Interval: 10 * second, Retry: 1, DelayBeforeRetry: 3 * second},
			Failed:   func(reason string) { told = append(told, reason) },
		}, 50*second)
		if want := []string{"broken"}; !reflect.DeepEqual(told, want) {
			t.Errorf("told %q, want %q: the second failure is a transition, and then the server is down", told, want)
		}
	})
}

func TestStartsAreToldHowLateTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late []time.Duration
		s := &script{outcomes: []error{nil}}
		runFor(t, s, CheckerConfig{
			Settings: Settings{Interval: 10 * second}, Started: func(by time.Duration) { late = append(late, by) },
		}, 25*second)
		if want := []time.Duration{0, 0, 0}; !reflect.DeepEqual(late, want) { // a fake clock is never late
			t.Errorf("late by %v, want %v", late, want)
		}
	})
}

// An hour of a hundred servers that rise and fall with each check leaves nothing behind.
func TestAnHourOfFlappingLeavesNothingBehind(t *testing.T) {
	const servers = 100
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var running sync.WaitGroup
		var transitions atomic.Int64
		for range servers {
			n := 0
			config := validConfig()
			config.Settings.Kind = KindTCP
			config.Probes = []Probe{func(context.Context, Target) Answer {
				if n++; n%2 == 0 {
					return failed(errors.New("broken"))
				}
				return Answer{}
			}}
			config.Report = func(Verdict) { transitions.Add(1) }
			checker, err := NewChecker(config)
			if err != nil {
				t.Fatal(err)
			}
			running.Go(func() { _ = checker.Run(ctx) }) // it ends with the context
		}
		time.Sleep(time.Minute)
		goroutines, before := runtime.NumGoroutine(), heap()
		time.Sleep(58 * time.Minute)
		if now := runtime.NumGoroutine(); now > goroutines {
			t.Errorf("%d goroutines after an hour, %d after a minute", now, goroutines)
		}
		const room = 256 << 10
		if now := heap(); now > before+room {
			t.Errorf("heap of %d KiB after an hour, %d KiB after a minute", now>>10, before>>10)
		}
		running.Wait()
		if want := int64(servers * 3600); transitions.Load() < want {
			t.Errorf("%d transitions, want %d", transitions.Load(), want)
		}
	})
}

func heap() uint64 {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return memory.HeapAlloc
}

func TestCheckerHasOneProbeInFlightHoweverSlowItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{outcomes: []error{nil}, cost: 5 * second}
		runFor(t, s, CheckerConfig{Settings: Settings{Interval: second}}, 20*second)
		want := []time.Duration{0, 6 * second, 12 * second, 18 * second}
		if !reflect.DeepEqual(s.calls, want) {
			t.Errorf("checks begin at %v, want %v", s.calls, want)
		}
		if s.overlaps.Load() != 0 {
			t.Errorf("%d checks began before the last one ended", s.overlaps.Load())
		}
	})
}

func TestACheckCutOffByTheEndIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{outcomes: []error{nil}, cost: time.Hour}
		reports, checker := runFor(t, s, CheckerConfig{Settings: Settings{Interval: second}}, 10*second)
		if len(s.calls) != 1 || len(reports) != 0 {
			t.Errorf("%d checks, reports %v, want 1 and none", len(s.calls), reports)
		}
		if status := checker.Status(); status != (Status{Up: true}) {
			t.Errorf("status %+v, want that of before the check", status)
		}
	})
}

func TestCheckerAsksItsProbesInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := Target{Address: netip.MustParseAddrPort("192.0.2.1:80")}
		var asked []int
		config := CheckerConfig{Target: target, Settings: Settings{Interval: second}, Report: func(Verdict) {}}
		for i := range 3 {
			config.Probes = append(config.Probes, func(_ context.Context, got Target) Answer {
				if got != target {
					t.Errorf("probe %d is asked about %v, want %v", i, got, target)
				}
				asked = append(asked, i)
				return Answer{}
			})
		}
		checker, err := NewChecker(config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
		defer cancel()
		if err := checker.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run returns %v", err)
		}
		if want := []int{0, 1, 2, 0, 1}; !reflect.DeepEqual(asked, want) {
			t.Errorf("asked probes %v, want %v", asked, want)
		}
	})
}

func TestStatusTellsWhatTheChecksSaw(t *testing.T) {
	broken, refused := errors.New("broken"), errors.New("refused")
	settings := Settings{Interval: 10 * second, Retry: 1, DelayBeforeRetry: 3 * second}
	alpha := settings
	alpha.Alpha = true
	tests := []struct {
		name     string
		settings Settings
		outcomes []error
		length   time.Duration
		last     time.Duration // when the last check ended
		want     Status        // but for LastCheck
	}{
		{"a passed check", settings, []error{nil}, second, 0, Status{Up: true, Checks: 1}},
		{"a forgiven failure shows as the last error", settings, []error{nil, broken}, 11 * second, 10 * second,
			Status{Up: true, Checks: 2, Failures: 1, LastError: "broken"}},
		{"a down server shows the latest reason", settings, []error{broken, refused}, 11 * second, 10 * second,
			Status{Checks: 2, Failures: 2, LastError: "refused", Reason: "refused"}},
		{"a recovering server keeps its reason", settings, []error{broken, nil}, 11 * second, 10 * second,
			Status{Checks: 2, Failures: 1, Reason: "broken"}},
		{"a recovered server has no reason", settings, []error{broken, nil}, 21 * second, 20 * second,
			Status{Up: true, Checks: 3, Failures: 1}},
		{"an error without a text is a failure all the same", settings, []error{errors.New("")}, second, 0,
			Status{Checks: 1, Failures: 1}},
		{"alpha is down without a failure", alpha, []error{nil}, second, 0, Status{Up: true, Checks: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{outcomes: test.outcomes}
				_, checker := runFor(t, s, CheckerConfig{Settings: test.settings}, test.length)
				test.want.LastCheck = s.start.Add(test.last)
				if status := checker.Status(); status != test.want {
					t.Errorf("status %+v, want %+v", status, test.want)
				}
			})
		})
	}
}

func TestReportFindsTheStatusUpToDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var checker *Checker
		ctx, cancel := context.WithCancel(t.Context())
		config := validConfig()
		config.Probes = []Probe{func(context.Context, Target) Answer { return failed(errors.New("broken")) }}
		config.Report = func(Verdict) {
			if status := checker.Status(); status.Up || status.Reason != "broken" {
				t.Errorf("status %+v while the fall is reported", status)
			}
			cancel()
		}
		var err error
		if checker, err = NewChecker(config); err != nil {
			t.Fatal(err)
		}
		if err := checker.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run returns %v", err)
		}
	})
}

func validConfig() CheckerConfig {
	return CheckerConfig{
		Target:   Target{Address: netip.MustParseAddrPort("192.0.2.1:80")},
		Probes:   []Probe{func(context.Context, Target) Answer { return Answer{} }},
		Settings: Settings{Interval: second},
		Report:   func(Verdict) {},
	}
}

func TestCheckerConfigOutOfRangeIsRefused(t *testing.T) {
	if _, err := NewChecker(validConfig()); err != nil {
		t.Fatalf("a valid configuration is refused: %v", err)
	}
	tests := []struct {
		name  string
		spoil func(*CheckerConfig)
		want  string
	}{
		{"no address", func(c *CheckerConfig) { c.Target = Target{} }, "no address"},
		{"no probe", func(c *CheckerConfig) { c.Probes = nil }, "no probe"},
		{"nobody to report to", func(c *CheckerConfig) { c.Report = nil }, "nobody to report to"},
		{"interval 0, which would check without a pause", func(c *CheckerConfig) { c.Settings.Interval = 0 }, "check interval 0s is not above 0"},
		{"negative retry", func(c *CheckerConfig) { c.Settings.Retry = -1 }, "negative"},
		{"negative delay", func(c *CheckerConfig) { c.Settings.DelayBeforeRetry = -1 }, "negative"},
		{"negative warmup", func(c *CheckerConfig) { c.Settings.Warmup = -1 }, "negative"},
		{"several probes of a kind that has one", func(c *CheckerConfig) {
			c.Settings.Kind = KindTCP
			c.Probes = append(c.Probes, c.Probes...)
		}, "checker has 2 probes, and its kind has one"},
		{"spread above 1", func(c *CheckerConfig) { c.Spread = 1.1 }, "spread 1.1 is not within 0 to 1"},
		{"spread that is no number", func(c *CheckerConfig) { c.Spread = math.NaN() }, "spread NaN is not within 0 to 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := validConfig()
			test.spoil(&config)
			_, err := NewChecker(config)
			wantError(t, err, test.want)
		})
	}
}
