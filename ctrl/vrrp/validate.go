package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Limits of keepalived's grammar.
const (
	maxPasswordLength   = authDataLength
	maxPreemptDelay     = 1000 * time.Second
	maxDownTimerAdverts = 100
)

// faults collects what is wrong.
type faults []error

func (f *faults) addIf(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// Validate reports every setting that a machine cannot work with.
func (s Settings) Validate() error {
	var f faults
	f.addIf(s.Priority == PriorityStopped, "priority 0 is outside 1 to 255")
	f.addIf(s.StartState != Backup && s.StartState != Master, "start state %v is neither BACKUP nor MASTER", s.StartState)
	f.addIf(s.StartupDelay < 0, "startup delay %v is negative", s.StartupDelay)
	f.addIf(s.PreemptDelay < 0 || s.PreemptDelay > maxPreemptDelay, "preempt delay %v is outside 0 to %v", s.PreemptDelay, maxPreemptDelay)
	f.addIf(s.DownTimerAdverts < 1 || s.DownTimerAdverts > maxDownTimerAdverts,
		"down timer of %d adverts is outside 1 to %d", s.DownTimerAdverts, maxDownTimerAdverts)
	f.addIf(min(s.GARP.MasterRepeat, s.GARP.MasterRefreshRepeat, s.GARP.LowerPrioRepeat) < 0, "a GARP count is negative")
	f.addIf(min(s.GARP.MasterDelay, s.GARP.MasterRefresh, s.GARP.LowerPrioDelay) < 0, "a GARP time is negative")
	s.validateWire(&f)
	s.validateAddresses(&f)
	if err := errors.Join(f...); err != nil {
		return fmt.Errorf("vrrp instance %s: %w", s.Name, err)
	}
	return nil
}

// validateWire looks at what is in an advert.
func (s Settings) validateWire(f *faults) {
	f.addIf(s.AuthType != AuthNone && s.AuthType != AuthPass, "authentication %v is not supported", s.AuthType)
	f.addIf(s.AuthType == AuthPass && (s.Password == "" || len(s.Password) > maxPasswordLength),
		"a password of %d bytes is outside 1 to %d", len(s.Password), maxPasswordLength)
	f.addIf(!s.SourceAddress.IsValid(), "there is no source address")
	var err error
	switch s.Version {
	case version2:
		f.addIf(s.IPv6(), "version 2 has no IPv6: source address %v needs version 3", s.SourceAddress)
		err = s.advert(s.Priority).checkV2()
	case version3:
		err = s.advert(s.Priority).checkV3(plain(s.SourceAddress))
	default:
		err = fmt.Errorf("version %d is neither 2 nor 3", s.Version)
	}
	f.addIf(err != nil, "%w", err)
}

func (s Settings) validateAddresses(f *faults) {
	seen := make(map[netip.Addr]bool)
	for _, addr := range s.heldAddresses() {
		f.addIf(!addr.IsValid(), "an excluded address is not an address")
		f.addIf(seen[addr], "address %v is set twice", addr)
		seen[addr] = true
	}
	for _, p := range s.Peers {
		f.addIf(p.Address.BitLen() != s.SourceAddress.BitLen(), "peer %v is of another family than source address %v", p.Address, s.SourceAddress)
		f.addIf(p.MinTTL > p.maxTTL(), "peer %v has a lowest TTL %d above its highest %d", p.Address, p.MinTTL, p.maxTTL())
	}
}
