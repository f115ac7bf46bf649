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
type hearing map[string]*stillness

// stillness is the silence of an interface, and whether real servers break it.
type stillness struct {
	silence
	asked time.Time // when they were first asked to; zero if they were not
}

const (
	// listenInterval is how often it is looked whether something has come in. If nothing has since the time before, real servers
	// are asked: a LAN may be still, and its services may hang.
	listenInterval = 250 * time.Millisecond
	// answerTime is how long they have. Who is cut off knows it after at most 750 ms: before checks fail, but for those with
	// a shorter timeout than that.
	answerTime = listenInterval
)

// listen looks whether something has come in, and has real servers answer a MASTER that hears nothing.
func (c *Controller) listen(now time.Time) {
	err := c.hearing.listen(now, &c.known, func(i config.Instance) bool {
		r := c.candidates[keyOfInstance(i)]
		return r != nil && r.status().state == vrrp.Master
	}, func(ifname string) {
		if s := c.segments.get(ifname); s != nil {
			s.confirm()
		}
	})
	c.tell.about("it is not watched whether anything is heard", err)
}

// listen looks whether something has come in by the interfaces of what is known. If nothing has since the time before, ask is
// to have real servers answer there, but for instances of which this node is not MASTER.
func (h hearing) listen(now time.Time, k *known, master func(config.Instance) bool, ask func(ifname string)) error {
	used, asked := make(map[string]bool), make(map[string]bool)
	var errs []error
	for _, i := range k.config.Instances {
		for _, ifname := range k.earsOf(i) {
			used[ifname] = true
			silent, err := h.lasts(now, ifname)
			still := silent >= listenInterval/2 // somebody else may have looked meanwhile
			if still && master(i) && !asked[ifname] {
				asked[ifname] = true
				if h[ifname].asked.IsZero() {
					h[ifname].asked = now
				}
				ask(ifname)
			}
			errs = append(errs, err)
		}
	}
	for ifname := range h {
		if !used[ifname] {
			delete(h, ifname)
		}
	}
	return errors.Join(errs...)
}

// untilDeaf is for how long nothing at all must still come in by any of an instance's interfaces until this host is the one
// that hears nobody, not the real servers either that were asked; 0 if it is.
func (h hearing) untilDeaf(now time.Time, k *known, i config.Instance) (left time.Duration, err error) {
	for _, ifname := range k.earsOf(i) {
		silent, err := h.lasts(now, ifname)
		if err != nil || silent == 0 || h[ifname].asked.IsZero() {
			return listenInterval + answerTime, err
		}
		left = max(left, answerTime-now.Sub(h[ifname].asked))
	}
	return left, nil
}

// lasts is how long the silence of an interface has lasted; one that is away begins anew.
func (h hearing) lasts(now time.Time, ifname string) (time.Duration, error) {
	if h[ifname] == nil {
		h[ifname] = &stillness{silence: silence{frames: func() (uint64, error) { return receivedBy(ifname) }}}
	}
	silent, err := h[ifname].lasts(now)
	if h[ifname].heard.After(h[ifname].asked) {
		h[ifname].asked = time.Time{}
	}
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
