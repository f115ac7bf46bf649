package vrrp

import (
	"net/netip"
	"slices"
	"time"
)

// Settings is the configuration of one virtual router on one interface, RFC
// 9568 section 6.1. [DefaultSettings] has the defaults; a Machine takes only
// settings that [Settings.Validate] accepts.
type Settings struct {
	// Name of the instance, for people (keepalived: vrrp_instance NAME).
	Name string
	// Version of the protocol, 2 or 3; IPv6 has 3 only (vrrp_version, version).
	Version int
	// VirtualRouterID, 1 to 255 (virtual_router_id). It is the identity of the
	// machine and cannot be reconfigured.
	VirtualRouterID uint8
	// Priority, 1 to 255; 255 is the address owner (priority). What is tracked
	// changes it, see Tracked and Machine.Priority.
	Priority uint8
	// AdvertInterval between our adverts as MASTER (advert_int). Version 2:
	// whole seconds, 1 to 255, the same in every member. Version 3: whole
	// centiseconds, 10 ms to 40.95 s; a backup learns that of its master.
	AdvertInterval time.Duration
	// AuthType and Password authenticate the members of version 2 (auth_type,
	// auth_pass). The password has 1 to 8 bytes with AuthPass and is unused
	// otherwise.
	AuthType AuthType
	Password string
	// ChecksumAsV2 leaves the pseudo-header out of the checksum of version 3 over
	// IPv4 (v3_checksum_as_v2). Every member must have the same.
	ChecksumAsV2 bool
	// Addresses are the advertised virtual addresses, of the family of
	// SourceAddress, in the order of the configuration (virtual_ipaddress).
	// Version 3 demands one. RFC 9568 section 5.2.9 wants the first IPv6 one to be
	// link-local; keepalived does without, and so does a machine.
	Addresses []netip.Addr
	// ExcludedAddresses are held and announced but not advertised, of either
	// family (virtual_ipaddress_excluded).
	ExcludedAddresses []netip.Addr
	// SourceAddress is the interface's primary address, for IPv6 its link-local
	// one, or mcast_src_ip or unicast_src_ip: the source of adverts. It decides
	// between masters of equal priority, and its family is the virtual router's.
	SourceAddress netip.Addr
	// Peers are the other members where adverts go by unicast (unicast_peer).
	// Without peers they go by multicast.
	Peers []Peer
	// CheckUnicastSource drops adverts from others than Peers, and those outside
	// their TTL bounds (check_unicast_src). Without it any source is heard.
	CheckUnicastSource bool
	// StartState is Backup or Master (state). As in keepalived, measured with
	// 2.2.7, Master does not skip the wait for other masters; it turns nopreempt
	// and preempt_delay off. Priority 255 skips the wait (RFC 9568 section
	// 6.4.1), here with either StartState, in keepalived with Master only.
	StartState State
	// StartupDelay, from Start on, belongs to no wait for a master: until it is
	// over the machine stays BACKUP, and its Master_Down_Timer begins at the end
	// of it (vrrp_startup_delay). The owner waits for the delay alone.
	StartupDelay time.Duration
	// Preempt lets a backup take over from a living master of lower priority
	// (false: nopreempt).
	Preempt bool
	// PreemptDelay is how long a backup lets a master of lower priority be
	// after it first heard it, 0 to 1000 s (preempt_delay).
	PreemptDelay time.Duration
	// GARP is when, and how often, the addresses are announced.
	GARP GARP
	// LowerPrioNoAdvert keeps a master from answering an advert of lower
	// priority with its own (lower_prio_no_advert).
	LowerPrioNoAdvert bool
	// HigherPrioSendAdvert makes a master that gives way advert once more, so
	// that the true master announces its addresses to the neighbors that had
	// learned ours (higher_prio_send_advert). Unlike in keepalived, on by default.
	HigherPrioSendAdvert bool
	// OwnerIgnoresAdverts keeps the address owner from listening to anybody, as
	// RFC 9568 section 7.1 has it (owner_ignore_adverts). Like keepalived's, ours
	// listens by default, so that two owners of one address, a misconfiguration,
	// find out by the tie rule instead of answering ARP together.
	OwnerIgnoresAdverts bool
	// DownTimerAdverts is how many adverts a backup misses before it takes
	// over, 1 to 100 (down_timer_adverts).
	DownTimerAdverts int
	// SkipCheckAdvAddr accepts adverts with another set of addresses, if their
	// number is right (skip_check_adv_addr; keepalived still checks the first
	// advert of each master).
	SkipCheckAdvAddr bool
}

