package ctrl

import (
	"bytes"
	"errors"

	"drover/ctrl/netif"
	"drover/dataplane"
)

// attachState is the XDP program on one interface.
type attachState struct {
	link       netif.LinkInfo // what it was attached to
	attachment dataplane.Attachment
	err        error // why it is not attached
}

// attachAll puts the program on every interface that needs it, takes it off the others, and gives an interface whose
// MAC address has changed a program that knows the new one.
func (c *Controller) attachAll() error {
	wanted := c.interfaces()
	errs := []error{c.detachOthers(wanted)}
	for name := range wanted {
		link, there := c.known.links[name]
		old, attached := c.attached[name]
		switch {
		case !there:
			delete(c.attached, name)
		case attached && old.err == nil && old.link.Index == link.Index && bytes.Equal(old.link.MAC, link.MAC):
		default:
			a, err := c.data.Attach(name, link.Index, link.MAC, c.mode)
			c.attached[name] = attachState{link, a, err}
			errs = append(errs, err)
			if err == nil {
				c.tellMode(a)
			}
		}
	}
	return errors.Join(errs...)
}

func (c *Controller) detachOthers(wanted map[string]bool) error {
	attachments, err := c.data.Attachments()
	errs := []error{err}
	for _, a := range attachments {
		if !wanted[a.Interface] {
			errs = append(errs, c.data.Detach(a.Interface))
			delete(c.attached, a.Interface)
		}
	}
	return errors.Join(errs...)
}

func (c *Controller) tellMode(a dataplane.Attachment) {
	if a.Mode == dataplane.ModeGeneric && c.mode != dataplane.ModeGeneric {
		c.log.Warn("XDP runs in GENERIC mode: every packet costs a socket buffer first, several times the native price; "+
			"the driver has no native XDP, or not as this interface is set up (README: requirements)", "interface", a.Interface)
		return
	}
	c.log.Info("XDP program attached", "interface", a.Interface, "mode", a.Mode)
}
