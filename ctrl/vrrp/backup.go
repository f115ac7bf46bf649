package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// takeover is what a BACKUP knows about the takeover that it waits for.
type takeover struct {
	cause      takeoverCause
	ready      bool       // the Master_Down_Timer has run out, the group is waited for
	master     netip.Addr // the source of the last advert, if any
	priority   uint8      // and its priority
	learned    bool       // the interval is the master's
	preemptsAt time.Time  // when preempt_delay is over; zero: not begun
	notBefore  time.Time  // when vrrp_startup_delay is over
}

// takeoverCause is why the Master_Down_Timer of a BACKUP will run out.
type takeoverCause uint8

const (
	causeSilence takeoverCause = iota // no master is heard
	causeStopped                      // the master said goodbye
	causePreempt                      // the master has a lower priority
	causeOwner                        // the address owner waits for no master
)

// heardAsBackup is an acceptable advert in BACKUP, RFC 9568 section 6.4.2.
func (m *Machine) heardAsBackup(a Advert, source netip.Addr) {
	m.takeover.master, m.takeover.priority = source, a.Priority
	switch {
	case a.Priority == PriorityStopped:
		// Skew_Time, not at once: other backups may have a higher priority.
		m.armDown(m.skewTime(), causeStopped)
		m.takeover.preemptsAt = time.Time{}
		m.notef("master %v stopped, taking over in %v", source, m.skewTime())
	case a.Priority >= m.Priority():
		m.takeover.preemptsAt = time.Time{}
		m.follow(a)
	case !m.mayPreempt(a, source):
		m.follow(a)
	default:
		// The timer runs on; when it runs out, we preempt this master.
		m.takeover.cause = causePreempt
	}
}

// follow waits for the next advert of this master.
func (m *Machine) follow(a Advert) {
	m.learn(a)
	m.takeover.learned = true
	m.armDown(m.downInterval(), causeSilence)
}

// mayPreempt tells whether a living master of lower priority is to be ignored.
// As in keepalived preempt_delay begins with its first advert, and the down
// interval follows the delay.
func (m *Machine) mayPreempt(a Advert, source netip.Addr) bool {
	if !m.settings.preempts() {
		return false
	}
	delay := m.settings.preemptDelay()
	if delay == 0 {
		return true
	}
	if m.takeover.preemptsAt.IsZero() {
		m.takeover.preemptsAt = m.now.Add(delay)
		m.notef("master %v has priority %d, below %d; preempt delay of %v begins", source, a.Priority, m.Priority(), delay)
	}
	return m.due(m.takeover.preemptsAt)
}

// armDown starts the Master_Down_Timer; during vrrp_startup_delay, at its end.
func (m *Machine) armDown(after time.Duration, cause takeoverCause) {
	from := m.now
	if from.Before(m.takeover.notBefore) {
		from = m.takeover.notBefore
	}
	m.timers.down = from.Add(after)
	m.takeover.cause, m.takeover.ready = cause, false
}

// takeOver is the end of the Master_Down_Timer.
func (m *Machine) takeOver() {
	if m.grouped {
		m.timers.down, m.takeover.ready = time.Time{}, true
		return
	}
	m.becomeMaster(m.takeover.why())
}

// preempted is the living master that a takeover ends, if there is one.
func (t takeover) preempted() netip.Addr {
	if t.cause != causePreempt {
		return netip.Addr{}
	}
	return t.master
}

// silent is the master that a takeover follows because it is heard no more, if
// there was one.
func (t takeover) silent() netip.Addr {
	if t.cause != causeSilence {
		return netip.Addr{}
	}
	return t.master
}

func (t takeover) why() string {
	switch {
	case t.cause == causeOwner:
		return "address owner"
	case t.cause == causeStopped:
		return fmt.Sprintf("master %v stopped", t.master)
	case t.cause == causePreempt:
		return fmt.Sprintf("preempting master %v of lower priority", t.master)
	case t.master.IsValid():
		return fmt.Sprintf("master %v fell silent", t.master)
	default:
		return "heard no master"
	}
}

func (m *Machine) notef(format string, args ...any) {
	m.do(Note{Text: fmt.Sprintf(format, args...)})
}
