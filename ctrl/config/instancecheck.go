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
	i.completePriority()
	p.completeFamily(i)
	p.excludeWhatDoesNotFit(i)
	p.completeAuthentication(i)
	p.completeAdvertInterval(i)
	p.completeTransport(i)
	p.completePreemption(i)
	p.completeOwner(i)
	i.Accept = !i.refuses
	if i.Strict {
		p.completeStrict(i)
	}
	p.completeTracking(i)
}

// completePriority gives priority and state the defaults of keepalived, which
// follow from each other.
func (i *instanceDraft) completePriority() {
	switch {
	case i.Priority == owner && !i.stateAt.written():
		i.State = Master
	case i.Priority == 0 && i.State == Master:
		i.Priority = owner
	case i.Priority == 0:
		i.Priority = 100
	}
}

// owner is the priority of who owns the addresses, RFC 3768 section 5.3.4.
const owner = 255

// completeOwner passes over what only the owner can do.
func (p *parser) completeOwner(i *instanceDraft) {
	if i.OwnerIgnoresAdverts && i.Priority != owner {
		i.OwnerIgnoresAdverts = false
		if i.ownerAt.written() {
			p.warnf(i.ownerAt, "owner_ignore_adverts has no effect with priority %d: only priority 255 owns the addresses", i.Priority)
		}
	}
}

// The most addresses that an advert can tell: their number is a byte, and in
// IPv6 they must fit into a packet of 1500 bytes, where keepalived leaves room
// for one.
const (
	maxAddresses  = 255
	maxAddresses6 = 89
)

// excludeWhatDoesNotFit moves addresses that an advert has no room for to the
// excluded ones. All members must agree on which, so it is done as in
// keepalived.
func (p *parser) excludeWhatDoesNotFit(i *instanceDraft) {
	limit := maxAddresses
	if i.MulticastGroup.Is6() {
		limit = maxAddresses6
	}
	if len(i.Addresses) <= limit {
		return
	}
	p.warnf(i.Addresses[limit].Position, "an advert has room for %d addresses: this one and the %d behind it are taken as virtual_ipaddress_excluded",
		limit, len(i.Addresses)-limit-1)
	i.ExcludedAddresses = append(i.Addresses[limit:], i.ExcludedAddresses...)
	i.Addresses = i.Addresses[:limit:limit]
}

