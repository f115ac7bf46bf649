package config

import (
	"net/netip"
	"slices"
	"strings"
)

// Host is what the configuration needs to know of the machine it shall run on.
type Host struct {
	// Interfaces are the names of all network interfaces.
	Interfaces []string

	// Links tell more of them, by name. What an interface has that is not here is
	// not checked.
	Links map[string]HostLink

	// Away are interfaces that are named in the configuration that runs. If one is
	// not there, it is no reason to refuse the next one: it was there, and may
	// have lost its place for a while.
	Away []string

	// Starting: whoever asks is about to start with the configuration, and may
	// start without the interfaces of some instances if another one has its own.
	Starting bool

	// File and Program return why a file, and a program that may be without a
	// path, cannot be found; nil functions for what is not checked.
	File, Program func(name string) error
}

// HostLink is a network interface of the machine.
type HostLink struct {
	// Up: the administrator wants it up, and there is a carrier.
	Up bool

	// MTU is the largest IP packet in bytes.
	MTU int

	// Driver is the name of the kernel's driver, such as igb; empty for a virtual
	// interface.
	Driver string

	// Addresses are its addresses with their prefix lengths.
	Addresses []netip.Prefix
}

// interfaceUse is a mention of a network interface.
type interfaceUse struct {
	Position
	name string
}

// fileUse is a mention of a file that is read, or of a program.
type fileUse struct {
	Position
	keyword, name string
	program       bool
}

// CheckHost finds what is wrong with the configuration on this host: every
// interface that the configuration names must be there, or be one that Drover
// makes; with dynamic_interfaces it may be away. Where it may be away without
// that (Host), it is a warning: most likely its name is wrong. All else is a
// warning, too, since it can change while Drover runs.
func (c *Config) CheckHost(h Host) Findings {
	found := &report{}
	found.checkHost(c, h)
	found.findings.sort()
	return found.findings
}

// checkHost is CheckHost for one report.
func (r *report) checkHost(c *Config, h Host) {
	made := map[string]bool{}
	for _, i := range c.Instances {
		if i.VMAC != nil {
			made[i.VMAC.Name] = true
		}
	}
	has, told, away := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, name := range h.Interfaces {
		has[name] = true
	}
	for _, name := range c.mayBeAway(h) {
		away[name] = true
	}
	all := strings.Join(slices.Sorted(slices.Values(h.Interfaces)), ", ")
	for _, use := range c.interfaces {
		link, known := h.Links[use.name]
		switch {
		case made[use.name]:
		case !has[use.name]:
			if !c.DynamicInterfaces {
				r.checkAbsent(use, all, away[use.name])
			}
		case known && !told[use.name]:
			told[use.name] = true
			r.checkLink(use, link)
		}
	}
	for _, use := range c.files {
		r.checkFile(use, h)
	}
	if len(h.Links) > 0 {
		for _, i := range c.Instances {
			r.checkInstanceHost(i, h)
		}
		for _, v := range c.VirtualServers {
			r.checkServerHost(v, h)
		}
	}
}

// mayBeAway lists interfaces without which the configuration is taken. Instances
// that cannot find theirs must not keep one that has its own from its addresses, as
// at a boot with a NIC that is broken. If none has, most likely the names are wrong.
func (c *Config) mayBeAway(h Host) []string {
	there := func(i Instance) bool { return slices.Contains(h.Interfaces, i.Interface) }
	away := slices.Clone(h.Away)
	if h.Starting && slices.ContainsFunc(c.Instances, there) {
		for _, i := range c.Instances {
			away = append(away, i.Interface)
		}
	}
	return away
}

// checkAbsent judges the mention of an interface that is not there.
func (r *report) checkAbsent(use interfaceUse, has string, away bool) {
	if away {
		r.warnf(use.Position, "no interface %q on this host; it has %s; what is configured on it waits for it", use.name, has)
		return
	}
	r.errorf(use.Position, "no interface %q on this host; it has %s", use.name, has)
}

