package vrrp

import (
	"fmt"
	"net/netip"
	"time"
)

// heardAsMaster is an acceptable advert in MASTER, RFC 3768 section 6.4.3.
func (m *Machine) heardAsMaster(a Advert, source netip.Addr) {
	switch {
	case a.Priority == PriorityStopped:
		// A rival master stopped. Neighbors may still have its MAC address.
		m.notef("rival master %v stopped", source)
		m.sendAdvert()
		m.announceTwice(m.settings.heldAddresses(), m.settings.GARP.LowerPrioRepeat, m.settings.GARP.LowerPrioDelay)
	case m.outranked(a, source):
		m.giveWay(a, source)
	default:
		m.holdAgainst(a, source)
	}
}

// outranked compares by priority, then by primary address; a tie only counts
// between masters.
func (m *Machine) outranked(a Advert, source netip.Addr) bool {
	if a.Priority != m.settings.Priority {
		return a.Priority > m.settings.Priority
	}
	return source.Compare(m.settings.SourceAddress) > 0
}

func (m *Machine) giveWay(a Advert, source netip.Addr) {
	if m.settings.HigherPrioSendAdvert {
		m.sendLastAdvert(m.settings.Priority)
	}
	m.removeAddresses(m.settings.heldAddresses())
	reason := fmt.Sprintf("advert of priority %d from %v", a.Priority, source)
	if a.Priority == m.settings.Priority {
		reason += ", the higher address"
	}
	m.becomeBackup(reason)
	m.takeover.master = source
}

// holdAgainst answers a rival that we outrank: at once, so that it gives way
// (RFC 9568 section 6.4.3; RFC 3768 only discards its advert), and with an
// announcement, for the neighbors that have learned its MAC address.
func (m *Machine) holdAgainst(a Advert, source netip.Addr) {
	m.notef("advert of priority %d from rival %v, ours is %d", a.Priority, source, m.settings.Priority)
	if !m.settings.LowerPrioNoAdvert {
		m.sendAdvert()
	}
	m.announceTwice(m.settings.heldAddresses(), m.settings.GARP.LowerPrioRepeat, m.settings.GARP.LowerPrioDelay)
}

// advertOnSchedule is the regular advert. If it is so late that the lease is
// over, a backup may have become master and told the neighbors; whether it is
// still there or has seen us and gone, they must learn our address again.
func (m *Machine) advertOnSchedule() {
	late := m.now.Sub(m.leaseUntil)
	m.sendAdvert()
	if late > 0 {
		m.notef("advert came %v after the end of the lease, announcing again", late)
		m.announceTwice(m.settings.heldAddresses(), m.settings.GARP.MasterRepeat, m.settings.GARP.MasterDelay)
	}
}

func (m *Machine) sendAdvert() {
	lease := m.settings.LeaseDuration()
	m.timers.advert = m.now.Add(m.settings.AdvertInterval)
	m.leaseUntil = m.now.Add(lease)
	m.do(SendAdvert{Advert: m.settings.advert(m.settings.Priority), Lease: lease})
}

// sendLastAdvert is the advert of a master that ceases to be one.
func (m *Machine) sendLastAdvert(priority uint8) {
	m.do(SendAdvert{Advert: m.settings.advert(priority)})
}

// announceTwice announces the addresses now and every held address once more
// after the delay, for neighbors and switches that missed it. A delay of 0
// means once. A second announcement that still waits is replaced.
func (m *Machine) announceTwice(addresses []netip.Addr, count int, delay time.Duration) {
	m.announce(addresses, count)
	if len(addresses) > 0 && count > 0 && delay > 0 {
		m.timers.announce, m.timers.announceCount = m.now.Add(delay), count
	}
}

func (m *Machine) announceOnSchedule() {
	if m.due(m.timers.announce) {
		m.announce(m.settings.heldAddresses(), m.timers.announceCount)
		m.timers.announce, m.timers.announceCount = time.Time{}, 0
	}
	if m.due(m.timers.refresh) {
		m.announce(m.settings.heldAddresses(), m.settings.GARP.MasterRefreshRepeat)
		m.armRefresh()
	}
}

func (m *Machine) armRefresh() {
	m.timers.refresh = time.Time{}
	if every := m.settings.GARP.MasterRefresh; every > 0 {
		m.timers.refresh = m.now.Add(every)
	}
}

func (m *Machine) announce(addresses []netip.Addr, count int) {
	if len(addresses) > 0 && count > 0 {
		m.do(Announce{Addresses: addresses, Count: count})
	}
}
