package vrrp

import "net/netip"

// Event is what a Machine is told: one of Start, Adopt, Stop, Tick, Received,
// Fault, NoFault, Tracked, Reunited and Reconfigure.
type Event interface{ event() }

// Start lets a machine in state INIT take part (RFC 9568 section 6.4.1). It
// becomes BACKUP, whatever Settings.StartState says; with Priority 255 MASTER;
// with a fault FAULT. In other states it does nothing.
type Start struct{}

// Adopt is Start for a daemon that was MASTER and comes back inside its lease
// (see Settings.LeaseDuration), for which the caller vouches. No backup can have
// taken over for want of adverts, so the machine is MASTER at once: it adverts,
// asks for its addresses, which the interface may still hold, and announces
// them. Nothing is removed. With a fault Adopt is Start.
type Adopt struct{}

// Stop ends taking part, from any state: INIT follows. A MASTER says goodbye
// with an advert of priority 0 and gives its addresses up (RFC 9568 section
// 6.4.3). Start and Adopt begin anew.
type Stop struct{}

// Tick tells that time has passed. It is due at Machine.Deadline; early it does
// nothing, late it does what is due.
type Tick struct{}

// Received is a datagram that arrived on the interface.
type Received struct{ Datagram Datagram }

// Datagram is what the election needs of a received IP packet of protocol 112.
type Datagram struct {
	Source      netip.Addr
	Destination netip.Addr // a multicast group, or our own address
	TTL         uint8      // IPv6: the hop limit
	Payload     []byte     // the VRRP message, without the IP header; not kept
}

// Fault tells that this node cannot or must not be MASTER: no carrier, no
// address to speak from, a tracked script that fails without a weight, a data
// plane that does not forward. The caller unites the causes, a second Fault
// replaces the reason. FAULT follows; before Start the fault is remembered.
//
// A MASTER says goodbye, as in keepalived, so that a backup takes over after
// its Skew_Time. Where the cause is the link that advert cannot leave, which is
// no error.
type Fault struct {
	Reason string // for people, such as "enp1s0 has no carrier"
}

// NoFault ends FAULT: the machine begins as on Start, without a startup delay.
// Otherwise it does nothing.
type NoFault struct{}

// Tracked tells the sum of the weights of all that is tracked, as it is now
// (keepalived: weight of track_interface, track_script, track_file,
// track_process). The effective priority is the configured one plus the sum,
// kept in 1 to 254; that of the address owner, 255, is never changed. A MASTER
// says so in its next regular advert, as keepalived does.
type Tracked struct {
	Weight int
	Reason string // for people, such as "script check_web failed"
}

// Reunited tells that a part of the LAN is heard again that was silent. Another
// master may have been there unnoticed, one that gives way without a word. A MASTER
// announces its addresses anew, ten times a second at most.
type Reunited struct{}

// Reconfigure changes the settings (reload) without losing the state: a MASTER
// stays MASTER and its actions bring only the difference. The new settings must
// be valid. They must have the same VirtualRouterID and address family, for
// these are the machine's identity; others are refused with a Note. A change of
// the source address comes this way, too.
//
// Only addresses count as a difference: prefix length, device and label of an
// address are the caller's.
type Reconfigure struct{ Settings Settings }

func (Start) event()       {}
func (Adopt) event()       {}
func (Stop) event()        {}
func (Tick) event()        {}
func (Received) event()    {}
func (Fault) event()       {}
func (NoFault) event()     {}
func (Tracked) event()     {}
func (Reunited) event()    {}
func (Reconfigure) event() {}
