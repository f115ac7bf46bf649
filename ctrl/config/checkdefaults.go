package config

import "time"

// checkDefaults are the settings of checks that virtual servers, real servers
// and checks themselves may write; the innermost wins.
type checkDefaults struct {
	delayLoop, connectTimeout time.Duration

	// warmup, delayBeforeRetry and retry are unset unless written.
	warmup, delayBeforeRetry time.Duration
	retry                    int

	// timeoutAt is where connectTimeout is written.
	timeoutAt Position

	alpha       bool
	virtualHost string
	path        CheckPath
}

// defaultChecks are keepalived's defaults for all kinds of check.
func defaultChecks(path CheckPath) checkDefaults {
	return checkDefaults{
		delayLoop:        time.Minute,
		connectTimeout:   5 * time.Second,
		warmup:           unset,
		delayBeforeRetry: unset,
		retry:            unset,
		path:             path,
	}
}

// kindDefaults are what each kind of check has for itself.
type kindDefaults struct {
	retry int

	// delayBeforeRetry 0 means as long as delay_loop.
	delayBeforeRetry time.Duration

	// port is where the service usually is; 0 if a port must be written.
	port uint16
}

// The defaults of the kinds, as in keepalived.
var (
	usualDefaults = kindDefaults{retry: 1, delayBeforeRetry: time.Second}
	webDefaults   = kindDefaults{retry: 1, delayBeforeRetry: 3 * time.Second}
	dnsDefaults   = kindDefaults{retry: 3, port: 53}
	smtpDefaults  = kindDefaults{retry: 1, delayBeforeRetry: time.Second, port: 25}
	miscDefaults  = kindDefaults{retry: 0, delayBeforeRetry: time.Second}
)

// times returns the settings that every kind of check has.
func (d checkDefaults) times(kind kindDefaults) CheckTimes {
	t := CheckTimes{
		DelayLoop: d.delayLoop, Warmup: d.warmup, Retry: d.retry, DelayBeforeRetry: d.delayBeforeRetry,
		ConnectTimeout: d.connectTimeout, Alpha: d.alpha,
	}
	if t.Warmup == unset {
		t.Warmup = t.DelayLoop
	}
	if t.Retry == unset {
		t.Retry = kind.retry
	}
	if t.DelayBeforeRetry == unset {
		t.DelayBeforeRetry = kind.delayBeforeRetry
		if t.DelayBeforeRetry == 0 {
			t.DelayBeforeRetry = t.DelayLoop
		}
	}
	return t
}

// checkKeywords are the keywords of checkDefaults in virtual and real servers.
func checkKeywords[T any](defaults func(*T) *checkDefaults) map[string]keyword[T] {
	return with(timeKeywords(defaults), map[string]keyword[T]{
		"connect_timeout": connectTimeout(defaults),
		"virtualhost":     wireWord(func(t *T) *string { return &defaults(t).virtualHost }),
		"check_path":      choice(func(t *T) *CheckPath { return &defaults(t).path }, checkPaths),
	})
}

// timeKeywords are the keywords of checkDefaults that every kind of check has.
func timeKeywords[T any](defaults func(*T) *checkDefaults) map[string]keyword[T] {
	return map[string]keyword[T]{
		"delay_loop": seconds(time.Microsecond, longest,
			func(t *T) *time.Duration { return &defaults(t).delayLoop }),
		"delay_before_retry": seconds(0, longest,
			func(t *T) *time.Duration { return &defaults(t).delayBeforeRetry }),
		"warmup": seconds(0, longest,
			func(t *T) *time.Duration { return &defaults(t).warmup }),
		"retry": integer(0, maxInt, func(t *T) *int { return &defaults(t).retry }),
		"alpha": boolean(func(t *T) *bool { return &defaults(t).alpha }),
	}
}

func connectTimeout[T any](defaults func(*T) *checkDefaults) keyword[T] {
	return at(func(t *T) *Position { return &defaults(t).timeoutAt },
		seconds(time.Microsecond, longest, func(t *T) *time.Duration { return &defaults(t).connectTimeout }))
}
