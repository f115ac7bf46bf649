package health

import (
	"context"
	"errors"
	"net"
	"slices"
	"syscall"
)

// Failure is how a check failed, as far as it says something about the way to the service.
type Failure int

// The ways to fail.
const (
	Passed      Failure = iota
	Silent              // nothing came back in time
	Dropped             // the same, while the VIP answered a ping: see [Failure.Pinged]
	Refused             // the kernel of the real server said that nobody listens, or a packet filter said it for it
	Reset               // the connection was accepted, and then cut
	Unreachable         // a host or a packet filter said that there is no way
	Wrong               // the service answered, and not as it should
)

// String names the failure as in "address passes, VIP is silent".
func (f Failure) String() string {
	switch f {
	case Passed:
		return "passes"
	case Silent:
		return "is silent"
	case Dropped:
		return "is silent but for pings"
	case Refused:
		return "refuses"
	case Reset:
		return "resets"
	case Unreachable:
		return "is unreachable"
	default:
		return "answers wrongly"
	}
}

// Pinged is the failure when it is known, too, whether the VIP has answered a ping: a real server that does has not lost it.
// One that does not may have, or may drop pings as well.
func (f Failure) Pinged(answered bool) Failure {
	if f == Silent && answered {
		return Dropped
	}
	return f
}

// FailureOf tells from a check's error how it failed; a nil error is Passed.
func FailureOf(err error) Failure {
	var waited net.Error
	is := func(any ...error) bool {
		return slices.ContainsFunc(any, func(e error) bool { return errors.Is(err, e) })
	}
	switch {
	case err == nil:
		return Passed
	case is(syscall.ECONNREFUSED):
		return Refused
	case is(syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE):
		return Reset
	case is(syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN, syscall.EACCES, syscall.EPROTO):
		return Unreachable
	case is(errSilent, syscall.ETIMEDOUT, context.DeadlineExceeded), errors.As(err, &waited) && waited.Timeout():
		return Silent
	default:
		return Wrong
	}
}
