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
	if next.IPv6() != old.IPv6() {
		m.notef("source %v cannot become %v, of another family, without a restart of the instance", old.SourceAddress, next.SourceAddress)
		return
	}
	priority, patience, skew := m.Priority(), m.patience(), m.skewTime()
	m.settings = next.clone()
	if m.settings.Version == version2 || !m.takeover.learned {
		m.interval = m.settings.AdvertInterval
	}
	m.tellPriority(priority, "new settings")
	switch {
	case m.state == Master:
		m.reconfigureMaster(old)
	case m.state == Backup && m.patience() != patience:
		// Not by the difference: the master may be reloaded a moment later.
		m.armDown(m.downInterval(), causeSilence)
	default:
		m.refitTakeover(skew)
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
	if !m.looksLike(old) {
		m.sendAdvert()
	}
	m.removeAddresses(removed)
	m.addAddresses(added)
	m.announceTwice(added, m.settings.GARP.MasterRepeat, m.settings.GARP.MasterDelay)
	if old.GARP.MasterRefresh != m.settings.GARP.MasterRefresh {
		m.armRefresh()
	}
}

// looksLike tells whether our adverts are those of older settings, source
// included.
func (m *Machine) looksLike(old Settings) bool {
	x, y := m.settings.advert(m.Priority()), old.advert(old.effectivePriority(m.weight))
	return m.settings.SourceAddress == old.SourceAddress &&
		x.Version == y.Version && x.ChecksumAsV2 == y.ChecksumAsV2 &&
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
