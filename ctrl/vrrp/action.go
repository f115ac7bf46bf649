package vrrp

import (
	"net/netip"
	"time"
)

// Action is what a Machine asks its owner to do: one of SendAdvert,
// AddAddresses, RemoveAddresses, Announce, Transition, PriorityChange, Rival,
// Drop and Note. Slices in actions are shared and must not be changed.
type Action interface{ action() }

// SendAdvert sends an advert to the multicast group of its family, 224.0.0.18 or
// ff02::12, with TTL or hop limit 255 (RFC 9568 section 5.1), or to each of
// Settings.Peers. Marshal it for each destination: the checksum of version 3
// covers both ends.
type SendAdvert struct {
	Advert Advert
	// Lease is how long from this advert on no backup can take over: the gate
	// of the instance is open until then. It is 0 in the last advert of a
	// master that stops or gives way; such an advert renews nothing.
	Lease time.Duration
}

// AddAddresses puts virtual addresses on the interface. Those that are there
// already stay as they are.
type AddAddresses struct{ Addresses []netip.Addr }

// RemoveAddresses takes virtual addresses off the interface. Those that are
// not there are no error: a machine that starts as BACKUP removes what an
// earlier run may have left.
type RemoveAddresses struct{ Addresses []netip.Addr }

// Announce sends Count gratuitous ARP requests (IPv6: unsolicited neighbor
// advertisements) for each address.
type Announce struct {
	Addresses []netip.Addr
	Count     int
}

// Transition tells that the state has changed. It comes after the actions that
// the change brought, so its reader finds them done. Machine.State has the new
// state already when Handle returns.
type Transition struct {
	From, To State
	Reason   string // for people, such as "advert of priority 12 from 192.168.100.212"
}

// PriorityChange tells that the effective priority, Machine.Priority, has
// changed (keepalived: notify_priority_changes). The next advert carries it.
type PriorityChange struct {
	From, To uint8
	Reason   string // for people, that of Tracked; empty after Reconfigure
}

// Rival tells of a second master on the LAN: split brain. The master that the
// machine preempts is none, nor is one that preempts it, and of each rival there
// is at most one action a second. Who stays is decided without the caller: by
// priority, then by primary address.
type Rival struct {
	Source   netip.Addr
	Priority uint8
	// Returned says that the machine became master because this one, which has the
	// higher priority, fell silent: now it is back, and the machine gives way. Either
	// it was master all the time, in another part of the LAN, or it was started anew.
	Returned bool
}

// Drop tells that a datagram was not listened to. Count it by Reason; log the
// first of a kind, or a flood of bad adverts becomes a flood of log lines.
// DropOwn is worth no line.
type Drop struct {
	Reason DropReason
	Source netip.Addr
	Detail string
}

// Note is a line for the log about something that changed no state.
type Note struct{ Text string }

func (SendAdvert) action()      {}
func (AddAddresses) action()    {}
func (RemoveAddresses) action() {}
func (Announce) action()        {}
func (Transition) action()      {}
func (PriorityChange) action()  {}
func (Rival) action()           {}
func (Drop) action()            {}
func (Note) action()            {}
