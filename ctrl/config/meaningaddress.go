package config

import (
	"cmp"
	"net/netip"
	"slices"
)

// limitedBroadcast is the broadcast address of whatever network one is in, RFC 919
// section 7.
var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// noHost says what an address is that is not one host's alone; empty for all others.
func noHost(a netip.Addr) string {
	switch {
	case a.IsUnspecified():
		return "is the address of no host"
	case a.IsLoopback():
		return "is a loopback address, which every host has for itself"
	case a.IsMulticast():
		return "is a multicast address, which is not one host's"
	case a == limitedBroadcast:
		return "is the broadcast address of every network"
	}
	return ""
}

// checkHeld finds VIPs that are not addresses of hosts.
func (p *parser) checkHeld() {
	p.about("virtual_ipaddress")
	for _, i := range p.config.Instances {
		for _, a := range slices.Concat(i.Addresses, i.ExcludedAddresses) {
			if is := cmp.Or(noHost(a.Prefix.Addr()), ofNetwork(a.Prefix)); is != "" {
				p.warnf(a.Position, "%s %s: no client can use it as a VIP", a.Prefix, is)
			}
		}
	}
}

// ofNetwork says what an address is that a network needs for itself; empty for all
// others. Networks of two addresses need none (RFC 3021, RFC 6164).
func ofNetwork(p netip.Prefix) string {
	first, last := p.Masked().Addr(), lastAddress(p)
	switch {
	case p.Bits() >= p.Addr().BitLen()-1:
		return ""
	case p.Addr() == first && first.Is6():
		return "is the address of all routers of its network (RFC 4291 section 2.6.1)"
	case p.Addr() == first:
		return "is the address of its network itself"
	case p.Addr() == last && last.Is4():
		return "is the broadcast address of its network"
	}
	return ""
}

// checkHosts finds a virtual server and its servers at addresses that are not one
// host's.
func (p *parser) checkHosts(v *VirtualServer) {
	for _, e := range v.Endpoints() {
		if is := noHost(e.Addr()); is != "" {
			p.warnf(v.Position, "virtual server %s %s: no client can connect to it", e.Addr(), is)
			break
		}
	}
	for _, r := range v.RealServers {
		switch is := noHost(r.Address); {
		case r.Address.IsLoopback():
			p.warnf(r.Position, "real server %s is this host itself, on each one that has this file: write an address of the LAN if it is another host", r.Address)
		case is != "":
			p.warnf(r.Position, "real server %s %s: write the address that it has on the LAN", r.Address, is)
		}
	}
	// A sorry server on the balancer itself is common.
	if s := v.SorryServer.Addr(); s.IsValid() && !s.IsLoopback() && noHost(s) != "" {
		p.warnf(v.Position, "sorry_server %s %s: write the address that it has on the LAN", s, noHost(s))
	}
}
