package ctrl

import (
	"maps"
	"slices"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
)

// outlet is where the XDP program must sit to serve an interface.
type outlet struct {
	lower netif.Lower
	err   error            // why no program can serve it; then there is no lower
	port  dataplane.PortID // given by identities
}

// device is the name of the interface that the program sits on.
func (o *outlet) device() string { return o.lower.Link.Name }

// useInterfaces finds the interfaces that Drover works on: of the instances, of their VIPs, of the packets that come in,
// and of the real servers.
func (k *known) useInterfaces(c *config.Config, places []whereabouts) {
	old := k.outlets
	k.outlets = make(map[string]*outlet)
	use := func(names ...string) {
		for _, name := range names {
			carry(old, k.outlets, name)
		}
	}
	for _, i := range c.Instances {
		use(i.Interface)
		for _, a := range virtualAddresses(i) {
			use(a.Interface)
		}
	}
	for _, p := range places {
		use(p.arrivals...)
		for _, at := range p.reals {
			if at.ifname != "" {
				use(at.ifname)
			}
		}
	}
	k.findOutlets()
}

// virtualRouters are those whose virtual MACs packets to the device of an outlet may be for, whether this node is MASTER
// or not: the gates decide.
func (k *known) virtualRouters(on *outlet) dataplane.VirtualRouters {
	var set dataplane.VirtualRouters
	for _, i := range k.config.Instances {
		if o := k.outlets[i.Interface]; i.VMAC != nil && o != nil && o.err == nil && o.device() == on.device() {
			set = set.With(i.VirtualRouterID, i.IPv6())
		}
	}
	return set
}

// findOutlets looks again what is below the interfaces, and tells whether that has changed.
func (k *known) findOutlets() (changed bool) {
	for name, o := range k.outlets {
		lower, err := netif.LowerOf(name, k.links)
		changed = changed || !sameLower(o.lower, lower) || (o.err == nil) != (err == nil) ||
			err != nil && o.err.Error() != err.Error()
		o.lower, o.err = lower, err
	}
	return changed
}

func sameLower(a, b netif.Lower) bool {
	return sameLink(a.Link, b.Link) && slices.Equal(a.Tags, b.Tags) && a.Modes == b.Modes &&
		slices.EqualFunc(a.Ports, b.Ports, sameLink) && slices.EqualFunc(a.Below, b.Below, sameLink)
}

// sameLink compares what the program must know of a link.
func sameLink(a, b netif.LinkInfo) bool {
	return a.Name == b.Name && a.Index == b.Index && slices.Equal(a.MAC, b.MAC) && a.MTU == b.MTU
}

// devices are the names of the interfaces that programs sit on, in order.
func (k *known) devices() []string {
	names := make(map[string]bool)
	for _, o := range k.outlets {
		if o.err == nil {
			names[o.device()] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
