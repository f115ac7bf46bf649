package ctrl

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/health"
)

// runningCheck is a checker on its goroutine.
type runningCheck struct {
	spec    checkSpec
	checker *health.Checker
	ctx     context.Context
	stop    context.CancelFunc
	failure *atomic.Int64 // the health.Failure of the last probe through the VIP
	both    *bothWays     // nil for a check that goes one way
	shows   *tls.Certificate
}

// checkers runs a checker for all that ask the same. Its methods belong to the controller's goroutine.
type checkers struct {
	log     *slog.Logger
	probing *probing
	running map[checkKey]runningCheck
	// passages are those of the checks that go both ways, by what they are for.
	passages map[passageKey]*passage
	// saw and report are called on a checker's goroutine; they must not wait.
	saw    func(checkKey, sight)
	report func(checkKey, health.Verdict)
}

// follow makes exactly the given checks run. Those that stay as they are go on undisturbed; one that is new, or whose
// certificate is another one since, begins from what is known.
func (c *checkers) follow(ctx context.Context, wanted map[checkKey]checkSpec, known map[checkKey]*check) error {
	for key, check := range c.running {
		if _, still := wanted[key]; !still {
			c.end(key, check)
			known[key].unsee()
		}
	}
	var errs []error
	for key, spec := range wanted {
		if running, runs := c.running[key]; runs {
			current, err := c.probing.shownBy(spec)
			if err != nil || sameCertificate(running.shows, current) {
				errs = append(errs, err)
				continue
			}
			c.end(key, running)
		}
		errs = append(errs, c.start(ctx, key, spec, known))
	}
	return errors.Join(errs...)
}

func (c *checkers) start(ctx context.Context, key checkKey, spec checkSpec, known map[checkKey]*check) error {
	check := runningCheck{spec: spec, failure: new(atomic.Int64)}
	probes, err := c.probing.probesOf(spec)
	if err != nil {
		return err
	}
	if check.shows, err = c.probing.shownBy(spec); err != nil {
		return err
	}
	switch {
	case spec.bothWays():
		if check.both, err = c.bothWays(key, spec, probes); err != nil {
			return err
		}
		probes = check.both.probes()
	case spec.via != via{}:
		probes = watched(probes, check.failure)
	}
	cfg := health.CheckerConfig{Target: targetOf(spec), Probes: probes, Settings: timersOf(spec), Spread: rand.Float64()}
	if spec.times.LogAllFailures {
		cfg.Failed = func(reason string) {
			c.log.Info("a check has failed, which changes nothing yet", "check", spec.name(), "address", spec.address(), "reason", reason)
		}
	}
	if was := known[key]; was != nil && was.told {
		cfg.Initial = &health.Initial{Up: was.up}
	}
	ctx, check.stop = context.WithCancel(ctx)
	check.ctx = ctx
	cfg.Report = func(v health.Verdict) {
		if ctx.Err() == nil { // a checker that was replaced has nothing to say any more
			c.report(key, v)
		}
	}
	check.checker, err = health.NewChecker(cfg)
	if err != nil {
		check.stop()
		return err
	}
	c.running[key] = check
	c.join(check)
	known[key].unsee()
	go func() {
		if err := check.checker.Run(ctx); !errors.Is(err, context.Canceled) {
			c.log.Error("a check has ended", "check", spec.name(), "address", spec.address(), "error", err)
		}
	}()
	return nil
}

// status is what a check has seen and when it will look again; nothing if it does not run.
func (c *checkers) status(key checkKey) (seen health.Status, next time.Time, runs bool) {
	check, runs := c.running[key]
	if !runs {
		return seen, next, false
	}
	return check.checker.Status(), check.checker.Next(), true
}

// nudge makes a check due at once, if it runs.
func (c *checkers) nudge(key checkKey) {
	if check, runs := c.running[key]; runs {
		check.checker.Nudge()
	}
}

// lastPass is when a check has ended last, if it passed; zero if not, or if it does not run.
func (c *checkers) lastPass(key checkKey) time.Time {
	seen, _, runs := c.status(key)
	if !runs || seen.LastError != "" {
		return time.Time{}
	}
	return seen.LastCheck
}

// fileChanged has the checks of a track file look at it.
func (c *checkers) fileChanged(name string) {
	for _, check := range c.running {
		if q, is := check.spec.question.(*config.FileCheck); is && q.File == name {
			check.checker.Nudge()
		}
	}
}

// end stops a check.
func (c *checkers) end(key checkKey, check runningCheck) {
	check.stop()
	delete(c.running, key)
	c.leave(check)
}

// stopAll ends every check.
func (c *checkers) stopAll() {
	for key, check := range c.running {
		c.end(key, check)
	}
}

// validChecks tries whether every check can be made. Certificates are read anew: what begins from now on shows those.
func (p *probing) validChecks(c *config.Config) error {
	clear(p.certificates)
	var errs []error
	for n := range c.VirtualServers {
		for _, r := range c.VirtualServers[n].RealServers {
			for i := range r.Checks {
				check := &r.Checks[i]
				spec := checkSpec{times: check.CheckTimes, socket: check.CheckSocket, question: check.Question}
				if _, err := p.probesOf(spec); err != nil {
					errs = append(errs, fmt.Errorf("%s: %s: %w", check.Position, check.Question.Keyword(), err))
				}
			}
		}
	}
	return errors.Join(errs...)
}
