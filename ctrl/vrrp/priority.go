package vrrp

import "time"

// Priority is the effective priority: the configured one plus the weights of
// what is tracked, kept in 1 to 254. The address owner's is always 255.
func (m *Machine) Priority() uint8 {
	return m.settings.effectivePriority(m.weight)
}

func (s Settings) effectivePriority(weight int) uint8 {
	if s.Priority == PriorityOwner {
		return PriorityOwner
	}
	return uint8(min(max(int(s.Priority)+weight, 1), int(PriorityOwner)-1))
}

// track takes a new sum of weights over. As MASTER it changes nothing at once:
// the next advert carries the priority, and a backup counts from the last advert
// that it accepted, so an advert in between would hasten nothing.
func (m *Machine) track(t Tracked) {
	priority, skew := m.Priority(), m.skewTime()
	m.weight = t.Weight
	m.tellPriority(priority, t.Reason)
	m.refitTakeover(skew)
}

func (m *Machine) tellPriority(before uint8, reason string) {
	if now := m.Priority(); now != before {
		m.do(PriorityChange{From: before, To: now, Reason: reason})
	}
}

// refitTakeover fits the running down timer to a new priority by the change of
// its skew. It must not begin anew, or frequent changes would put a takeover off
// for ever; but a master that we no longer outrank gets its whole time.
func (m *Machine) refitTakeover(skew time.Duration) {
	switch {
	case m.state != Backup:
	case m.takeover.cause == causeOwner && m.settings.Priority != PriorityOwner:
		m.armDown(m.downInterval(), causeSilence)
	case m.takeover.cause == causePreempt && m.takeover.priority >= m.Priority():
		m.armDown(m.downInterval(), causeSilence)
	case !m.timers.down.IsZero() && m.takeover.cause != causeOwner:
		m.timers.down = m.timers.down.Add(m.skewTime() - skew)
	}
}
