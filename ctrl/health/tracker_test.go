package health

import (
	"errors"
	"testing"
	"time"
)

const second = time.Second

// step is one check: its outcome, and what the tracker must make of it.
type step struct {
	passes  bool
	probe   int // the probe that is asked
	up      bool
	changed bool
	wait    time.Duration // from this check to the next
}

func TestTracker(t *testing.T) {
	// Timers of three different lengths, so that no wait can be mistaken for another.
	slowRetry := Settings{Interval: 5 * second, Retry: 1, DelayBeforeRetry: 7 * second}
	quickRetry := Settings{Interval: 5 * second, Retry: 2, DelayBeforeRetry: 2 * second}
	noRetry := Settings{Interval: 5 * second, DelayBeforeRetry: 2 * second}
	alpha := quickRetry
	alpha.Alpha = true

	tests := []struct {
		name    string
		tracker *Tracker
		startUp bool
		steps   []step
	}{
		{"a new server counts as up and its first pass is the first verdict", NewTracker(quickRetry, 1), true, []step{
			{passes: true, up: true, changed: true, wait: 5 * second},
			{passes: true, up: true, wait: 5 * second},
		}},
		{"a new server's first failure is enough whatever the retries", NewTracker(quickRetry, 1), true, []step{
			{up: false, changed: true, wait: 5 * second},
			{up: false, wait: 5 * second},
		}},
		{"before all urls have passed once, a failure of a later url is enough", NewTracker(quickRetry, 3), true, []step{
			{passes: true, probe: 0, up: true, wait: 5 * second},
			{passes: true, probe: 1, up: true, wait: 5 * second},
			{probe: 2, up: false, changed: true, wait: 5 * second},
		}},
		{"retry 2 allows three failures, delay_before_retry apart", NewTracker(quickRetry, 1), true, []step{
			{passes: true, up: true, changed: true, wait: 5 * second},
			{up: true, wait: 2 * second},
			{up: true, wait: 2 * second},
			{up: false, changed: true, wait: 5 * second},
		}},
		{"retry 0 allows one failure", NewTracker(noRetry, 1), true, []step{
			{passes: true, up: true, changed: true, wait: 5 * second},
			{up: false, changed: true, wait: 5 * second},
		}},
		{"a pass between failures makes the count start again", NewTracker(quickRetry, 1), true, []step{
			{passes: true, up: true, changed: true, wait: 5 * second},
			{up: true, wait: 2 * second},
			{up: true, wait: 2 * second},
			{passes: true, up: true, wait: 5 * second},
			{up: true, wait: 2 * second},
			{up: true, wait: 2 * second},
			{up: false, changed: true, wait: 5 * second},
		}},
		{"after a failure verdict the next check waits for the longer of both delays", NewTracker(slowRetry, 1), true, []step{
			{passes: true, up: true, changed: true, wait: 5 * second},
			{up: true, wait: 7 * second},
			{up: false, changed: true, wait: 7 * second},
			{up: false, wait: 7 * second},
		}},
		{"the failed url must pass, then the only url once more", NewTracker(quickRetry, 1), true, []step{
			{up: false, changed: true, wait: 5 * second},
			{passes: true, up: false, wait: 5 * second},
			{passes: true, up: true, changed: true, wait: 5 * second},
		}},
		{"the failed url must pass, then all urls once more from the first", NewTracker(noRetry, 3), true, []step{
			{passes: true, probe: 0, up: true, wait: 5 * second},
			{probe: 1, up: false, changed: true, wait: 5 * second},
			{probe: 1, up: false, wait: 5 * second},
			{passes: true, probe: 1, up: false, wait: 5 * second},
			{passes: true, probe: 0, up: false, wait: 5 * second},
			{passes: true, probe: 1, up: false, wait: 5 * second},
			{passes: true, probe: 2, up: true, changed: true, wait: 5 * second},
			{passes: true, probe: 0, up: true, wait: 5 * second},
		}},
		{"a url that fails while the server recovers is asked again without a new start", NewTracker(noRetry, 2), true, []step{
			{probe: 0, up: false, changed: true, wait: 5 * second},
			{passes: true, probe: 0, up: false, wait: 5 * second},
			{passes: true, probe: 0, up: false, wait: 5 * second},
			{probe: 1, up: false, wait: 2 * second},
			{probe: 1, up: false, wait: 2 * second},
			{passes: true, probe: 1, up: true, changed: true, wait: 5 * second},
		}},
		{"a recovered server has all its retries again", NewTracker(quickRetry, 1), true, []step{
			{up: false, changed: true, wait: 5 * second},
			{passes: true, up: false, wait: 5 * second},
			{passes: true, up: true, changed: true, wait: 5 * second},
			{up: true, wait: 2 * second},
			{up: true, wait: 2 * second},
			{up: false, changed: true, wait: 5 * second},
		}},
		{"with retries a url of an up server is asked again, not the next one", NewTracker(quickRetry, 2), true, []step{
			{passes: true, probe: 0, up: true, wait: 5 * second},
			{passes: true, probe: 1, up: true, changed: true, wait: 5 * second},
			{passes: true, probe: 0, up: true, wait: 5 * second},
			{probe: 1, up: true, wait: 2 * second},
			{passes: true, probe: 1, up: true, wait: 5 * second},
			{passes: true, probe: 0, up: true, wait: 5 * second},
		}},
		{"alpha counts as down until all urls have passed", NewTracker(alpha, 2), false, []step{
			{passes: true, probe: 0, up: false, wait: 5 * second},
			{passes: true, probe: 1, up: true, changed: true, wait: 5 * second},
		}},
		{"alpha that fails says so once", NewTracker(alpha, 1), false, []step{
			{up: false, changed: true, wait: 5 * second},
			{up: false, wait: 5 * second},
		}},
		{"an adopted up server has its retries at once", ResumeTracker(quickRetry, 1, Initial{Up: true}), true, []step{
			{up: true, wait: 2 * second},
			{up: true, wait: 2 * second},
			{up: false, changed: true, wait: 5 * second},
		}},
		{"an adopted up server is confirmed by its first pass", ResumeTracker(alpha, 1, Initial{Up: true}), true, []step{
			{passes: true, up: true, changed: true, wait: 5 * second},
			{passes: true, up: true, wait: 5 * second},
		}},
		{"an adopted down server recovers as if it had just failed", ResumeTracker(quickRetry, 1, Initial{}), false, []step{
			{up: false, changed: true, wait: 5 * second},
			{up: false, wait: 5 * second},
			{passes: true, up: false, wait: 5 * second},
			{passes: true, up: true, changed: true, wait: 5 * second},
		}},
		{"an adopted down server that passes at once needs all urls once more", ResumeTracker(quickRetry, 2, Initial{}), false, []step{
			{passes: true, probe: 0, up: false, wait: 5 * second},
			{passes: true, probe: 0, up: false, wait: 5 * second},
			{passes: true, probe: 1, up: true, changed: true, wait: 5 * second},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.tracker.Up() != test.startUp {
				t.Errorf("starts with up %v, want %v", test.tracker.Up(), test.startUp)
			}
			follow(t, test.tracker, test.steps)
		})
	}
}

