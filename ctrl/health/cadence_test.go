package health

import (
	"errors"
	"math"
	"testing"
	"time"
)

// When keepalived 2.2.7 asked servers that answered well for 9 seconds, badly until 32 seconds, and well again: as measured
// in a user-mode Linux with IPVS. delay_loop 4, retry 2, delay_before_retry 1, warmup 0, the first check at 2.95 s.
func TestChecksComeWhenKeepalivedWasMeasuredToMakeThem(t *testing.T) {
	const badFrom, badTo, end = 9.0, 32.0, 50.0 // seconds
	onceDown := []float64{2.95, 7.0, 11.05, 12.05, 13.1, 17.1, 21.1, 25.1, 29.2, 33.2, 37.2, 41.2, 45.2, 49.2}
	tests := []struct {
		name     string
		kind     Kind
		asked    []float64
		down, up float64
	}{
		{"SMTP_CHECK", KindSMTP, []float64{
			2.95, 7.0, 11.0, 12.0, 13.1, 17.1, 18.1, 19.2, 23.2, 24.2, 25.2, 29.2, 30.3, 31.3, 35.3, 39.3, 43.4, 47.4,
		}, 13.1, 35.3},
		{"HTTP_GET", KindHTTP, onceDown, 13.1, 37.3},
		{"UDP_CHECK", KindUDP, onceDown, 13.1, 33.1},
		{"DNS_CHECK", KindDNS, onceDown, 13.1, 33.2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tracker := NewTracker(Settings{Kind: test.kind, Interval: 4 * second, Retry: 2, DelayBeforeRetry: second}, 1)
			const cost = 20 * time.Millisecond // of a check, and of keepalived's timers
			start := time.Unix(1000, 0)
			var asked []float64
			down, up := 0.0, 0.0
			for now := start.Add(2950 * time.Millisecond); ; {
				at := now.Sub(start).Seconds()
				if at > end {
					break
				}
				asked = append(asked, at)
				var err error
				if at > badFrom && at < badTo {
					err = errors.New("bad")
				}
				verdict, next := tracker.Observe(now, now.Add(cost), failed(err))
				switch {
				case verdict.Changed && !verdict.Up:
					down = at
				case verdict.Changed && down > 0:
					up = at
				}
				now = next
			}
			near := func(a, b float64) bool { return math.Abs(a-b) < 0.3 }
			if len(asked) != len(test.asked) {
				t.Fatalf("asks at %.1f, keepalived at %.1f", asked, test.asked)
			}
			for i := range asked {
				if !near(asked[i], test.asked[i]) {
					t.Errorf("check %d at %.1f, keepalived's at %.1f", i, asked[i], test.asked[i])
				}
			}
			if !near(down, test.down) || !near(up, test.up) {
				t.Errorf("down at %.1f, up at %.1f; keepalived at %.1f and %.1f", down, up, test.down, test.up)
			}
		})
	}
}
