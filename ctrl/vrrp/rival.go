package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// tellEvery is how often one rival is told at most.
	tellEvery = time.Second
	// maxTold bounds the rivals remembered, for whoever invents sources.
	maxTold = 16
	// pardon is how long after a takeover the preempted master is no rival, nor one
	// that fell silent: its last advert crosses our first, or was late.
	pardon = time.Second
)

// told is a rival that the caller was told of.
type told struct {
	source netip.Addr
	at     time.Time
}

// holdAgainst answers a rival that we outrank: at once, so that it gives way
// (RFC 9568 section 6.4.3; RFC 3768 only discards its advert), and with an
// announcement, for the neighbors that have learned its MAC address.
func (m *Machine) holdAgainst(a Advert, source netip.Addr) {
	m.tellRival(Rival{Source: source, Priority: a.Priority})
	if !m.settings.LowerPrioNoAdvert {
		m.answer()
	}
	m.announceAgain(&m.mastership.forRivals, m.settings.GARP.LowerPrioRepeat, m.settings.GARP.LowerPrioDelay)
}

// answer sends an advert now rather than on schedule. Two masters that take
// each other for the lower one would answer for ever, so between two answers
// there is half an interval.
func (m *Machine) answer() {
	answered := m.mastership.answered
	if !answered.IsZero() && m.now.Before(answered.Add(m.settings.AdvertInterval/2)) {
		return
	}
	m.sendAdvert()
	m.mastership.answered = m.now
}

func (m *Machine) tellRival(r Rival) {
	if r.Source == m.mastership.preempted && m.now.Before(m.since.Add(pardon)) {
		return
	}
	m.mastership.told = slices.DeleteFunc(m.mastership.told, func(t told) bool {
		return !m.now.Before(t.at.Add(tellEvery))
	})
	known := slices.ContainsFunc(m.mastership.told, func(t told) bool { return t.source == r.Source })
	if known || len(m.mastership.told) == maxTold {
		return
	}
	m.mastership.told = append(m.mastership.told, told{source: r.Source, at: m.now})
	m.do(r)
}
