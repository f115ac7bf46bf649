package vrrp

import (
	"net/netip"
	"slices"
)

// reconfigure takes new settings over in the current state.
func (m *Machine) reconfigure(next Settings) {
	old := m.settings
	if next.VirtualRouterID != old.VirtualRouterID {
		m.notef("virtual router id %d cannot become %d without a restart of the instance", old.VirtualRouterID, next.VirtualRouterID)
		return
	}
	m.settings = next.clone()
	switch m.state {
	case Backup:
		m.reconfigureBackup(old)
	case Master:
		m.reconfigureMaster(old)
	}
}

// reconfigureBackup fits the running down timer to the new settings. Another
// interval makes the wait begin anew, for the master may be reloaded a moment
// later; another priority alone must not, or frequent changes of it would put
// a takeover off for ever.
func (m *Machine) reconfigureBackup(old Settings) {
	if old.LeaseDuration() != m.settings.LeaseDuration() {
		m.armDown(m.settings.DownInterval(), causeSilence)
	} else {
		m.timers.down = m.timers.down.Add(m.settings.SkewTime() - old.SkewTime())
	}
	if !m.takeover.preemptsAt.IsZero() {
		m.takeover.preemptsAt = m.takeover.preemptsAt.Add(m.settings.preemptDelay() - old.preemptDelay())
	}
}

// reconfigureMaster brings the difference, in the order of becomeMaster. What
// others can see goes out at once: the new priority decides who is master.
func (m *Machine) reconfigureMaster(old Settings) {
	held, wanted := old.heldAddresses(), m.settings.heldAddresses()
	removed, added := without(held, wanted), without(wanted, held)
	if !sameOnWire(old, m.settings) {
		m.sendAdvert()
	}
	m.removeAddresses(removed)
	m.addAddresses(added)
	m.announceTwice(added, m.settings.GARP.MasterRepeat, m.settings.GARP.MasterDelay)
	if old.GARP.MasterRefresh != m.settings.GARP.MasterRefresh {
		m.armRefresh()
	}
}

// sameOnWire tells whether the adverts of a and b are equal, source included.
func sameOnWire(a, b Settings) bool {
	x, y := a.advert(a.Priority), b.advert(b.Priority)
	return a.SourceAddress == b.SourceAddress &&
		x.Priority == y.Priority && x.Interval == y.Interval &&
		x.AuthType == y.AuthType && x.AuthData == y.AuthData &&
		slices.Equal(x.Addresses, y.Addresses)
}

// without returns the addresses of a that b lacks, in the order of a.
func without(a, b []netip.Addr) []netip.Addr {
	var rest []netip.Addr
	for _, addr := range a {
		if !slices.Contains(b, addr) {
			rest = append(rest, addr)
		}
	}
	return rest
}
