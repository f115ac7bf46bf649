package config

import (
	"net"
	"net/netip"
	"time"
)

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

	// State is the initial state. Default BACKUP; MASTER for Priority 255.
	State State

	// VirtualRouterID identifies the virtual router on its LAN, 1 to 255.
	VirtualRouterID uint8

	// Priority decides the election, 1 to 255. 255 is the address owner, RFC
	// 3768 section 5.3.4. Default 100; 255 where state MASTER is written, as
	// in keepalived.
	Priority uint8

	// AdvertInterval is the time between two adverts (advert_int). In VRRPv2
	// whole seconds from 1 s to 255 s (RFC 3768 section 5.3.7), in VRRPv3
	// whole centiseconds from 10 ms to 40.95 s (RFC 9568 section 5.2.7).
	// Default 1 s.
	AdvertInterval time.Duration

	// Version is the VRRP version, 2 or 3 (version, vrrp_version). Always 3
	// with IPv6.
	Version int

	// ChecksumAsV2: the checksum of a VRRPv3 advert over IPv4 leaves the
	// pseudo-header out (v3_checksum_as_v2). Never with VRRPv2 or IPv6.
	ChecksumAsV2 bool

	// AuthType is AuthNone with VRRPv3, which has no authentication.
	AuthType AuthType

	// AuthPass is the password of AuthPass, 1 to 8 bytes; a longer one is
	// cut at 8 as keepalived does, with a warning.
	AuthPass string

	// Strict: only what the RFC allows is accepted (strict_mode,
	// vrrp_strict). What the configuration decides by it is decided already.
	Strict bool

	// Accept: the master takes packets to its addresses although it does not
	// own them (accept, no_accept; Accept_Mode of RFC 9568 section 6.1).
	// Default true; under Strict, true for priority 255 only.
	Accept bool

	// Addresses are the VIPs in the order of the file, which is also their
	// order in adverts (virtual_ipaddress). They are of one address family.
	Addresses []VirtualAddress

	// ExcludedAddresses are added and removed with the VIPs but not
	// advertised, of either family (virtual_ipaddress_excluded).
	ExcludedAddresses []VirtualAddress

	// Routes and Rules are added and removed with the VIPs (virtual_routes,
	// virtual_rules).
	Routes []Route
	Rules  []Rule

	// Preempt tells whether a higher priority takes over from a working
	// master. Default true; nopreempt clears it.
	Preempt bool

	// PreemptDelay is added to the wait before preempting, 0 to 1000 s.
	PreemptDelay time.Duration

	// StartupDelay is how much longer than usual the instance waits for
	// adverts after the start (vrrp_startup_delay), at most 4295 s. Default 0.
	StartupDelay time.Duration

	// SourceAddress is the source of adverts (mcast_src_ip or
	// unicast_src_ip). The zero Addr means the primary address of the
	// interface in IPv4, its link-local address in IPv6.
	SourceAddress netip.Addr

	// MulticastGroup is where adverts go without Unicast: 224.0.0.18 or
	// ff02::12 by default (mcast_dst_ip, vrrp_mcast_group4 and 6).
	MulticastGroup netip.Addr

	// Unicast are the other members, which adverts go to one by one instead
	// of to MulticastGroup (unicast_peer). Empty for multicast.
	Unicast []UnicastPeer

	// UnicastTTL is the TTL or hop limit of adverts to Unicast
	// (unicast_ttl). Default 255.
	UnicastTTL uint8

	// CheckUnicastSource: adverts are heard from the addresses of Unicast
	// only (check_unicast_src). True as well if a peer has a TTL range.
	CheckUnicastSource bool

	// UnicastFaultNoPeer: the instance was to speak by unicast but has no
	// peer. It stays in state FAULT (unicast_fault_no_peer).
	UnicastFaultNoPeer bool

	// VMAC is the virtual MAC address of the instance (use_vmac); nil if it
	// uses the one of Interface.
	VMAC *VMAC

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

	// OwnerIgnoresAdverts: with Priority 255 no adverts are listened to (RFC
	// 9568 section 7.1; owner_ignore_adverts, vrrp_owner_ignore_adverts).
	// Default false, as in keepalived; always true under Strict with
	// Priority 255, and never true with another Priority.
	OwnerIgnoresAdverts bool

	// TrackPrimary: a fault of Interface is a fault of the instance.
	// Default true; dont_track_primary clears it.
	TrackPrimary bool

	// Tracking is what else decides about priority and state; see
	// SyncGroup.TrackingWeight. With Priority 255 all weights are 0.
	Tracking

	// Notify is who is told of changes of state.
	Notify Notify

	// NotifyPriorityChanges: the FIFOs get each change of the priority, too, as
	// MASTER_PRIORITY or BACKUP_PRIORITY (notify_priority_changes; else that of
	// the sync group, else vrrp_notify_priority_changes). Default false.
	NotifyPriorityChanges bool

	// SkipCheckAdvAddr: the addresses in an advert are not compared again
	// when it comes from the same master as the one before
	// (skip_check_adv_addr).
	SkipCheckAdvAddr bool

	// DownTimerAdverts is how many advert intervals without an advert make
	// a master down, 1 to 100, default 3 (down_timer_adverts).
	DownTimerAdverts int
}

// IPv6 reports the address family of the instance: that of its Addresses, or
// without any, that of its MulticastGroup.
func (i Instance) IPv6() bool {
	if len(i.Addresses) > 0 {
		return i.Addresses[0].Prefix.Addr().Is6()
	}
	return i.MulticastGroup.Is6()
}

// UnicastPeer is another member of a virtual router (unicast_peer).
type UnicastPeer struct {
	Position
	Address netip.Addr

	// MinTTL and MaxTTL are the range of TTLs or hop limits that adverts of
	// this peer may arrive with (min_ttl, max_ttl). Default 0 and 255.
	MinTTL, MaxTTL uint8
}

// VMAC is a virtual MAC address (use_vmac, RFC 9568 section 7.3).
type VMAC struct {
	Position

	// Name is the name of the interface that has the address, at most 15
	// bytes. It is vrrp.VRID by default, vrrp6.VRID for IPv6, with vmac_prefix
	// in place of vrrp.
	Name string

	// Address is 00:00:5e:00:01:VRID by default, 00:00:5e:00:02:VRID for
	// IPv6.
	Address net.HardwareAddr

	// TransmitBase: adverts are sent and heard on the instance's Interface
	// (vmac_xmit_base).
	TransmitBase bool
}

// GARP says how gratuitous ARP, or an unsolicited neighbor advertisement,
// announces the addresses of an instance.
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

	// Prefix keeps the address and its prefix length; the length is 32, or
	// 128 for IPv6, when none is written, as in keepalived.
	Prefix netip.Prefix

	// Interface holds the address: the one after dev, else the instance's,
	// else, for a static address, default_interface.
	Interface string

	// OnVMAC: the address is added to the VMAC of the instance, which is on
	// top of Interface, and not to Interface itself.
	OnVMAC bool

	// Label is the address label (label), for example eth0:1; may be empty.
	Label string

	// Broadcast is the broadcast address (brd); the zero Addr when none.
	Broadcast netip.Addr

	// Scope is site, link, host, nowhere or global; empty when not written.
	Scope string

	// Deprecated: the host does not choose the address as a source
	// (preferred_lft 0). Default true for IPv6 with length 128, as in
	// keepalived.
	Deprecated bool
}
