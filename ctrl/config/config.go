// Package config reads keepalived.conf text into a validated Config.
//
// It works in two layers. First the text: it is cut into tokens (lexer.go);
// conditional lines, variables and included files are resolved (reader.go,
// variable.go, include.go); the result is a tree of statements that know where
// they were written (tree.go). Then the meaning: what may stand in a block is a
// table of keywords (grammar.go, value.go). There is one file per kind of block:
// globals.go, instance.go with authentication.go and address.go,
// servergroup.go, virtualserver.go with endpoint.go, scheduler.go and
// persistence.go, realserver.go, checker.go and drover.go. Each writes into the
// Config (config.go, server.go), in which every default is already resolved.
//
// The package is pure: it opens no file or socket and reads no clock. Files
// come through a Source; what only the host knows is asked by CheckHost.
//
// Nothing is passed over in silence. A keyword of keepalived's that Drover
// does not serve yet is a warning that tells the consequence, a keyword that
// nobody knows is an error with the nearest known word.
package config

import (
	"net/netip"
	"time"
)

// Config is a whole configuration. All defaults and all inheritance between
// blocks are resolved: zero values mean zero, not "unset".
type Config struct {
	// RouterID names this machine in logs (router_id). Empty when not
	// written; keepalived then uses the host name.
	RouterID string

	// Instances are the VRRP instances that Drover serves, in file order.
	Instances []Instance

	// VirtualServers are the virtual servers that Drover serves, in file
	// order.
	VirtualServers []VirtualServer

	// LVSTimeouts are the timeouts of connections.
	LVSTimeouts LVSTimeouts

	// Drover holds the settings that keepalived has no word for.
	Drover Drover

	interfaces []interfaceUse
}

// State is the state in which a VRRP instance starts (state). Both members of
// a pair may say MASTER: the election decides, see RFC 3768 section 6.4.1.
type State int

// The initial states that keepalived.conf can ask for.
const (
	Backup State = iota
	Master
)

// String returns the state as keepalived.conf writes it.
func (s State) String() string {
	if s == Master {
		return "MASTER"
	}
	return "BACKUP"
}

// AuthType is the VRRPv2 authentication of an instance (auth_type, RFC 2338
// section 5.3.6).
type AuthType int

// The authentication types that Drover speaks.
const (
	AuthNone AuthType = iota
	AuthPass
)

// String returns the type as keepalived.conf writes it, or "none".
func (a AuthType) String() string {
	if a == AuthPass {
		return "PASS"
	}
	return "none"
}

// Instance is one VRRP instance (vrrp_instance).
type Instance struct {
	Position
	Name      string
	Interface string

	// State is the initial state; BACKUP when not written.
	State State

	// VirtualRouterID identifies the virtual router on its LAN, 1 to 255.
	VirtualRouterID uint8

	// Priority decides the election, 1 to 255, default 100. 255 is the
	// address owner, RFC 3768 section 5.3.4.
	Priority uint8

	// AdvertInterval is the time between two adverts (advert_int), whole
	// seconds from 1 s to 255 s in VRRPv2. Default 1 s.
	AdvertInterval time.Duration

	// Version is the VRRP version. Always 2 for now: instances of version 3
	// are not served yet and are left out of the Config with a warning.
	Version int

	AuthType AuthType

	// AuthPass is the password of AuthPass, 1 to 8 bytes; a longer one is
	// cut at 8 as keepalived does, with a warning.
	AuthPass string

	// Addresses are the VIPs in the order of the file, which is also their
	// order in adverts (virtual_ipaddress).
	Addresses []VirtualAddress

	// ExcludedAddresses are added and removed with the VIPs but not
	// advertised (virtual_ipaddress_excluded).
	ExcludedAddresses []VirtualAddress

	// Preempt tells whether a higher priority takes over from a working
	// master. Default true; nopreempt clears it.
	Preempt bool

	// PreemptDelay is added to the wait before preempting, 0 to 1000 s.
	PreemptDelay time.Duration

	// SourceAddress is the source of adverts (mcast_src_ip). The zero Addr
	// means the primary address of the interface.
	SourceAddress netip.Addr

	GARP GARP

	// LowerPrioNoAdvert: a master that hears an advert of lower priority
	// does not answer with one of its own (lower_prio_no_advert).
	LowerPrioNoAdvert bool

	// HigherPrioSendAdvert: a master that hears an advert of higher priority
	// sends one more advert before it steps down, so that the winner
	// announces its addresses again (higher_prio_send_advert). Default
	// true, unlike keepalived: without it the clients of a healed network
	// stay with the loser for seconds.
	HigherPrioSendAdvert bool

	// TrackPrimary: a fault of Interface is a fault of the instance.
	// Default true; dont_track_primary clears it.
	TrackPrimary bool

	// TrackInterfaces are further interfaces whose fault is a fault of the
	// instance (track_interface without weight).
	TrackInterfaces []string

	// SkipCheckAdvAddr: the addresses in an advert are not compared again
	// when it comes from the same master as the one before
	// (skip_check_adv_addr).
	SkipCheckAdvAddr bool

	// DownTimerAdverts is how many advert intervals without an advert make
	// a master down, 1 to 100, default 3 (down_timer_adverts).
	DownTimerAdverts int
}

// GARP says how gratuitous ARP announces the addresses of an instance.
type GARP struct {
	// MasterDelay is the time between the first and the second round after
	// becoming master; 0 means no second round. Default 5 s.
	MasterDelay time.Duration

	// MasterRepeat is the number of packets per address and round. Default 5.
	MasterRepeat int

	// MasterRefresh is the time between announcements while master; 0 means
	// none. Default 0.
	MasterRefresh time.Duration

	// MasterRefreshRepeat is the number of packets per address and refresh.
	// Default 1.
	MasterRefreshRepeat int

	// LowerPrioDelay and LowerPrioRepeat are the delay and the number after
	// an advert of lower priority. They default to MasterDelay and
	// MasterRepeat. LowerPrioRepeat 0 means no announcement.
	LowerPrioDelay  time.Duration
	LowerPrioRepeat int
}

// VirtualAddress is one address that a master holds.
type VirtualAddress struct {
	Position

	// Prefix keeps the address and its prefix length; the length is 32 when
	// none is written, as in keepalived.
	Prefix netip.Prefix

	// Interface holds the address: the one after dev, else the instance's.
	Interface string

	// Label is the address label (label), for example eth0:1; may be empty.
	Label string

	// Broadcast is the broadcast address (brd); the zero Addr when none.
	Broadcast netip.Addr

	// Scope is site, link, host, nowhere or global; empty when not written.
	Scope string
}

// LVSTimeouts say how long a silent connection is remembered, by its state
// (lvs_timeouts): 1 s to 31 days each, 0 for the default, which is IPVS's.
type LVSTimeouts struct {
	// TCP is for established connections. The default is 15 min.
	TCP time.Duration

	// TCPFin is for connections that one side has closed. The default is
	// 2 min.
	TCPFin time.Duration

	// UDP is for UDP flows. The default is 5 min.
	UDP time.Duration
}

// Drover holds Drover's own settings (drover { ... }).
type Drover struct {
	// Flows is the number of connections that the flow table of each address
	// family holds, 1000 to 64000000 (flows). 0, the default, means as many as
	// suit the memory of the machine.
	Flows int
}
