package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// takeoverCause is why the Master_Down_Timer of a BACKUP will run out.
type takeoverCause uint8

const (
	causeSilence takeoverCause = iota // no master is heard
	causeStopped                      // the master said goodbye
	causePreempt                      // the master has a lower priority
)

// heardAsBackup is an acceptable advert in BACKUP, RFC 3768 section 6.4.2.
func (m *Machine) heardAsBackup(a Advert, source netip.Addr) {
	m.takeover.master = source
	switch {
	case a.Priority == PriorityStopped:
		// Skew_Time, not at once: other backups may have a higher priority.
		m.armDown(m.settings.SkewTime(), causeStopped)
		m.takeover.preemptsAt = time.Time{}
		m.notef("master %v stopped, taking over in %v", source, m.settings.SkewTime())
	case a.Priority >= m.settings.Priority:
		m.armDown(m.settings.DownInterval(), causeSilence)
		m.takeover.preemptsAt = time.Time{}
	case !m.mayPreempt(a, source):
		m.armDown(m.settings.DownInterval(), causeSilence)
	default:
		// The timer runs on; when it runs out, we preempt this master.
		m.takeover.cause = causePreempt
	}
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
		m.notef("master %v has priority %d, below %d; preempt delay of %v begins", source, a.Priority, m.settings.Priority, delay)
	}
	return m.due(m.takeover.preemptsAt)
}

func (m *Machine) armDown(after time.Duration, cause takeoverCause) {
	m.timers.down = m.now.Add(after)
	m.takeover.cause = cause
}

func (m *Machine) takeoverReason() string {
	switch master := m.takeover.master; {
	case m.takeover.cause == causeStopped:
		return fmt.Sprintf("master %v stopped", master)
	case m.takeover.cause == causePreempt:
		return fmt.Sprintf("preempting master %v of lower priority", master)
	case master.IsValid():
		return fmt.Sprintf("master %v fell silent", master)
	default:
		return "heard no master"
	}
}

func (m *Machine) notef(format string, args ...any) {
	m.do(Note{Text: fmt.Sprintf(format, args...)})
}
