package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// mastership is what a MASTER remembers of being one.
type mastership struct {
	leaseUntil time.Time  // end of the lease of the last advert
	preempted  netip.Addr // the master that it took over from while that was alive
	silent     netip.Addr // the master that it took over from because that fell silent
	answered   time.Time  // the last advert that answered a rival
	told       []told     // the rivals that were told lately
	forRivals  budget     // announcements that rivals cause
	forDelays  budget     // announcements that late adverts cause
	forUnions  budget     // announcements that Reunited causes
}

// heardAsMaster is an acceptable advert in MASTER, RFC 9568 section 6.4.3.
func (m *Machine) heardAsMaster(a Advert, source netip.Addr) {
	switch {
	case a.Priority == PriorityStopped:
		// A rival master stopped. Neighbors may still have its MAC address.
		m.notef("rival master %v stopped", source)
		m.answer()
		m.announceAgain(&m.mastership.forRivals, m.settings.GARP.LowerPrioRepeat, m.settings.GARP.LowerPrioDelay)
	case m.outranked(a, source):
		m.giveWay(a, source)
	default:
		m.holdAgainst(a, source)
	}
}

// outranked compares by priority, then by primary address; a tie only counts
// between masters.
func (m *Machine) outranked(a Advert, source netip.Addr) bool {
	if a.Priority != m.Priority() {
		return a.Priority > m.Priority()
	}
	return source.Compare(m.settings.SourceAddress) > 0
}

func (m *Machine) giveWay(a Advert, source netip.Addr) {
	reason := fmt.Sprintf("advert of priority %d from %v", a.Priority, source)
	if a.Priority == m.Priority() {
		reason += ", the higher address"
	}
	if m.wasBeside(a, source) {
		m.tellRival(Rival{Source: source, Priority: a.Priority, Returned: source == m.mastership.silent})
	}
	if m.settings.HigherPrioSendAdvert {
		m.sendLastAdvert(m.Priority(), a.Interval)
	}
	m.removeAddresses(m.settings.heldAddresses())
	m.becomeBackup(reason)
	m.takeover.master, m.takeover.priority = source, a.Priority
	m.follow(a)
}

// wasBeside tells whether a master that outranks us is likely to have been one
// beside us, in the other part of a split. Its advert does not say so: that of a
// backup that preempts us is the same. But nobody preempts an equal, and by
// agreement nobody does at all (nopreempt); and the one that we followed because it
// fell silent may have been cut off only. Just after the takeover it was merely late.
func (m *Machine) wasBeside(a Advert, source netip.Addr) bool {
	switch {
	case a.Priority == m.Priority():
		return true
	case m.now.Before(m.since.Add(pardon)):
		return false
	default:
		return source == m.mastership.silent || !m.settings.preempts()
	}
}

// advertOnSchedule is the regular advert. If it is so late that the lease is
// over, a backup may have become master and told the neighbors; whether it is
// still there or has seen us and gone, they must learn our address again.
func (m *Machine) advertOnSchedule() {
	late := m.now.Sub(m.mastership.leaseUntil)
	m.sendAdvert()
	if late > 0 {
		m.notef("advert came %v after the end of the lease, announcing again", late)
		m.announceAgain(&m.mastership.forDelays, m.settings.GARP.MasterRepeat, m.settings.GARP.MasterDelay)
	}
}

func (m *Machine) reunite() {
	if m.state == Master {
		m.announceAgain(&m.mastership.forUnions, m.settings.GARP.MasterRepeat, m.settings.GARP.MasterDelay)
	}
}

func (m *Machine) sendAdvert() {
	m.interval = m.settings.AdvertInterval
	lease := m.settings.LeaseDuration()
	m.timers.advert = m.now.Add(m.settings.AdvertInterval)
	m.mastership.leaseUntil = m.now.Add(lease)
	m.do(SendAdvert{Advert: m.settings.advert(m.Priority()), Lease: lease})
}

// sendLastAdvert is the advert of a master that ceases to be one. Backups learn
// from it, too, how long to wait for the next one: it has the interval of the
// master that will send that.
func (m *Machine) sendLastAdvert(priority uint8, interval time.Duration) {
	a := m.settings.advert(priority)
	a.Interval = interval
	m.do(SendAdvert{Advert: a})
}