// Peer is another member of a unicast virtual router (unicast_peer).
type Peer struct {
	Address netip.Addr
	// MinTTL and MaxTTL bound the TTL or hop limit of its adverts (min_ttl,
	// max_ttl) where CheckUnicastSource looks. A MaxTTL of 0 is 255.
	MinTTL, MaxTTL uint8
}

// GARP configures the gratuitous ARP of a master, for IPv6 its unsolicited
// neighbor advertisements. A count is the number of packets per virtual
// address; a count of 0 sends none.
type GARP struct {
	// MasterRepeat packets go out on becoming master (garp_master_repeat), and
	// again after MasterDelay unless that is 0 (garp_master_delay).
	MasterRepeat int
	MasterDelay  time.Duration
	// MasterRefreshRepeat packets go out every MasterRefresh while master,
	// unless that is 0 (garp_master_refresh_repeat, garp_master_refresh).
	MasterRefresh       time.Duration
	MasterRefreshRepeat int
	// LowerPrioRepeat packets go out after an advert of lower priority was
	// heard (garp_lower_prio_repeat), and again after LowerPrioDelay unless
	// that is 0 (garp_lower_prio_delay).
	LowerPrioDelay  time.Duration
	LowerPrioRepeat int
}

// DefaultSettings returns keepalived's defaults, with higher_prio_send_advert
// on. VirtualRouterID, Addresses and SourceAddress are left to set, and Version
// for IPv6.
func DefaultSettings() Settings {
	return Settings{
		Version:        version2,
		Priority:       100,
		AdvertInterval: time.Second,
		StartState:     Backup,
		Preempt:        true,
		GARP: GARP{
			MasterDelay: 5 * time.Second, MasterRepeat: 5,
			MasterRefreshRepeat: 1,
			LowerPrioDelay:      5 * time.Second, LowerPrioRepeat: 5,
		},
		HigherPrioSendAdvert: true,
		DownTimerAdverts:     3,
	}
}

// IPv6 tells the address family of the virtual router.
func (s Settings) IPv6() bool { return s.SourceAddress.Is6() }

// advert is what these settings put on the wire with the given priority.
func (s Settings) advert(priority uint8) Advert {
	a := Advert{
		Version:         uint8(s.Version),
		VirtualRouterID: s.VirtualRouterID,
		Priority:        priority,
		AuthType:        s.AuthType,
		Interval:        s.AdvertInterval,
		Addresses:       s.Addresses,
		ChecksumAsV2:    s.ChecksumAsV2,
	}
	if s.AuthType == AuthPass {
		copy(a.AuthData[:], s.Password)
	}
	return a
}

// heldAddresses are the addresses that a master holds: advertised ones first.
func (s Settings) heldAddresses() []netip.Addr {
	return slices.Concat(s.Addresses, s.ExcludedAddresses)
}

// preempts tells whether a backup may take over from a living master of lower
// priority at all. keepalived clears nopreempt for state MASTER.
func (s Settings) preempts() bool {
	return s.Preempt || s.StartState == Master
}

// preemptDelay is PreemptDelay where it counts: keepalived clears
// preempt_delay, too, for state MASTER.
func (s Settings) preemptDelay() time.Duration {
	if s.StartState == Master {
		return 0
	}
	return s.PreemptDelay
}

// clone returns settings that share no memory with s.
func (s Settings) clone() Settings {
	s.Addresses = slices.Clone(s.Addresses)
	s.ExcludedAddresses = slices.Clone(s.ExcludedAddresses)
	s.Peers = slices.Clone(s.Peers)
	s.SourceAddress = plain(s.SourceAddress)
	return s
}
