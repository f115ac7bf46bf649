package ctrl

import (
	"errors"
	"slices"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

// hearing knows for how long nothing at all has come in, by the interface.
type hearing map[string]*silence

const (
	// deafTime is how long nothing must have come in for this host to be the one that hears nobody. With listenInterval it
	// is less than a second: who is cut off knows it before checks fail, but for those with a shorter timeout than that.
	deafTime = 2 * listenInterval
	// listenInterval is how often frames are looked for. The last one may have come in so much sooner than it was seen.
	// When none has come in since the time before, real servers are asked: a LAN may be still, and its services may hang.
	listenInterval = 250 * time.Millisecond
)

// listen looks whether something has come in, and has real servers answer a MASTER that hears nothing.
func (c *Controller) listen(now time.Time) {
	still, err := c.hearing.listen(now, &c.known)
	c.tell.about("it is not watched whether anything is heard", err)
	asked := make(map[string]bool)
	for _, i := range c.known.config.Instances {
		r := c.candidates[keyOfInstance(i)]
		if r == nil || r.status().state != vrrp.Master {
			continue
		}
		for _, ifname := range c.known.earsOf(i) {
			if s := c.segments.get(ifname); s != nil && still[ifname] && !asked[ifname] {
				asked[ifname] = true
				s.confirm()
			}
		}
	}
}

// listen looks whether something has come in by the interfaces of what is known, and tells by which nothing has since the
// time before.
func (h hearing) listen(now time.Time, k *known) (still map[string]bool, err error) {
	used, still := make(map[string]bool), make(map[string]bool)
	var errs []error
	for _, i := range k.config.Instances {
		for _, ifname := range k.earsOf(i) {
			if !used[ifname] {
				used[ifname] = true
				silent, err := h.lasts(now, ifname)
				still[ifname] = silent >= listenInterval/2 // somebody else may have looked meanwhile
				errs = append(errs, err)
			}
		}
	}
	for ifname := range h {
		if !used[ifname] {
			delete(h, ifname)
		}
	}
	return still, errors.Join(errs...)
}

// untilDeaf is for how long nothing at all must still come in by any of an instance's interfaces until this host is the one
// that hears nobody; 0 if it is.
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

// earsOf are the interfaces by which adverts for an instance come in, packets for its virtual servers, and what their real
// servers answer.
func (k *known) earsOf(i config.Instance) []string {
	ears := []string{i.Interface}
	if needs := k.roster.needs[keyOfInstance(i)]; needs != nil {
		for _, ifname := range slices.Concat(needs.arrivals, needs.exits) {
			if !slices.Contains(ears, ifname) {
				ears = append(ears, ifname)
			}
		}
	}
	return ears
}
