package health

import "time"

// Settings are the timers of one checker. All are keepalived's; the defaults named here are filled in by whoever reads
// the configuration, since zero is a valid value for all but Interval.
type Settings struct {
	// Interval is the time from the end of a passed check to the next one: delay_loop, default 60 s. Above 0.
	Interval time.Duration
	// Retry is how many failures in a row are forgiven: retry (nb_get_retry), default 1 for HTTP_GET. The failure after
	// them takes the real server down, so N allows N+1 checks to fail.
	Retry int
	// DelayBeforeRetry is the time from a forgiven failure to the next check: delay_before_retry, default 3 s for HTTP_GET.
	DelayBeforeRetry time.Duration
	// Warmup is the span that the first checks are spread over: warmup, default Interval. 0 checks at once.
	Warmup time.Duration
	// Alpha makes a real server count as down until it has passed all its checks: alpha, default false.
	Alpha bool
}

// First returns when the first check is due. The fraction, 0 to 1, is this checker's place in the warmup span: drawn at
// random it keeps checkers that start together from asking together. No later check is jittered.
func (s Settings) First(now time.Time, fraction float64) time.Time {
	return now.Add(time.Duration(fraction * float64(s.Warmup)))
}

// Initial is what is already known of a real server when its checker starts, from the maps of an earlier process.
type Initial struct {
	Up bool
}

// Verdict is what the tracker holds of the real server after a check.
type Verdict struct {
	// Up says whether the real server may get new connections.
	Up bool
	// Changed is true on a transition, and on the first verdict even if it confirms what was assumed.
	Changed bool
	// Reason is the failed check's error, or empty if the check passed.
	Reason string
}

// Tracker is rise and fall as keepalived's HTTP_GET has it, for one real server with one or more probes (one per url)
// that are asked in turn, one each time.
//
//   - Falling: a probe that fails is asked again, up to Settings.Retry times, DelayBeforeRetry apart; the failure after
//     that is the verdict. Until the probes have once all passed or one has failed, a single failure is enough.
//   - Down: the probe that failed is asked again every Interval, or DelayBeforeRetry if that is longer.
//   - Rising: once the failed probe passes, all probes must pass once more, from the first. One that fails on the way is
//     asked again after DelayBeforeRetry until it passes.
//
// A Tracker is pure and has a single owner: no method is safe for concurrent use.
type Tracker struct {
	settings Settings
	probes   int

	current  int  // the probe to ask next
	failures int  // of the current probe, in a row
	up       bool // what the real server counts as
	forgives bool // failures are retried; false until the server has shown something
	decided  bool // a verdict has been given
	broken   bool // down, and the current probe is the one that took the server down
}

// NewTracker returns a tracker of a real server that nothing is known of. It counts as up, or as down with
// Settings.Alpha. probes is the number of probes, at least 1.
func NewTracker(settings Settings, probes int) *Tracker {
	return &Tracker{settings: settings, probes: probes, up: !settings.Alpha}
}

// ResumeTracker returns a tracker that goes on where an earlier process stopped: a real server that was up has all its
// retries, one that was down must pass as if it had just failed. Settings.Alpha does not apply to it.
func ResumeTracker(settings Settings, probes int, initial Initial) *Tracker {
	return &Tracker{settings: settings, probes: probes, up: initial.Up, forgives: true, broken: !initial.Up}
}

// Up says what the real server counts as now.
func (t *Tracker) Up() bool { return t.up }

// Probe returns the index of the probe to ask next, from 0 to the number of probes less one.
func (t *Tracker) Probe() int { return t.current }

// Observe takes the outcome of the check of probe [Tracker.Probe] that ended at now, nil for passed. It returns the
// verdict and when the next check is due.
func (t *Tracker) Observe(now time.Time, err error) (verdict Verdict, next time.Time) {
	if err != nil {
		changed, wait := t.failed()
		return Verdict{Up: t.up, Changed: changed, Reason: err.Error()}, now.Add(wait)
	}
	changed := t.passed()
	return Verdict{Up: t.up, Changed: changed}, now.Add(t.settings.Interval)
}

// passed moves on to the next probe, and up after the last.
func (t *Tracker) passed() (changed bool) {
	t.failures = 0
	if t.broken {
		// What took the server down is over. The other probes have not been asked since, so all are asked anew.
		t.broken = false
		t.current = 0
		return false
	}
	t.current++
	if t.current < t.probes {
		return false
	}
	t.current = 0
	t.forgives = true
	return t.decide(true)
}

// failed counts a failure of the current probe and returns how long to wait before it is asked again.
func (t *Tracker) failed() (changed bool, wait time.Duration) {
	if t.up || !t.forgives {
		t.failures++
		t.broken = !t.forgives || t.failures > t.settings.Retry
		t.forgives = true
	}
	if !t.broken {
		return false, t.settings.DelayBeforeRetry
	}
	return t.decide(false), max(t.settings.DelayBeforeRetry, t.settings.Interval)
}

// decide gives a verdict and says whether it is news: the first one, or another than the last.
func (t *Tracker) decide(up bool) (changed bool) {
	changed = !t.decided || t.up != up
	t.up = up
	t.decided = true
	return changed
}
