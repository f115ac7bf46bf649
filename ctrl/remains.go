package ctrl

import (
	"net/netip"

	"drover/ctrl/netif"
)

// remain is an address to be taken from where it was put.
type remain struct {
	index  int    // of the device; 0 if only its name is known
	device string // its name
	prefix netip.Prefix
}

// remove takes it away. That it is gone already, or its device, is no error.
func (r remain) remove() (err error) {
	if r.index != 0 {
		_, err = netif.RemoveAddressAt(r.index, r.prefix)
	} else {
		_, err = netif.RemoveAddress(r.device, r.prefix)
	}
	return err
}

// remains are VIPs that could not be removed, whoever held them. A node that is not MASTER must not go on answering for them,
// so it is tried again until it is done, or a MASTER here wants the address again.
type remains map[remain]bool

// removeVIP takes a VIP away, now or later.
func (e *errands) removeVIP(r remain) error {
	err := e.remove(r)
	if err != nil {
		e.remains[r] = true
	}
	return err
}

// wanted is for an address that is held on a device now.
func (all remains) wanted(index int, device string, prefix netip.Prefix) {
	for r := range all {
		if r.prefix == prefix && (r.index == index || r.index == 0 && r.device == device) {
			delete(all, r)
		}
	}
}

// removeRemains tries again what could not be removed.
func (e *errands) removeRemains() {
	for r := range e.remains {
		if err := e.remove(r); err == nil {
			delete(e.remains, r)
			e.log.Info("a VIP is removed now that could not be before", "vip", r.prefix, "interface", r.device)
		}
	}
}
