package health

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// CheckerConfig is what a Checker needs.
type CheckerConfig struct {
	Target Target
	// Probes are asked in turn, at least one. See [HTTPGet].
	Probes []Probe
	// Settings are the timers.
	Settings Settings
	// Initial is the state to go on from, or nil if nothing is known of the real server.
	Initial *Initial
	// Spread is this checker's place in the warmup span, 0 to 1. See [Settings.First].
	Spread float64
	// Report is called with the first verdict, with each transition and with each new weight, on the goroutine of Run, so
	// that the next check waits for it.
	Report func(Verdict)
	// Failed, if not nil, is called like Report with each check that fails while the real server counts as up, and leaves
	// it so (keepalived: log_all_failures).
	Failed func(reason string)
	// Started, if not nil, is called when a check starts, with how much later that is than it was due.
	Started func(late time.Duration)
}

// Checker runs the probes of one real server, one at a time.
type Checker struct {
	config  CheckerConfig
	tracker *Tracker
	place   place
	nudged  chan struct{} // holds a token when the next check is due at once

	mu     sync.Mutex
	status Status
	next   time.Time
}

// Status is a snapshot of a Checker.
type Status struct {
	// Up says what the real server counts as.
	Up bool
	// Reason is why the real server counts as down: the last failure. It is empty while the real server counts as up, or
	// as down without a failed check (Settings.Alpha, Initial).
	Reason string
	// Checks is the number of checks done, Failures how many of them failed.
	Checks, Failures uint64
	// LastCheck is when the last check ended, zero before the first.
	LastCheck time.Time
	// LastError is the last check's error, or empty if it passed. It can be set while Up: the failure was forgiven.
	LastError string
	// Weight is what the last check that passed makes of the weight.
	Weight Weight
}

// NewChecker returns a checker that Run starts. It returns an error if the configuration is out of range.
func NewChecker(config CheckerConfig) (*Checker, error) {
	switch {
	case !config.Target.Address.IsValid():
		return nil, errors.New("checker has no address to check")
	case len(config.Probes) == 0:
		return nil, errors.New("checker has no probe")
	case config.Report == nil:
		return nil, errors.New("checker has nobody to report to")
	case config.Settings.Interval <= 0:
		return nil, fmt.Errorf("check interval %v is not above 0", config.Settings.Interval)
	case config.Settings.Retry < 0 || config.Settings.DelayBeforeRetry < 0 || config.Settings.Warmup < 0:
		return nil, errors.New("retry, delay before retry or warmup is negative")
	case !(config.Spread >= 0 && config.Spread <= 1):
		return nil, fmt.Errorf("spread %v is not within 0 to 1", config.Spread)
	}
	if len(config.Probes) > 1 && !config.Settings.Kind.manner().walks {
		return nil, fmt.Errorf("checker has %d probes, and its kind has one", len(config.Probes))
	}
	tracker := NewTracker(config.Settings, len(config.Probes))
	if config.Initial != nil {
		tracker = ResumeTracker(config.Settings, len(config.Probes), *config.Initial)
	}
	return &Checker{
		config: config, tracker: tracker, place: place{interval: config.Settings.Interval},
		nudged: make(chan struct{}, 1), status: Status{Up: tracker.Up()},
	}, nil
}

// Nudge makes the next check due now, because something is known that it would tell. One that is under way is not cut
// short; the next then follows it at once. Nudges that come before the check has started are one. It is safe for
// concurrent use and does not wait.
func (c *Checker) Nudge() {
	select {
	case c.nudged <- struct{}{}:
	default:
	}
}

// Status returns how the real server stands. It is safe for concurrent use.
func (c *Checker) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// Next is when the next check is due, or when the one was that is under way; zero before Run. It is safe for concurrent use.
func (c *Checker) Next() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next
}

func (c *Checker) expect(next time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = next
}

// Run checks until ctx ends, and returns ctx's error. It is called once.
func (c *Checker) Run(ctx context.Context) error {
	next := c.config.Settings.First(time.Now(), c.config.Spread)
	c.expect(next)
	timer := time.NewTimer(time.Until(next))
	defer timer.Stop()
	for {
		timer.Reset(time.Until(next))
		due, err := c.wait(ctx, timer.C, next)
		if err != nil {
			return err
		}
		begun := time.Now()
		if c.config.Started != nil {
			c.config.Started(begun.Sub(due))
		}
		answer := c.config.Probes[c.tracker.Probe()](ctx, c.config.Target)
		if err := ctx.Err(); err != nil {
			return err // a check that was cut off says nothing about the real server
		}
		next = c.observe(timing{due, begun, time.Now(), answer.Err == nil}, answer)
	}
}

// observe takes in an answer and returns when the next check is due.
func (c *Checker) observe(check timing, answer Answer) (next time.Time) {
	verdict, next := c.tracker.Observe(check.begun, check.ended, answer)
	next = c.place.keep(check, next)
	c.record(check.ended, answer, verdict)
	c.expect(next)
	switch {
	case verdict.Changed || verdict.Reweighted:
		c.config.Report(verdict)
	case answer.Err != nil && verdict.Up && c.config.Failed != nil:
		c.config.Failed(verdict.Reason)
	}
	return next
}

// record keeps the status true. It comes before the report, so that who is told of a transition finds it there.
func (c *Checker) record(now time.Time, answer Answer, verdict Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.Up = verdict.Up
	c.status.Weight = verdict.Weight
	c.status.Checks++
	c.status.LastCheck = now
	c.status.LastError = verdict.Reason
	if answer.Err != nil {
		c.status.Failures++
	}
	switch {
	case verdict.Up:
		c.status.Reason = ""
	case answer.Err != nil && !errors.Is(answer.Err, ErrNotAsked):
		c.status.Reason = verdict.Reason
	}
}

// wait returns at the given time, which it is told of, or at the next nudge, with when the check was due, or with ctx's
// error if that ends first.
func (c *Checker) wait(ctx context.Context, come <-chan time.Time, when time.Time) (due time.Time, err error) {
	select {
	case <-ctx.Done():
		return when, ctx.Err()
	case <-come:
		return when, nil
	case <-c.nudged:
		return time.Now(), nil
	}
}
