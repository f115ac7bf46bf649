package health

import (
	"errors"
	"time"
)

// ErrNotAsked says that a check could not be made for a reason that is this host's, such as too many open files or an
// address to bind to that is not there. It says nothing of the real server, so that it stays what it is.
var ErrNotAsked = errors.New("not asked")

// Settings are the timers of one checker. All are keepalived's; the defaults named here are filled in by whoever reads
// the configuration, since zero is a valid value for all but Interval.
type Settings struct {
	// Kind is the kind of checker, for each rises and falls in its own way.
	Kind Kind
	// Interval is the time from the end of a passed check to the next one: delay_loop, default 60 s. Above 0.
	Interval time.Duration
	// Retry is how many failures in a row are forgiven: retry (nb_get_retry), default 1, for DNS_CHECK 3, for MISC_CHECK 0.
	// The failure after them takes the real server down, so N allows N+1 checks to fail.
	Retry int
	// DelayBeforeRetry is the time from a forgiven failure to the next check: delay_before_retry, default 1 s, for HTTP_GET
	// and SSL_GET 3 s, for DNS_CHECK Interval.
	DelayBeforeRetry time.Duration
	// Warmup is the span that the first checks are spread over: warmup, default Interval. 0 checks at once.
	Warmup time.Duration
	// Alpha makes a real server count as down until it has passed all its checks: alpha, default false.
	Alpha bool
	// FastRecovery leaves no time between the probes of an HTTP_GET or SSL_GET that have passed while the real server is on
	// its way up: fast_recovery, default false. After a failure DelayBeforeRetry is left even so, where keepalived asks on
	// without a pause.
	FastRecovery bool
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
	// Weight is what the last check that passed makes of the weight.
	Weight Weight
	// Reweighted is true if Weight is another than after the check before.
	Reweighted bool
}

// Tracker is rise and fall as keepalived's checkers have it, for one real server with one or more probes (of HTTP_GET and
// SSL_GET one per url, of the others one).
//
// For HTTP_GET and SSL_GET the probes are asked in turn, one each time:
//
//   - Falling: a probe that fails is asked again, up to Settings.Retry times, DelayBeforeRetry apart; the failure after
//     that is the verdict. Until the probes have once all passed or one has failed, a single failure is enough.
//   - Down: the probe that failed is asked again every Interval, or DelayBeforeRetry if that is longer.
//   - Rising: once the failed probe passes, all probes must pass once more, from the first. One that fails on the way is
//     asked again after DelayBeforeRetry until it passes.
//
// For the others:
//
//   - Falling: as above, but SMTP_CHECK has its retries from the first check on.
//   - Down: asked again every Interval. TCP_CHECK and SMTP_CHECK go on with retries DelayBeforeRetry apart between.
//   - Rising: one check that passes.
//
// The waits count from the end of a check; of MISC_CHECK from its start.
//
// A Tracker is pure and has a single owner: no method is safe for concurrent use.
type Tracker struct {
	settings Settings
	manner   manner
	probes   int

	current  int  // the probe to ask next
	failures int  // of the current probe, in a row
	up       bool // what the real server counts as
	ran      bool // the server has shown something: its failures are retried
	decided  bool // a verdict has been given
	broken   bool // down, and the current probe is the one that took the server down
	weight   Weight
}

// NewTracker returns a tracker of a real server that nothing is known of. It counts as up, or as down with
// Settings.Alpha. probes is the number of probes, at least 1; it must be 1 if the kind has no more.
func NewTracker(settings Settings, probes int) *Tracker {
	return &Tracker{settings: settings, manner: settings.Kind.manner(), probes: probes, up: !settings.Alpha}
}

// ResumeTracker returns a tracker that goes on where an earlier process stopped: a real server that was up has all its
// retries, one that was down must pass as if it had just failed. Settings.Alpha does not apply to it.
func ResumeTracker(settings Settings, probes int, initial Initial) *Tracker {
	t := NewTracker(settings, probes)
	t.up, t.ran, t.broken = initial.Up, true, t.manner.walks && !initial.Up
	return t
}

// Up says what the real server counts as now.
func (t *Tracker) Up() bool { return t.up }

// Probe returns the index of the probe to ask next, from 0 to the number of probes less one.
func (t *Tracker) Probe() int { return t.current }

// Observe takes the answer to probe [Tracker.Probe] that was asked at begun and answered at ended. It returns the
// verdict and when the next check is due.
func (t *Tracker) Observe(begun, ended time.Time, answer Answer) (verdict Verdict, next time.Time) {
	changed, wait := t.take(answer.Err)
	if answer.Err != nil {
		verdict.Reason = answer.Err.Error()
	} else {
		verdict.Reweighted = answer.Weight != t.weight
		t.weight = answer.Weight
	}
	verdict.Up, verdict.Changed, verdict.Weight = t.up, changed, t.weight
	if !t.manner.fromStart {
		return verdict, ended.Add(wait)
	}
	if next = begun.Add(wait); next.Before(ended) {
		next = ended
	}
	return verdict, next
}

// take returns whether the outcome is news, and how long to wait before the next check.
func (t *Tracker) take(err error) (changed bool, wait time.Duration) {
	switch {
	case err == nil && t.manner.walks:
		return t.walkOn()
	case err == nil:
		t.failures, t.ran = 0, true
		return t.decide(true), t.settings.Interval
	case errors.Is(err, ErrNotAsked):
		return false, t.settings.Interval
	case t.manner.walks:
		return t.stumble()
	default:
		return t.fail()
	}
}

// walkOn moves on to the next probe after one that passed, and up after the last.
func (t *Tracker) walkOn() (changed bool, wait time.Duration) {
	t.failures = 0
	if t.broken {
		// What took the server down is over. The other probes have not been asked since, so all are asked anew.
		t.broken = false
		t.current = 0
		return false, t.recoveryWait()
	}
	t.current++
	if t.current < t.probes {
		return false, t.recoveryWait()
	}
	t.current = 0
	t.ran = true
	return t.decide(true), t.settings.Interval
}

// recoveryWait is the time between two probes that pass.
func (t *Tracker) recoveryWait() time.Duration {
	if t.settings.FastRecovery && !(t.up && t.ran) {
		return 0
	}
	return t.settings.Interval
}

// stumble counts a failure of the current one of several probes.
func (t *Tracker) stumble() (changed bool, wait time.Duration) {
	if t.up || !t.ran {
		t.failures++
		t.broken = !t.ran || t.failures > t.settings.Retry
		t.ran = true
	}
	if !t.broken {
		return false, t.settings.DelayBeforeRetry
	}
	return t.decide(false), max(t.settings.DelayBeforeRetry, t.settings.Interval)
}

// fail counts a failure of the only probe.
func (t *Tracker) fail() (changed bool, wait time.Duration) {
	retries := (t.ran || t.manner.forgivesFirst) && (t.up || t.manner.retriesDown)
	t.ran = true
	if retries && t.failures < t.settings.Retry {
		t.failures++
		return false, t.settings.DelayBeforeRetry
	}
	t.failures = 0
	return t.decide(false), t.settings.Interval
}

// decide gives a verdict and says whether it is news: the first one, or another than the last.
func (t *Tracker) decide(up bool) (changed bool) {
	changed = !t.decided || t.up != up
	t.up = up
	t.decided = true
	return changed
}
