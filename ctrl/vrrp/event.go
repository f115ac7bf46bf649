package vrrp

import "net/netip"

// Event is what a Machine is told: one of Start, Adopt, Stop, Tick, Received,
// LinkDown, LinkUp and Reconfigure.
type Event interface{ event() }

// Start lets a machine in state INIT take part (RFC 3768 section 6.4.1). It
// becomes BACKUP, whatever Settings.StartState says; with Priority 255 MASTER;
// with the link down FAULT. In other states it does nothing.
type Start struct{}

// Adopt is Start for a daemon that was MASTER and comes back inside its lease
// (see Settings.LeaseDuration), for which the caller vouches. No backup can have
// taken over for want of adverts, so the machine is MASTER at once: it adverts,
// asks for its addresses, which the interface may still hold, and announces
// them. Nothing is removed. With the link down Adopt is Start.
type Adopt struct{}

// Stop ends taking part, from any state: INIT follows. A MASTER says goodbye
// with an advert of priority 0 and gives its addresses up (RFC 3768 section
// 6.4.3). Start and Adopt begin anew.
type Stop struct{}

// Tick tells that time has passed. It is due at Machine.Deadline; early it does
// nothing, late it does what is due.
type Tick struct{}

// Received is a datagram that arrived on the interface for 224.0.0.18.
type Received struct{ Datagram Datagram }

// Datagram is what the election needs of a received IP packet of protocol 112.
type Datagram struct {
	Source  netip.Addr
	TTL     uint8
	Payload []byte // the VRRP message, without the IP header; not kept
}

// LinkDown tells that the interface cannot carry adverts: no carrier, set down,
// gone, or without an IPv4 address. FAULT follows (keepalived tracks the
// interface unless dont_track_primary). Before Start it is remembered.
type LinkDown struct {
	Reason string // for people, such as "enp1s0 has no carrier"
}

// LinkUp ends FAULT: the machine begins as on Start. Otherwise it does nothing.
type LinkUp struct{}

// Reconfigure changes the settings (reload) without losing the state: a MASTER
// stays MASTER and its actions bring only the difference. The new settings must
// be valid. They must have the same VirtualRouterID, for that is the machine's
// identity; others are refused with a Note. A change of the source address
// comes this way, too.
//
// Only addresses count as a difference: prefix length, device and label of an
// address are the caller's.
type Reconfigure struct{ Settings Settings }

func (Start) event()       {}
func (Adopt) event()       {}
func (Stop) event()        {}
func (Tick) event()        {}
func (Received) event()    {}
func (LinkDown) event()    {}
func (LinkUp) event()      {}
func (Reconfigure) event() {}
