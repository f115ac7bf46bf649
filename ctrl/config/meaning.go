package config

import (
	"net/netip"
	"slices"
)

// checkMeaning finds what a configuration says and its author can hardly mean, in
// what was read of it. All that it finds are warnings: the file alone cannot tell.
func (p *parser) checkMeaning(lost missing) {
	held := p.heldAddresses()
	networks := networksOf(held)
	for _, prefix := range lost.held {
		networks.add(prefix)
	}
	p.checkHolders(held, lost)
	p.checkSources()
	p.checkHeld()
	for n := range p.config.VirtualServers {
		v := &p.config.VirtualServers[n]
		p.about("virtual_server")
		if !lost.holders {
			p.checkNetworks(v, held, networks)
		}
		p.checkWeights(v)
		p.checkOwnAddresses(v)
		p.checkHosts(v)
		for i := range v.RealServers {
			for _, check := range v.RealServers[i].Checks {
				p.about(check.Question.Keyword())
				p.checkQuestion(check)
			}
		}
	}
	p.checkUnused(lost)
	p.about("")
}

// about names what the following findings are about.
func (p *parser) about(keyword string) { p.keyword = keyword }

// holder is who holds an address.
type holder struct {
	VirtualAddress

	// instance is the name of an instance; empty for a static address.
	instance string
}

// heldAddresses returns who holds each address of the configuration.
func (p *parser) heldAddresses() map[netip.Addr]holder {
	held := map[netip.Addr]holder{}
	p.about("virtual_ipaddress")
	for _, a := range p.config.StaticAddresses {
		held[a.Prefix.Addr()] = holder{a, ""}
	}
	for _, i := range p.config.Instances {
		for _, a := range slices.Concat(i.Addresses, i.ExcludedAddresses) {
			// Each interface has its own link-local addresses.
			if other, ok := held[a.Prefix.Addr()]; ok && !a.Prefix.Addr().IsLinkLocalUnicast() {
				p.warnf(a.Position, "%s is held already, at %s: when one of both gives it up, the other one loses it, too",
					a.Prefix.Addr(), other.Position)
				continue
			}
			held[a.Prefix.Addr()] = holder{a, i.Name}
		}
	}
	return held
}

// checkHolders finds virtual servers whose address nobody holds, nor can hold whose
// block has errors. Without any instance, something else than this file sees to the
// addresses.
func (p *parser) checkHolders(held map[netip.Addr]holder, lost missing) {
	if len(p.instanceNames) == 0 {
		return
	}
	p.about("virtual_server")
	for _, v := range p.config.VirtualServers {
		for _, e := range v.Endpoints() {
			if _, ok := held[e.Addr()]; !ok && noHost(e.Addr()) == "" && !lost.mayHold(e.Addr()) {
				p.warnf(v.Position, "no vrrp_instance holds %s: write it into virtual_ipaddress or virtual_ipaddress_excluded, or no client finds it here",
					e.Addr())
				break
			}
		}
	}
}

// checkSources finds VIPs outside the network of the instance's own address.
func (p *parser) checkSources() {
	p.about("virtual_ipaddress")
	for _, i := range p.config.Instances {
		source := i.SourceAddress
		if !source.IsValid() || source.IsLinkLocalUnicast() {
			continue
		}
		for _, a := range i.Addresses {
			if a.Interface == i.Interface && !a.Prefix.IsSingleIP() && !a.Prefix.Addr().IsLinkLocalUnicast() && !a.Prefix.Contains(source) {
				p.warnf(a.Position, "%s is in another network than %s, from which the adverts of instance %s come: is the address, or its prefix length, right?",
					a.Prefix, source, i.Name)
			}
		}
	}
}

// networks are networks by the lengths of their prefixes.
type networks map[int]map[netip.Prefix]bool

// networksOf returns the networks of all addresses.
func networksOf(held map[netip.Addr]holder) networks {
	all := networks{}
	for _, a := range held {
		all.add(a.Prefix)
	}
	return all
}

