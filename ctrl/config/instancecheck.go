package config

import (
	"math"
	"time"
)

// completeInstance turns what was written into what will be used.
func (p *parser) completeInstance(i *instanceDraft) {
	for _, a := range i.addresses {
		i.Addresses = append(i.Addresses, onInterface(a, i.Interface))
	}
	for _, a := range i.excluded {
		i.ExcludedAddresses = append(i.ExcludedAddresses, onInterface(a, i.Interface))
	}
	if i.Version == 2 {
		p.roundAdvertInterval(i)
	}
	if i.State == Master && !i.Preempt {
		i.Preempt = true
		p.warnf(i.preemptAt, "nopreempt has no effect with state MASTER: write state BACKUP")
	}
	if i.State == Master && i.PreemptDelay > 0 {
		i.PreemptDelay = 0
		p.warnf(i.delayAt, "preempt_delay has no effect with state MASTER: write state BACKUP")
	}
	if !i.Preempt && i.PreemptDelay > 0 {
		i.PreemptDelay = 0
		p.warnf(i.delayAt, "preempt_delay has no effect with nopreempt")
	}
}

// onInterface returns the address with its interface resolved.
func onInterface(a addressLine, instance string) VirtualAddress {
	if a.Interface == "" {
		a.Interface = instance
	}
	return a.VirtualAddress
}

// roundAdvertInterval makes the interval one that VRRPv2 can tell its members,
// RFC 3768 section 5.3.7: whole seconds.
func (p *parser) roundAdvertInterval(i *instanceDraft) {
	rounded := time.Duration(max(1, math.Round(i.AdvertInterval.Seconds()))) * time.Second
	if rounded != i.AdvertInterval {
		p.warnf(i.advertAt, "advert_int %v is not whole seconds, which VRRP version 2 needs: %v is used", i.AdvertInterval, rounded)
		i.AdvertInterval = rounded
	}
}

// checkInstance finds what is missing and what the election cannot do without.
func (p *parser) checkInstance(i *instanceDraft) {
	if i.VirtualRouterID == 0 {
		p.errorf(i.Position, "instance %s needs a virtual_router_id", i.Name)
	}
	if i.leftOut {
		return
	}
	switch {
	case i.Interface == "":
		p.errorf(i.Position, "instance %s needs an interface", i.Name)
	case i.Interface == "lo":
		p.errorf(i.interfaceAt, "VRRP cannot run on the loopback interface")
	}
	switch {
	case i.Version != 2:
		i.leftOut = true
		p.warnf(i.Position, "VRRP version 3 is not served yet: instance %s is left out", i.Name)
	case i.multicast != vrrpGroup:
		i.leftOut = true
		p.warnf(i.Position, "multicast group %s is not served yet: instance %s is left out", i.multicast, i.Name)
	case len(i.Addresses) == 0:
		p.warnf(i.Position, "instance %s has no virtual_ipaddress: its master holds no address", i.Name)
	}
}

// checkUnique finds instances that would take each other for the same virtual
// router, or that cannot be told apart by name.
func (p *parser) checkUnique(i Instance) {
	for _, other := range p.config.Instances {
		if other.Name == i.Name {
			p.errorf(i.Position, "instance %s is already defined at %s", i.Name, other.Position)
		}
		if other.Interface == i.Interface && other.VirtualRouterID == i.VirtualRouterID {
			p.errorf(i.Position, "instance %s has virtual_router_id %d on %s, which instance %s at %s already has",
				i.Name, i.VirtualRouterID, i.Interface, other.Name, other.Position)
		}
	}
}

// useInterfaces notes the interfaces that the host must have.
func (p *parser) useInterfaces(i *instanceDraft) {
	uses := []interfaceUse{{i.interfaceAt, i.Interface}}
	for _, a := range append(i.addresses, i.excluded...) {
		if a.Interface != "" {
			uses = append(uses, interfaceUse{a.interfaceAt, a.Interface})
		}
	}
	p.config.interfaces = append(p.config.interfaces, append(uses, i.tracked...)...)
}
