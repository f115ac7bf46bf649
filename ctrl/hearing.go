package ctrl

import (
	"errors"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// hearing knows for how long nothing at all has come in, by the interface.
type hearing map[string]*silence

const (
	// deafTime is how long nothing must have come in for this host to be the one that hears nobody. With listenInterval it
	// is less than a second: who is cut off knows it before checks fail, but for those with a shorter timeout than that.
	deafTime = 500 * time.Millisecond
	// listenInterval is how often frames are looked for. The last one may have come in so much sooner than it was seen.
	listenInterval = 250 * time.Millisecond
)

// listen looks whether something has come in by the interfaces of what is known.
func (h hearing) listen(now time.Time, k *known) error {
	used := make(map[string]bool)
	var errs []error
	for _, i := range k.config.Instances {
		for _, ifname := range k.earsOf(i) {
			if !used[ifname] {
				used[ifname] = true
				_, err := h.lasts(now, ifname)
				errs = append(errs, err)
			}
		}
	}
	for ifname := range h {
		if !used[ifname] {
			delete(h, ifname)
		}
	}
	return errors.Join(errs...)
}

// untilDeaf is for how long nothing at all must still come in by any of an instance's interfaces, neither adverts nor clients,
// until this host is the one that hears nobody; 0 if it is.
func (h hearing) untilDeaf(now time.Time, k *known, i config.Instance) (left time.Duration, err error) {
	for _, ifname := range k.earsOf(i) {
		silent, err := h.lasts(now, ifname)
		if err != nil {
			return deafTime, err
		}
		left = max(left, deafTime-silent)
	}
	return left, nil
}

// lasts is how long the silence of an interface has lasted; one that is away begins anew.
func (h hearing) lasts(now time.Time, ifname string) (time.Duration, error) {
	if h[ifname] == nil {
		h[ifname] = &silence{frames: func() (uint64, error) { return receivedBy(ifname) }}
	}
	silent, err := h[ifname].lasts(now)
	if err != nil {
		delete(h, ifname)
	}
	if errors.Is(err, netif.ErrNoInterface) {
		return 0, nil
	}
	return silent, err
}

// receivedBy counts the frames that an interface has received. It looks for the interface each time, which may be another one of
// the same name.
func receivedBy(ifname string) (frames uint64, err error) {
	received, err := netif.OpenReceived(ifname)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, received.Close()) }()
	return received.Frames()
}

// earsOf are the interfaces by which adverts for an instance come in, and packets for its virtual servers.
func (k *known) earsOf(i config.Instance) []string {
	ears := []string{i.Interface}
	if needs := k.roster.needs[keyOfInstance(i)]; needs != nil {
		for _, arrival := range needs.arrivals {
			if arrival != i.Interface {
				ears = append(ears, arrival)
			}
		}
	}
	return ears
}
