package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Settings is the configuration of one virtual router on one interface, RFC
// 3768 section 6.1. [DefaultSettings] has the defaults; a Machine takes only
// settings that [Settings.Validate] accepts.
type Settings struct {
	// Name of the instance, for people (keepalived: vrrp_instance NAME).
	Name string
	// VirtualRouterID, 1 to 255 (virtual_router_id). It is the identity of the
	// machine and cannot be reconfigured.
	VirtualRouterID uint8
	// Priority, 1 to 255; 255 is the address owner (priority).
	Priority uint8
	// AdvertInterval is a whole number of seconds, 1 to 255 (advert_int).
	// Every member of the virtual router must have the same.
	AdvertInterval time.Duration
	// AuthType and Password authenticate the members (auth_type, auth_pass).
	// The password has 1 to 8 bytes with AuthPass and is unused otherwise.
	AuthType AuthType
	Password string
	// Addresses are the advertised virtual addresses, IPv4, in the order of the
	// configuration (virtual_ipaddress).
	Addresses []netip.Addr
	// ExcludedAddresses are held and announced but not advertised, of either
	// family (virtual_ipaddress_excluded).
	ExcludedAddresses []netip.Addr
	// SourceAddress is the interface's primary IPv4 address, or mcast_src_ip:
	// the source of adverts. It decides between masters of equal priority.
	SourceAddress netip.Addr
	// StartState is Backup or Master (state). As in keepalived, measured with
	// 2.2.7, Master does not skip the wait for other masters; it turns nopreempt
	// and preempt_delay off. Priority 255 skips the wait (RFC 3768 section
	// 6.4.1), here with either StartState, in keepalived with Master only.
	StartState State
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
	// DownTimerAdverts is how many adverts a backup misses before it takes
	// over, 1 to 100 (down_timer_adverts).
	DownTimerAdverts int
	// SkipCheckAdvAddr accepts adverts with another set of addresses, if their
	// number is right (skip_check_adv_addr; keepalived still checks the first
	// advert of each master).
	SkipCheckAdvAddr bool
}

// GARP configures the gratuitous ARP of a master. A count is the number of
// packets per virtual address; a count of 0 sends none.
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
// on. VirtualRouterID, Addresses and SourceAddress are left to set.
func DefaultSettings() Settings {
	return Settings{
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

// Limits of keepalived's grammar.
const (
	maxPasswordLength   = authDataLength
	maxPreemptDelay     = 1000 * time.Second
	maxDownTimerAdverts = 100
)

// Validate reports every setting that a machine cannot work with.
func (s Settings) Validate() error {
	var errs []error
	failIf := func(failed bool, format string, args ...any) {
		if failed {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	if err := s.advert(s.Priority).checkV2(); err != nil {
		errs = append(errs, err)
	}
	failIf(s.Priority == PriorityStopped, "priority 0 is outside 1 to 255")
	failIf(s.AuthType != AuthNone && s.AuthType != AuthPass, "authentication %v is not supported", s.AuthType)
	failIf(s.AuthType == AuthPass && (s.Password == "" || len(s.Password) > maxPasswordLength),
		"a password of %d bytes is outside 1 to %d", len(s.Password), maxPasswordLength)
	failIf(!s.SourceAddress.Is4(), "source address %v is not IPv4", s.SourceAddress)
	failIf(s.StartState != Backup && s.StartState != Master, "start state %v is neither BACKUP nor MASTER", s.StartState)
	failIf(s.PreemptDelay < 0 || s.PreemptDelay > maxPreemptDelay, "preempt delay %v is outside 0 to %v", s.PreemptDelay, maxPreemptDelay)
	failIf(s.DownTimerAdverts < 1 || s.DownTimerAdverts > maxDownTimerAdverts,
		"down timer of %d adverts is outside 1 to %d", s.DownTimerAdverts, maxDownTimerAdverts)
	failIf(min(s.GARP.MasterRepeat, s.GARP.MasterRefreshRepeat, s.GARP.LowerPrioRepeat) < 0, "a GARP count is negative")
	failIf(min(s.GARP.MasterDelay, s.GARP.MasterRefresh, s.GARP.LowerPrioDelay) < 0, "a GARP time is negative")
	seen := make(map[netip.Addr]bool)
	for _, addr := range s.heldAddresses() {
		failIf(!addr.IsValid(), "an excluded address is not an address")
		failIf(seen[addr], "address %v is set twice", addr)
		seen[addr] = true
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("vrrp instance %s: %w", s.Name, err)
	}
	return nil
}

// SkewTime is Skew_Time of RFC 3768 section 6.1, (256 - Priority) / 256 s: it
// lets the backup of the highest priority take over first.
func (s Settings) SkewTime() time.Duration {
	return time.Duration(256-int(s.Priority)) * time.Second / 256
}

// LeaseDuration is how long a master may count on being alone after its last
// advert: DownTimerAdverts x AdvertInterval, the earliest moment at which a
// backup takes over for want of adverts, since a backup waits that long plus its
// own Skew_Time. It presumes that every member has the same down_timer_adverts
// and advert_int. A backup that preempts waits for nobody, but is heard. Each
// SendAdvert of a MASTER renews the lease.
func (s Settings) LeaseDuration() time.Duration {
	return time.Duration(s.DownTimerAdverts) * s.AdvertInterval
}

// DownInterval is Master_Down_Interval of RFC 3768 section 6.1: a backup that
// hears no master for this long takes over.
func (s Settings) DownInterval() time.Duration {
	return s.LeaseDuration() + s.SkewTime()
}

// advert is what these settings put on the wire with the given priority.
func (s Settings) advert(priority uint8) Advert {
	a := Advert{
		Version:         version2,
		VirtualRouterID: s.VirtualRouterID,
		Priority:        priority,
		AuthType:        s.AuthType,
		Interval:        s.AdvertInterval,
		Addresses:       s.Addresses,
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
	return s
}