func follow(t *testing.T, tracker *Tracker, steps []step) {
	t.Helper()
	now := time.Unix(1000, 0)
	for i, step := range steps {
		if got := tracker.Probe(); got != step.probe {
			t.Errorf("check %d asks probe %d, want %d", i, got, step.probe)
		}
		want := Verdict{Up: step.up, Changed: step.changed}
		var err error
		if !step.passes {
			err = errors.New("broken")
			want.Reason = "broken"
		}
		verdict, next := tracker.Observe(now, now, failed(err))
		if verdict != want {
			t.Errorf("check %d gives %+v, want %+v", i, verdict, want)
		}
		if tracker.Up() != step.up {
			t.Errorf("check %d leaves up %v, want %v", i, tracker.Up(), step.up)
		}
		if wait := next.Sub(now); wait != step.wait {
			t.Errorf("check %d waits %v, want %v", i, wait, step.wait)
		}
		now = next
	}
}

func TestFirstCheckIsSpreadOverTheWarmup(t *testing.T) {
	now := time.Unix(1000, 0)
	tests := []struct {
		name     string
		warmup   time.Duration
		fraction float64
		want     time.Duration
	}{
		{"at once at the start of the span", 10 * second, 0, 0},
		{"in the middle", 10 * second, 0.5, 5 * second},
		{"at the end of the span", 10 * second, 1, 10 * second},
		{"at once without a span", 0, 0.7, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			settings := Settings{Interval: 60 * second, Warmup: test.warmup}
			if got := settings.First(now, test.fraction).Sub(now); got != test.want {
				t.Errorf("first check after %v, want %v", got, test.want)
			}
		})
	}
}
