package vrrp

import (
	"net/netip"
	"slices"
)

// received examines a datagram and listens to it if nothing is wrong with it.
func (m *Machine) received(d Datagram) {
	if m.state != Backup && m.state != Master {
		return
	}
	a, drop := m.Examine(d)
	if drop != nil {
		m.do(*drop)
		return
	}
	switch source := plain(d.Source); m.state {
	case Backup:
		m.heardAsBackup(a, source)
	case Master:
		m.heardAsMaster(a, source)
	}
}

// Examine tells whether a datagram is an advert that the machine would listen
// to, in whatever state it is; if not, the drop says why. It changes nothing.
func (m *Machine) Examine(d Datagram) (Advert, *Drop) {
	d.Source, d.Destination = plain(d.Source), plain(d.Destination)
	a, drop := m.examine(d)
	if drop != nil {
		return Advert{}, &Drop{Reason: drop.Reason, Source: d.Source, Detail: drop.Detail}
	}
	return a, nil
}

// examine makes the tests of RFC 9568 section 7.1 (RFC 3768: the same section)
// in its order.
func (m *Machine) examine(d Datagram) (Advert, *DropError) {
	if d.Source == m.settings.SourceAddress {
		return Advert{}, dropf(DropOwn, "from our own address")
	}
	if drop := m.settings.examineWay(d); drop != nil {
		return Advert{}, drop
	}
	if version := m.settings.Version; len(d.Payload) > 0 && int(d.Payload[0]>>4) != version {
		return Advert{}, dropf(DropVersion, "version %d, expected %d", d.Payload[0]>>4, version)
	}
	a, drop := parse(d.Payload, d.Source, d.Destination)
	if drop != nil {
		return Advert{}, drop
	}
	if drop := m.examineForm(a, d); drop != nil {
		return Advert{}, drop
	}
	if drop := m.examineMembership(a); drop != nil {
		return Advert{}, drop
	}
	if drop := m.examineAddresses(a.Addresses); drop != nil {
		return Advert{}, drop
	}
	if own := m.settings.AdvertInterval; a.Version == version2 && a.Interval != own {
		return Advert{}, dropf(DropInterval, "advert interval %v, expected %v", a.Interval, own)
	}
	return a, nil
}

// examineForm wants the configured form of the checksum, as keepalived does: to
// listen to somebody who cannot hear us would only hide the mistake.
func (m *Machine) examineForm(a Advert, d Datagram) *DropError {
	own := m.settings.ChecksumAsV2
	if a.Version == version2 || a.ChecksumAsV2 == own {
		return nil
	}
	message := d.Payload[:messageLengthV3(len(a.Addresses), d.Source)]
	if checksum(message, d.Source, d.Destination, own) == 0 {
		return nil
	}
	if own {
		return dropf(DropChecksum, "checksum with a pseudo-header: set v3_checksum_as_v2 there or unset it here")
	}
	return dropf(DropChecksum, "checksum without a pseudo-header: unset v3_checksum_as_v2 there or set it here")
}

// examineMembership asks whether the advert is of our virtual router.
func (m *Machine) examineMembership(a Advert) *DropError {
	own := m.settings.advert(m.settings.Priority)
	switch {
	case a.VirtualRouterID != own.VirtualRouterID:
		return dropf(DropVirtualRouterID, "virtual router id %d, expected %d", a.VirtualRouterID, own.VirtualRouterID)
	case m.settings.OwnerIgnoresAdverts && own.Priority == PriorityOwner:
		return dropf(DropOwner, "priority %d, but we own the addresses", a.Priority)
	case a.AuthType != own.AuthType:
		return dropf(DropAuthType, "authentication %v, expected %v", a.AuthType, own.AuthType)
	case a.AuthType == AuthPass && a.AuthData != own.AuthData:
		return dropf(DropPassword, "password differs")
	}
	return nil
}

// examineAddresses drops what keepalived 2.2.7 drops: another number of
// addresses, and, unless told not to look, one of ours missing. Unlike RFC 3768
// section 7.1 it makes no exception for adverts of the address owner.
func (m *Machine) examineAddresses(theirs []netip.Addr) *DropError {
	ours := m.settings.Addresses
	if len(theirs) != len(ours) {
		return dropf(DropAddressCount, "%d virtual addresses, expected %d", len(theirs), len(ours))
	}
	if m.settings.SkipCheckAdvAddr {
		return nil
	}
	for _, addr := range ours {
		if !slices.Contains(theirs, addr) {
			return dropf(DropAddresses, "virtual address %v is missing", addr)
		}
	}
	return nil
}
