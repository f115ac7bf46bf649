package health

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestANudgeMakesTheNextCheckDueAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{outcomes: []error{nil}, cost: 2 * second, start: time.Now()}
		checker, err := NewChecker(CheckerConfig{
			Target: Target{Address: netip.MustParseAddrPort("192.0.2.1:80")}, Probes: []Probe{s.probe},
			Settings: Settings{Interval: 60 * second}, Report: func(Verdict) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*second)
		defer cancel()
		for _, at := range []time.Duration{10 * second, 30 * second, 31 * second} {
			time.AfterFunc(at, checker.Nudge)
		}
		checker.Run(ctx)
		// The first is due at 0, the third nudge comes during a check, and then 60 s pass until the next.
		want := []time.Duration{0, 10 * second, 30 * second, 32 * second, 94 * second}
		if len(s.calls) != len(want) {
			t.Fatalf("checks began at %v, want %v", s.calls, want)
		}
		for n := range want {
			if s.calls[n] != want[n] {
				t.Errorf("checks began at %v, want %v", s.calls, want)
			}
		}
	})
}