// completePreemption passes over what cannot be together.
func (p *parser) completePreemption(i *instanceDraft) {
	if i.Priority == owner && !i.Preempt {
		i.Preempt = true
		p.warnf(i.preemptAt, "nopreempt has no effect with priority 255, which always preempts (RFC 9568 section 6.1)")
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

// maxAdvertInterval3 is the longest interval that VRRPv3 can tell, RFC 9568
// section 5.2.7: 12 bits of centiseconds.
const maxAdvertInterval3 = 40950 * time.Millisecond

// completeAdvertInterval makes the interval one that adverts can tell: whole
// seconds in VRRPv2 (RFC 3768 section 5.3.7), centiseconds in VRRPv3.
func (p *parser) completeAdvertInterval(i *instanceDraft) {
	unit, words, longest := time.Second, "whole seconds, which VRRP version 2 needs", maxAdvertInterval
	if i.Version == 3 {
		unit, words, longest = 10*time.Millisecond, "hundredths of a second, which VRRP version 3 needs", maxAdvertInterval3
	}
	if p.incomplete && !i.versionAt.written() {
		return // global_defs may be missing, and tell the version
	}
	written := i.AdvertInterval
	i.AdvertInterval = time.Duration(max(1, math.Round(float64(written)/float64(unit)))) * unit
	if i.AdvertInterval > longest {
		i.AdvertInterval = longest
		p.warnf(i.advertAt, "advert_int %v is more than VRRP version 3 can tell: %v is used", written, longest)
		return
	}
	if i.AdvertInterval != written {
		p.warnf(i.advertAt, "advert_int %v is not %s: %v is used", written, words, i.AdvertInterval)
	}
}

// checkInstance finds what is missing and what the election cannot do without.
func (p *parser) checkInstance(i *instanceDraft) {
	if i.VirtualRouterID == 0 {
		p.errorf(i.Position, "instance %s needs a virtual_router_id", i.Name)
	}
	switch {
	case i.Interface == "":
		p.errorf(i.Position, "instance %s needs an interface", i.Name)
	case i.Interface == "lo":
		p.errorf(i.interfaceAt, "VRRP cannot run on the loopback interface")
	}
	switch {
	case len(i.Addresses) > 0:
		p.checkFirstAddress(i)
	case i.Version == 3:
		p.errorf(i.Position, "instance %s needs a virtual_ipaddress: VRRP version 3 has no advert without one (RFC 9568 section 5.2.5)", i.Name)
	case i.Strict:
		p.errorf(i.Position, "instance %s needs a virtual_ipaddress, because of strict mode", i.Name)
	default:
		p.warnf(i.Position, "instance %s has no virtual_ipaddress: its master holds no address", i.Name)
	}
}

// checkFirstAddress holds the first IPv6 address to RFC 9568 section 5.2.9.
func (p *parser) checkFirstAddress(i *instanceDraft) {
	first := i.Addresses[0]
	switch {
	case !i.IPv6() || first.Prefix.Addr().IsLinkLocalUnicast():
	case i.Strict:
		p.errorf(first.Position, "%s is not link-local: in strict mode the first address must be (RFC 9568 section 5.2.9)", first.Prefix.Addr())
	default:
		p.warnf(first.Position, "%s is not link-local, as RFC 9568 section 5.2.9 wants the first address of IPv6: write one before it", first.Prefix.Addr())
	}
}

// checkInstanceName finds instances that cannot be told apart by name.
func (p *parser) checkInstanceName(i Instance) {
	if other, ok := p.instanceNames[i.Name]; ok {
		p.errorf(i.Position, "instance %s is already defined at %s", i.Name, other)
		return
	}
	p.instanceNames[i.Name] = i.Position
}

// router is what only one instance may have. The families have their own numbers.
type router struct {
	iface string
	id    uint8
	ipv6  bool
}

// routerOf returns the virtual router that an instance is a member of.
func routerOf(i Instance) router { return router{i.Interface, i.VirtualRouterID, i.IPv6()} }

// addInstance adds an instance. It finds those that would take each other for the
// same virtual router.
func (p *parser) addInstance(i Instance) {
	if n, ok := p.routers[routerOf(i)]; ok {
		other := &p.config.Instances[n]
		p.errorf(i.Position, "instance %s has virtual_router_id %d on %s, which instance %s at %s already has",
			i.Name, i.VirtualRouterID, i.Interface, other.Name, other.Position)
	} else {
		p.routers[routerOf(i)] = len(p.config.Instances)
	}
	if i.VMAC != nil {
		p.vmacs[i.VMAC.Name] = len(p.config.Instances)
	}
	p.instanceAt[i.Name] = len(p.config.Instances)
	p.config.Instances = append(p.config.Instances, i)
}

// useInterfaces notes the interfaces that the host must have.
func (p *parser) useInterfaces(i *instanceDraft) {
	var uses []interfaceUse
	if i.interfaceAt.written() {
		uses = append(uses, interfaceUse{i.interfaceAt, i.Interface})
	}
	for _, a := range append(i.addresses, i.excluded...) {
		if a.Interface != "" {
			uses = append(uses, interfaceUse{a.interfaceAt, a.Interface})
		}
	}
	p.config.interfaces = append(p.config.interfaces, append(uses, i.routingUses...)...)
	p.useTracked(i.TrackInterfaces)
}

// useTracked notes tracked interfaces.
func (p *parser) useTracked(tracked []TrackInterface) {
	for _, t := range tracked {
		p.config.interfaces = append(p.config.interfaces, interfaceUse{t.Position, t.Name})
	}
}