// add adds the network of an address.
func (n networks) add(prefix netip.Prefix) {
	if n[prefix.Bits()] == nil {
		n[prefix.Bits()] = map[netip.Prefix]bool{}
	}
	n[prefix.Bits()][prefix.Masked()] = true
}

// contain reports whether an address is in any of the networks.
func (n networks) contain(a netip.Addr) bool {
	for bits, known := range n {
		if network, err := a.Prefix(bits); err == nil && known[network] {
			return true
		}
	}
	return false
}

// checkNetworks finds real servers outside of all networks that the file knows,
// where a VIP tells its network.
func (p *parser) checkNetworks(v *VirtualServer, held map[netip.Addr]holder, networks networks) {
	vip := held[v.Endpoints()[0].Addr()].Prefix
	if !vip.IsValid() || vip.IsSingleIP() {
		return
	}
	for _, r := range v.RealServers {
		if !networks.contain(r.Address) {
			p.warnf(r.Position, "real server %s is not in the network of %s, nor in any other of this file: direct return needs it on the same LAN",
				r.Address, vip)
		}
	}
}

// checkWeights finds virtual servers that serve nobody, or lose their quorum for
// good.
func (p *parser) checkWeights(v *VirtualServer) {
	total := 0
	for _, r := range v.RealServers {
		total += r.Weight
	}
	switch {
	case total == 0:
		p.warnf(v.Position, "all real servers have weight 0: no new connection is served")
	case v.Quorum+v.Hysteresis > total:
		p.warnf(v.Position, "quorum %d with hysteresis %d is gained with a weight of %d, and all real servers together have %d: once lost it never comes back",
			v.Quorum, v.Hysteresis, v.Quorum+v.Hysteresis, total)
	}
}

// checkOwnAddresses finds servers that are the virtual server itself, or each
// other.
func (p *parser) checkOwnAddresses(v *VirtualServer) {
	own := map[netip.Addr]bool{}
	for _, e := range v.Endpoints() {
		own[e.Addr()] = true
	}
	for _, r := range v.RealServers {
		if own[r.Address] {
			p.warnf(r.Position, "real server %s is the address of the virtual server: write an address that only the real server has", r.Address)
		}
		if r.Address == v.SorryServer.Addr() {
			p.warnf(r.Position, "real server %s is the sorry_server, too: it is down when it is needed as that", r.Address)
		}
	}
}

// checkUnused finds definitions that nothing uses, nor can use that has errors.
func (p *parser) checkUnused(lost missing) {
	used := map[trackKind]map[string]bool{scriptKind: {}, fileKind: {}, processKind: {}}
	note := func(t Tracking) {
		for kind, list := range map[trackKind][]Track{scriptKind: t.TrackScripts, fileKind: t.TrackFiles, processKind: t.TrackProcesses} {
			for _, one := range list {
				used[kind][one.Name] = true
			}
		}
	}
	for _, i := range p.config.Instances {
		note(i.Tracking)
	}
	for _, g := range p.config.SyncGroups {
		note(g.Tracking)
	}
	groups := map[string]bool{}
	for _, v := range p.config.VirtualServers {
		groups[v.Group] = true
		for _, r := range v.RealServers {
			for _, c := range r.Checks {
				if file, ok := c.Question.(*FileCheck); ok {
					used[fileKind][file.File] = true
				}
			}
		}
	}
	for kind, all := range p.tracked {
		p.about(kind.block)
		for name, t := range all {
			if !used[kind][name] && !lost.mayUse(name) {
				p.warnf(t.Position, "%s %s is tracked by nothing: it has no effect", kind.block, name)
			}
		}
	}
	p.about("virtual_server_group")
	for name, g := range p.groups {
		if !groups[name] && !lost.mayUse(name) {
			p.warnf(g.Position, "virtual_server_group %s is used by no virtual_server: it has no effect", name)
		}
	}
}
