package health

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// outage is a real server that fails from one time to another, and how long a failing check takes.
type outage struct {
	from, to time.Time
	cost     time.Duration
}

// check says how a check that starts at now ends. One that starts inside the outage fails even if the outage ends
// meanwhile: its SYN is lost, and the kernel sends the next only when connect_timeout is over.
func (o outage) check(now time.Time) (end time.Time, err error) {
	if now.Before(o.from) || !now.Before(o.to) {
		return now, nil
	}
	return now.Add(o.cost), errors.New("broken")
}

// transitions runs a tracker through the outage and returns how long after its start and end the verdicts came.
func (o outage) transitions(tracker *Tracker, first time.Time) (down, up time.Duration) {
	for next := first; ; {
		end, err := o.check(next)
		var verdict Verdict
		verdict, next = tracker.Observe(end, end, failed(err))
		switch {
		case !verdict.Changed || end.Before(o.from):
		case verdict.Up:
			return down, end.Sub(o.to)
		default:
			down = end.Sub(o.from)
		}
	}
}

type span struct{ min, max time.Duration }

func (s span) String() string { return fmt.Sprintf("%v to %v", s.min, s.max) }

func (s *span) add(d time.Duration) {
	if s.max == 0 {
		s.min = d
	}
	s.min, s.max = min(s.min, d), max(s.max, d)
}

// The tutorial's settings, on a simulated clock, against the times that keepalived took on a real one.
func TestTransitionsTakeAsLongAsKeepalivedWasMeasuredToTake(t *testing.T) {
	tutorial := Settings{Interval: second, Retry: 1, DelayBeforeRetry: second, Warmup: second}
	const (
		connectTimeout = second
		// A measurement sees a change later than it happened: it polls, and a server or link takes time to come back.
		lag = 400 * time.Millisecond
	)
	tests := []struct {
		name                     string
		cost                     time.Duration
		down, up                 span // that the settings allow: from the luckiest phase to the unluckiest
		measuredDown, measuredUp span // keepalived 2.2.7
	}{
		{
			name: "the server's port is cut", cost: connectTimeout,
			down: span{3 * second, 4 * second}, measuredDown: span{3600 * time.Millisecond, 4200 * time.Millisecond},
			up: span{second, 3 * second}, measuredUp: span{2100 * time.Millisecond, 3300 * time.Millisecond},
		},
		{
			name: "the web server is stopped and connections are refused", cost: 0,
			down: span{second, 2 * second}, measuredDown: span{2000 * time.Millisecond, 2000 * time.Millisecond},
			up: span{second, 2 * second}, measuredUp: span{2100 * time.Millisecond, 2100 * time.Millisecond},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			start := time.Unix(1000, 0)
			var down, up span
			for range 2000 {
				from := start.Add(10*second + time.Duration(random.Int64N(int64(5*second))))
				to := from.Add(10*second + time.Duration(random.Int64N(int64(5*second))))
				tracker := NewTracker(tutorial, 1)
				d, u := outage{from, to, test.cost}.transitions(tracker, tutorial.First(start, random.Float64()))
				down.add(d)
				up.add(u)
			}
			within(t, "down", down, test.down, test.measuredDown, lag)
			within(t, "up", up, test.up, test.measuredUp, lag)
		})
	}
}

// within wants the simulation to fill the allowed span and every measured time to be among the simulated ones.
func within(t *testing.T, name string, simulated, allowed, measured span, lag time.Duration) {
	t.Helper()
	const edge = 20 * time.Millisecond
	if simulated.min < allowed.min || simulated.max > allowed.max {
		t.Errorf("%s after %v, outside %v", name, simulated, allowed)
	}
	if simulated.min > allowed.min+edge || simulated.max < allowed.max-edge {
		t.Errorf("%s after %v, does not fill %v", name, simulated, allowed)
	}
	if measured.min < simulated.min || measured.max > simulated.max+lag {
		t.Errorf("%s after %v, but keepalived took %v", name, simulated, measured)
	}
}
