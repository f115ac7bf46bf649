package ctrl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/ctrl/netif"
)

// checkSpec is all of a check's configuration, and nothing of where it is written.
type checkSpec struct {
	target   health.Target
	http     health.HTTPSettings
	settings health.Settings
	path     config.CheckPath

	// notRun is what of the configuration cannot be run.
	notRun string
}

func specOf(c config.Check) checkSpec {
	if what := notRun(c); what != "" {
		return checkSpec{notRun: what}
	}
	pages := c.Question.(*config.HTTPCheck)
	spec := checkSpec{
		target: health.Target{Address: c.To}, path: c.Path,
		http: health.HTTPSettings{
			Network: netif.HostDialer{}, VirtualHost: pages.VirtualHost, ConnectTimeout: c.ConnectTimeout, Protocol: health.Protocol(pages.HTTPProtocol),
		},
		settings: health.Settings{
			Interval: c.DelayLoop, Retry: c.Retry, DelayBeforeRetry: c.DelayBeforeRetry, Warmup: c.Warmup, Alpha: c.Alpha,
		},
	}
	for _, u := range pages.URLs {
		url := health.URL{Path: u.Path, Digest: u.Digest, VirtualHost: u.VirtualHost}
		for _, codes := range u.StatusCodes {
			url.StatusCodes = append(url.StatusCodes, health.StatusRange{First: codes.Low, Last: codes.High})
		}
		spec.http.URLs = append(spec.http.URLs, url)
	}
	return spec
}

// notRun tells what of a check's configuration cannot be run; empty if all can be.
func notRun(c config.Check) string {
	pages, ok := c.Question.(*config.HTTPCheck)
	if !ok {
		return c.Question.Keyword()
	}
	socket := c.CheckSocket
	socket.To, socket.Path = netip.AddrPort{}, config.PathAddress
	switch {
	case pages.TLS != nil:
		return "SSL_GET"
	case socket != config.CheckSocket{}:
		return "bindto, bind_port, bind_if or fwmark"
	case c.LogAllFailures:
		return "log_all_failures"
	case pages.FastRecovery:
		return "fast_recovery"
	case slices.ContainsFunc(pages.URLs, func(u config.URL) bool { return u.Regex != nil }):
		return "regex"
	}
	return ""
}

// runningCheck is a checker on its goroutine.
type runningCheck struct {
	spec    checkSpec
	checker *health.Checker
	stop    context.CancelFunc
}

// checkers runs a checker per real server that has a check. Its methods belong to the controller's goroutine.
type checkers struct {
	log     *slog.Logger
	running map[realKey]runningCheck
	// report is called on a checker's goroutine; it must not wait.
	report func(realKey, health.Verdict)
}

// follow makes exactly the given checks run. Those that stay as they are go on undisturbed; one that is changed begins
// from what is known of the real server.
func (c *checkers) follow(ctx context.Context, wanted map[realKey]checkSpec, known map[realKey]*check) error {
	for key, check := range c.running {
		if spec, still := wanted[key]; !still || !reflect.DeepEqual(spec, check.spec) {
			check.stop()
			delete(c.running, key)
		}
	}
	for key, spec := range wanted {
		if _, runs := c.running[key]; runs {
			continue
		}
		if err := c.start(ctx, key, spec, known); err != nil {
			return err
		}
	}
	return nil
}

func (c *checkers) start(ctx context.Context, key realKey, spec checkSpec, known map[realKey]*check) error {
	probes, err := health.HTTPGet(spec.http)
	if err != nil {
		return err
	}
	cfg := health.CheckerConfig{
		Target: spec.target, Probes: probes, Settings: spec.settings, Spread: rand.Float64(),
	}
	if was := known[key]; was != nil && was.told {
		cfg.Initial = &health.Initial{Up: was.up}
	}
	ctx, stop := context.WithCancel(ctx)
	cfg.Report = func(v health.Verdict) {
		if ctx.Err() == nil { // a checker that was replaced has nothing to say any more
			c.report(key, v)
		}
	}
	checker, err := health.NewChecker(cfg)
	if err != nil {
		stop()
		return err
	}
	c.running[key] = runningCheck{spec, checker, stop}
	go func() {
		if err := checker.Run(ctx); !errors.Is(err, context.Canceled) {
			c.log.Error("a check has ended", "real_server", key.address, "virtual_server", key.service, "error", err)
		}
	}()
	return nil
}

// status is what the check of a real server has seen; nil if it has none.
func (c *checkers) status(key realKey) *api.Check {
	check, runs := c.running[key]
	if !runs {
		return nil
	}
	s := check.checker.Status()
	return &api.Check{Done: s.Checks, Failed: s.Failures, Last: s.LastCheck, LastError: s.LastError}
}

// nudge makes the next check of a real server due at once, if it has one.
func (c *checkers) nudge(key realKey) {
	if check, runs := c.running[key]; runs {
		check.checker.Nudge()
	}
}

// lastPass is when the last check of a real server has ended, if it passed; zero if not, or without a check.
func (c *checkers) lastPass(key realKey) time.Time {
	check, runs := c.running[key]
	if !runs {
		return time.Time{}
	}
	s := check.checker.Status()
	if s.LastError != "" {
		return time.Time{}
	}
	return s.LastCheck
}

// stopAll ends every check.
func (c *checkers) stopAll() {
	for _, check := range c.running {
		check.stop()
	}
	clear(c.running)
}

// checksOf lists the checks that a configuration asks for.
func checksOf(c *config.Config) map[realKey]checkSpec {
	specs := make(map[realKey]checkSpec)
	for n := range c.VirtualServers {
		v := &c.VirtualServers[n]
		for i := range v.RealServers {
			if r := &v.RealServers[i]; len(r.Checks) > 0 {
				spec := specOf(r.Checks[0])
				if len(r.Checks) > 1 {
					spec.notRun = "a second check"
				}
				specs[checkKey(v, r)] = spec
			}
		}
	}
	return specs
}

// validChecks tries whether every check can be made.
func validChecks(specs map[realKey]checkSpec) error {
	var errs []error
	for key, spec := range specs {
		if spec.notRun != "" {
			errs = append(errs, fmt.Errorf("%s of %s in %s is not run yet: leave it out", spec.notRun, key.address, key.service))
			continue
		}
		if _, err := health.HTTPGet(spec.http); err != nil {
			errs = append(errs, fmt.Errorf("check of %s in %s: %w", key.address, key.service, err))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}
