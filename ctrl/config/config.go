// Package config reads keepalived.conf text into a validated Config.
//
// It works in two layers. First the text: it is cut into tokens (lexer.go);
// conditional lines, variables and included files are resolved (reader.go,
// variable.go, include.go); the result is a tree of statements that know where
// they were written (tree.go). Then the meaning: what may stand in a block is a
// table of keywords (grammar.go, value.go). There is one file per kind of block:
// globals.go, instance.go with authentication.go and address.go,
// virtualserver.go, realserver.go, checker.go and drover.go. Each writes into
// the Config, in which every default is already resolved.
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

// Protocol is the transport protocol of a virtual server (protocol).
type Protocol int

// The protocols that Drover balances.
const (
	TCP Protocol = iota
	UDP
)

// String returns the protocol as keepalived.conf writes it.
func (p Protocol) String() string {
	if p == UDP {
		return "UDP"
	}
	return "TCP"
}

// VirtualServer is one balanced service (virtual_server ADDRESS PORT).
type VirtualServer struct {
	Position
	Address  netip.Addr
	Port     uint16
	Protocol Protocol

	// Scheduler is "rr" or "wrr" (lb_algo). Other algorithms are replaced by
	// wrr with a warning.
	Scheduler string

	// DelayLoop is the default time between two checks of its real servers
	// (delay_loop). Each HTTPCheck holds its own, resolved.
	DelayLoop time.Duration

	RealServers []RealServer
}

// RealServer is one server behind a virtual server (real_server).
type RealServer struct {
	Position
	Address netip.Addr

	// Port is where checks connect to. Traffic always arrives at the virtual
	// server's port: direct return does not rewrite it.
	Port uint16

	// Weight is its share under wrr, 0 to 65535, default 1. 0 means no new
	// connections; existing ones continue.
	Weight int

	// InhibitOnFailure: a failed check sets the weight to 0 instead of
	// removing the real server (inhibit_on_failure).
	InhibitOnFailure bool

	// Check is nil when nothing is checked: the real server is always up.
	Check *HTTPCheck
}

// HTTPCheck is an HTTP_GET check.
type HTTPCheck struct {
	Position

	// URLs are fetched in turn; at least one.
	URLs []URL

	// VirtualHost is the Host header of URLs without their own; empty means
	// address and port of the real server.
	VirtualHost string

	// ConnectTimeout bounds connecting and each read. Default 5 s.
	ConnectTimeout time.Duration

	// Retry failures more than the first are forgiven. Default 1.
	Retry int

	// DelayBeforeRetry is the time from a failure to the retry. Default 3 s.
	DelayBeforeRetry time.Duration

	// DelayLoop is the time between two checks. Default 60 s.
	DelayLoop time.Duration

	// Warmup bounds the random delay before the first check. Default
	// DelayLoop; 0 means none.
	Warmup time.Duration

	// Alpha: the real server is down until its first check succeeds.
	Alpha bool

	// ConnectIP is where the check connects to: the real server, unless
	// connect_ip or connect_port say otherwise.
	ConnectIP netip.AddrPort

	// HTTPProtocol is "1.0", "1.0C" (1.0 with Connection: close) or "1.1".
	// Default "1.0".
	HTTPProtocol string
}

// URL is one page of an HTTP_GET check.
type URL struct {
	Position

	// Path is the request target, for example /index.html.
	Path string

	// StatusCodes are the accepted status codes. Default 200 to 299.
	StatusCodes []StatusRange

	// Digest is the MD5 of the body in 32 lower-case hexadecimal digits;
	// empty when the body is not compared.
	Digest string

	// VirtualHost is the Host header, resolved from url, checker, real
	// server and virtual server in this order; empty as in HTTPCheck.
	VirtualHost string
}

// StatusRange is an inclusive range of HTTP status codes, 100 to 999.
type StatusRange struct{ Low, High int }

// Drover holds Drover's own settings (drover { ... }).
type Drover struct {
	// FlowCapacity is the number of flows that the flow table is made for,
	// 1024 to 67108864, default 1048576 (flow_capacity). The data plane
	// rounds it up to a power of two.
	FlowCapacity int
}
