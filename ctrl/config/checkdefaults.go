package config

import "time"

// checkDefaults are the settings of checks that virtual servers, real servers
// and checks themselves may write; the innermost wins.
type checkDefaults struct {
	delayLoop, delayBeforeRetry, connectTimeout time.Duration

	// warmup is unset unless written.
	warmup time.Duration

	retry       int
	alpha       bool
	virtualHost string
}

// defaultChecks are keepalived's defaults for HTTP_GET.
func defaultChecks() checkDefaults {
	return checkDefaults{
		delayLoop:        time.Minute,
		delayBeforeRetry: 3 * time.Second,
		connectTimeout:   5 * time.Second,
		warmup:           unset,
		retry:            1,
	}
}

// times returns the settings that every kind of check has.
func (d checkDefaults) times() CheckTimes {
	t := CheckTimes{
		DelayLoop: d.delayLoop, Warmup: d.warmup, Retry: d.retry, DelayBeforeRetry: d.delayBeforeRetry,
		ConnectTimeout: d.connectTimeout, Alpha: d.alpha,
	}
	if t.Warmup == unset {
		t.Warmup = t.DelayLoop
	}
	return t
}

// checkKeywords are the keywords of checkDefaults.
func checkKeywords[T any](defaults func(*T) *checkDefaults) map[string]keyword[T] {
	return map[string]keyword[T]{
		"delay_loop": seconds(time.Microsecond, longest,
			func(t *T) *time.Duration { return &defaults(t).delayLoop }),
		"delay_before_retry": seconds(0, longest,
			func(t *T) *time.Duration { return &defaults(t).delayBeforeRetry }),
		"connect_timeout": seconds(time.Microsecond, longest,
			func(t *T) *time.Duration { return &defaults(t).connectTimeout }),
		"warmup": seconds(0, longest,
			func(t *T) *time.Duration { return &defaults(t).warmup }),
		"retry":       integer(0, maxInt, func(t *T) *int { return &defaults(t).retry }),
		"alpha":       boolean(func(t *T) *bool { return &defaults(t).alpha }),
		"virtualhost": text(func(t *T) *string { return &defaults(t).virtualHost }),
	}
}