// InterfaceNames are the interfaces that the configuration names, sorted.
func (c *Config) InterfaceNames() []string {
	var names []string
	for _, use := range c.interfaces {
		names = append(names, use.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkFile finds a file or a program that is not there.
func (r *report) checkFile(use fileUse, h Host) {
	find, what := h.File, "file"
	if use.program {
		find, what = h.Program, "program"
	}
	if find == nil {
		return
	}
	if err := find(use.name); err != nil {
		r.keyword = use.keyword
		r.warnf(use.Position, "%s: %s %s cannot be found: %v", use.keyword, what, use.name, err)
		r.keyword = ""
	}
}

// genericDrivers are usual drivers that run no XDP programs themselves.
var genericDrivers = words("e1000 e1000e r8169 tg3 alx atl1c sky2 forcedeth r8152 ax88179_178a asix bcmgenet lan78xx smsc95xx jme")

// maxXDPMTU are the largest MTUs with which drivers run XDP programs in one piece.
var maxXDPMTU = map[string]int{"igb": 3046, "ixgbe": 3054, "i40e": 3046, "ice": 3046, "virtio_net": 3506}

// checkLink finds what keeps an interface from working, or from working fast.
func (r *report) checkLink(use interfaceUse, link HostLink) {
	if !link.Up {
		r.warnf(use.Position, "interface %s is down, or has no carrier", use.name)
	}
	if genericDrivers[link.Driver] {
		r.warnf(use.Position, "driver %s of %s runs no XDP programs: packets take the slower generic way", link.Driver, use.name)
	}
	if most := maxXDPMTU[link.Driver]; most > 0 && link.MTU > most {
		r.warnf(use.Position, "driver %s of %s runs XDP programs with an MTU up to %d, and it is %d: packets take the slower generic way",
			link.Driver, use.name, most, link.MTU)
	}
}

// checkInstanceHost finds addresses of an instance that do not fit its interface.
func (r *report) checkInstanceHost(i Instance, h Host) {
	link, ok := h.Links[i.Interface]
	if !ok {
		return
	}
	if s := i.SourceAddress; s.IsValid() && !h.has(s) {
		r.warnf(i.Position, "instance %s sends its adverts from %s, which is no address of this host", i.Name, s)
	}
	if !i.SourceAddress.IsValid() && !slices.ContainsFunc(link.Addresses, func(p netip.Prefix) bool { return p.Addr().Is6() == i.IPv6() }) {
		r.warnf(i.Position, "interface %s of instance %s has no %s address to send adverts from", i.Interface, i.Name, familyName(i.IPv6()))
	}
	for _, a := range i.Addresses {
		on, ok := h.Links[a.Interface]
		vip := a.Prefix.Addr()
		if !ok || vip.IsLinkLocalUnicast() {
			continue
		}
		var networks []string
		inside := false
		for _, p := range on.Addresses {
			if p.Addr() == vip || p.Addr().Is6() != vip.Is6() || p.Addr().IsLinkLocalUnicast() || p.IsSingleIP() {
				continue
			}
			networks = append(networks, p.Masked().String())
			inside = inside || p.Contains(vip)
		}
		if len(networks) > 0 && !inside {
			r.warnf(a.Position, "%s is in none of the networks of %s, %s: hosts there do not ask for it by ARP",
				vip, a.Interface, strings.Join(networks, ", "))
		}
	}
}

// checkServerHost finds real servers that are in no network of the host.
func (r *report) checkServerHost(v VirtualServer, h Host) {
	for _, real := range v.RealServers {
		if !h.reaches(real.Address) {
			r.warnf(real.Position, "real server %s is in no network of this host: direct return needs it on the same LAN", real.Address)
		}
	}
}

// has reports whether an address is one of the host's.
func (h Host) has(a netip.Addr) bool {
	for _, link := range h.Links {
		if slices.ContainsFunc(link.Addresses, func(p netip.Prefix) bool { return p.Addr() == a }) {
			return true
		}
	}
	return false
}

// reaches reports whether an address is in a network of the host.
func (h Host) reaches(a netip.Addr) bool {
	for _, link := range h.Links {
		if slices.ContainsFunc(link.Addresses, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return true
		}
	}
	return false
}
