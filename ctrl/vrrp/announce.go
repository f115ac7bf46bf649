package vrrp

import (
	"net/netip"
	"time"
)

// announceTwice announces the addresses now and every held address once more
// after the delay, for neighbors and switches that missed it. A delay of 0
// means once. A second announcement that still waits is replaced.
func (m *Machine) announceTwice(addresses []netip.Addr, count int, delay time.Duration) {
	m.announce(addresses, count)
	if len(addresses) > 0 && count > 0 && delay > 0 {
		m.timers.announce, m.timers.announceCount = m.now.Add(delay), count
	}
}

// announceAgain announces what neighbors may have unlearned. What makes it
// necessary can come a hundred times a second, a deaf rival's advert for one, so
// that beyond its budget it comes when the second is over.
func (m *Machine) announceAgain(b *budget, count int, delay time.Duration) {
	if ok, next := b.spend(m.now); !ok {
		m.timers.announce, m.timers.announceCount = next, count
		return
	}
	m.announceTwice(m.settings.heldAddresses(), count, delay)
}

// budget allows a few of something each second.
type budget struct {
	since time.Time // the beginning of the second
	spent int
}

// budgetPerSecond is enough for the healing of a split into many parts, in which
// each of them is heard twice.
const budgetPerSecond = 10

// spend tells whether one more is allowed now, and if not, when.
func (b *budget) spend(now time.Time) (ok bool, next time.Time) {
	if over := b.since.Add(time.Second); !now.Before(over) {
		*b = budget{since: now}
	}
	if b.spent == budgetPerSecond {
		return false, b.since.Add(time.Second)
	}
	b.spent++
	return true, time.Time{}
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
