package ctrl

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"drover/ctrl/netif"
	"drover/dataplane"
)

// attachState is the XDP program on one interface.
type attachState struct {
	seat       seat
	attachment dataplane.Attachment
	err        error // why it is not attached
}

// seat is where a program is to be attached, and how.
type seat struct {
	on   dataplane.Interface
	mode dataplane.Mode
	// notGeneric is why it cannot be in generic mode, as it could if only the driver had to be asked; empty if it could.
	notGeneric string
}

// guardInterval is how often it is looked whether the programs are still where they were put: the kernel tells nobody when
// somebody takes one off.
const guardInterval = time.Second

// guard notices that a program was taken off, and puts it back.
func (c *Controller) guard() {
	attachments, err := c.data.Attachments()
	c.tell.about("it is not known where programs are attached", err)
	if slices.ContainsFunc(attachments, func(a dataplane.Attachment) bool { return a.Severed }) {
		c.repair()
	}
}

// attachAll puts the program below every interface that needs it, takes it off the others, and gives an interface that
// has changed a program that knows it as it is.
func (c *Controller) attachAll() error {
	seats := c.seats()
	attachments, err := c.data.Attachments()
	errs := []error{err, c.detachOthers(seats, attachments)}
	for name, wanted := range seats {
		severed := slices.ContainsFunc(attachments, func(a dataplane.Attachment) bool { return a.Interface == name && a.Severed })
		old, tried := c.attached[name]
		stands := tried && old.err == nil && old.seat == wanted
		switch {
		case stands && severed:
			c.log.Warn("somebody has taken the XDP program off: attaching it again", "interface", name)
		case stands:
			continue
		}
		a, err := c.data.Attach(wanted.on, wanted.mode)
		if err != nil && wanted.notGeneric != "" {
			err = fmt.Errorf("%w; in generic mode it cannot serve either: %s", err, wanted.notGeneric)
		}
		c.attached[name] = attachState{wanted, a, err}
		errs = append(errs, err)
		if err == nil {
			c.tellMode(a)
		}
	}
	return errors.Join(errs...)
}

// seats are the interfaces to attach to, by name. Why one in use cannot be served is noted, and logged when it is news.
func (c *Controller) seats() map[string]seat {
	seats := make(map[string]seat)
	c.refused = make(map[string]error)
	for name, o := range c.known.outlets {
		found, err := c.seatOf(o)
		c.tell.about("no packets are balanced on "+name, err)
		if err != nil {
			c.refused[name] = err
			continue
		}
		if other, there := seats[o.device()]; !there || other.mode == dataplane.ModeAuto {
			seats[o.device()] = found
		}
	}
	return seats
}

func (c *Controller) seatOf(o *outlet) (seat, error) {
	if o.err != nil {
		return seat{}, o.err
	}
	link := o.lower.Link
	mac, err := dataplane.ParseMAC(link.MAC)
	if err != nil {
		return seat{}, fmt.Errorf("%s: %w", link.Name, err)
	}
	if err := c.checkOffload(o.lower); err != nil {
		return seat{}, err
	}
	mode, err := modeFor(c.mode, o.lower)
	if err != nil {
		return seat{}, err
	}
	found := seat{on: dataplane.Interface{
		Name: link.Name, Index: link.Index, MAC: mac, VirtualRouters: c.known.virtualRouters(o), MTU: link.MTU, Port: o.port,
	}, mode: mode}
	if err := c.checkMerging(o.lower); err != nil {
		return found.unmerged(err)
	}
	return found, nil
}

// unmerged is a seat where a program in generic mode would get packets merged: only a driver's serves there.
func (s seat) unmerged(merged error) (seat, error) {
	if s.mode == dataplane.ModeGeneric {
		return seat{}, merged
	}
	if s.mode == dataplane.ModeAuto {
		s.mode, s.notGeneric = dataplane.ModeNative, merged.Error()
	}
	return s, nil
}

// checkMerging finds out whether packets are merged on their way to a device that is stacked on NICs.
func (c *Controller) checkMerging(lower netif.Lower) error {
	for _, nic := range lower.Below {
		err := netif.CheckGRO(nic.Name)
		if errors.Is(err, netif.ErrGRO) {
			return err
		}
		c.tell.about("it is not known whether packets of "+nic.Name+" are merged", err)
	}
	return nil
}

// checkOffload refuses a VLAN whose tags no program would see.
func (c *Controller) checkOffload(lower netif.Lower) error {
	if len(lower.Tags) == 0 {
		return nil
	}
	for _, port := range lower.Ports {
		err := netif.CheckVLANOffload(port.Name, lower.Tags[0].Protocol)
		if errors.Is(err, netif.ErrVLANOffload) {
			return err
		}
		c.tell.about("it is not known whether "+port.Name+" leaves VLAN tags on", err)
	}
	return nil
}

// modeFor is the XDP mode that is asked for, if it can serve.
func modeFor(asked dataplane.Mode, lower netif.Lower) (dataplane.Mode, error) {
	only := map[netif.Modes]dataplane.Mode{
		netif.GenericOnly: dataplane.ModeGeneric, netif.NativeOnly: dataplane.ModeNative,
	}[lower.Modes]
	switch {
	case only == "":
		return asked, nil
	case asked != dataplane.ModeAuto && asked != only:
		return "", fmt.Errorf("XDP can serve %s in %s mode only, not in %s mode (--xdp-mode)", lower.Link.Name, only, asked)
	default:
		return only, nil
	}
}

func (c *Controller) detachOthers(wanted map[string]seat, attachments []dataplane.Attachment) error {
	var errs []error
	for _, a := range attachments {
		if _, stays := wanted[a.Interface]; !stays {
			errs = append(errs, c.data.Detach(a.Interface))
		}
	}
	for name := range c.attached {
		if _, stays := wanted[name]; !stays {
			delete(c.attached, name)
		}
	}
	return errors.Join(errs...)
}

func (c *Controller) tellMode(a dataplane.Attachment) {
	if a.Mode == dataplane.ModeGeneric && c.mode != dataplane.ModeGeneric {
		c.log.Warn("XDP runs in GENERIC mode: every packet costs a socket buffer first, several times the native price; "+
			"the driver or the kind of interface has no native XDP, or not as it is set up (README: requirements)", "interface", a.Interface)
		return
	}
	c.log.Info("XDP program attached", "interface", a.Interface, "mode", a.Mode)
}
