package vrrp

import (
	"net/netip"
	"slices"
)

// ttl is the IP TTL that every advert has: a router on the way would have
// lowered it, so the sender is on this LAN (RFC 3768 section 5.2.3).
const ttl = 255

// received examines a datagram and listens to it if nothing is wrong with it.
func (m *Machine) received(d Datagram) {
	if m.state != Backup && m.state != Master {
		return
	}
	a, drop := m.examine(d)
	if drop != nil {
		m.do(Drop{Reason: drop.Reason, Source: d.Source, Detail: drop.Detail})
		return
	}
	switch m.state {
	case Backup:
		m.heardAsBackup(a, d.Source)
	case Master:
		m.heardAsMaster(a, d.Source)
	}
}

// examine makes the tests of RFC 3768 section 7.1 in its order.
//
// The address owner (priority 255) listens too, though section 7.1 has it
// ignore everyone: like keepalived we let two owners of one address, a
// misconfiguration, find out by the tie rule instead of answering ARP together.
func (m *Machine) examine(d Datagram) (Advert, *DropError) {
	if d.Source == m.settings.SourceAddress {
		return Advert{}, dropf(DropOwn, "from our own address")
	}
	if d.TTL != ttl {
		return Advert{}, dropf(DropTTL, "TTL %d, expected %d", d.TTL, ttl)
	}
	a, drop := parse(d.Payload)
	if drop != nil {
		return Advert{}, drop
	}
	own := m.settings.advert(m.settings.Priority)
	if a.VirtualRouterID != own.VirtualRouterID {
		return Advert{}, dropf(DropVirtualRouterID, "virtual router id %d, expected %d", a.VirtualRouterID, own.VirtualRouterID)
	}
	if a.AuthType != own.AuthType {
		return Advert{}, dropf(DropAuthType, "authentication %v, expected %v", a.AuthType, own.AuthType)
	}
	if a.AuthType == AuthPass && a.AuthData != own.AuthData {
		return Advert{}, dropf(DropPassword, "password differs")
	}
	if drop := m.examineAddresses(a.Addresses); drop != nil {
		return Advert{}, drop
	}
	if a.Interval != own.Interval {
		return Advert{}, dropf(DropInterval, "advert interval %v, expected %v", a.Interval, own.Interval)
	}
	return a, nil
}

// examineAddresses drops what keepalived 2.2.7 drops: another number of
// addresses, and, unless told not to look, one of ours missing. Unlike section
// 7.1 it makes no exception for adverts of the address owner.
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
