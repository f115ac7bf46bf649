package config

import "net/netip"

// transportKeywords are about how adverts get to the other members.
var transportKeywords = map[string]keyword[instanceDraft]{
	"authentication": {block: true, read: readAuthentication},
	"mcast_src_ip": at(func(i *instanceDraft) *Position { return &i.sourceAt },
		anyAddress(func(i *instanceDraft) *netip.Addr { return &i.SourceAddress })),
	"unicast_src_ip": at(func(i *instanceDraft) *Position { return &i.unicastAt }, at(
		func(i *instanceDraft) *Position { return &i.sourceAt },
		anyAddress(func(i *instanceDraft) *netip.Addr { return &i.SourceAddress }))),
	"mcast_dst_ip": at(func(i *instanceDraft) *Position { return &i.multicastAt },
		anyAddress(func(i *instanceDraft) *netip.Addr { return &i.multicast })),
	"unicast_peer": at(func(i *instanceDraft) *Position { return &i.unicastAt },
		keyword[instanceDraft]{block: true, read: readUnicastPeers}),
	"unicast_ttl": at(func(i *instanceDraft) *Position { return &i.unicastAt },
		integer(0, 255, func(i *instanceDraft) *uint8 { return &i.UnicastTTL })),
	"check_unicast_src": at(func(i *instanceDraft) *Position { return &i.unicastAt },
		flag(func(i *instanceDraft) { i.CheckUnicastSource = true })),
	"unicast_fault_no_peer": at(func(i *instanceDraft) *Position { return &i.unicastAt },
		flag(func(i *instanceDraft) { i.UnicastFaultNoPeer = true })),
	"native_ipv6": at(func(i *instanceDraft) *Position { return &i.nativeAt }, flag(func(*instanceDraft) {})),
	"v3_checksum_as_v2": at(func(i *instanceDraft) *Position { return &i.checksumAt },
		boolean(func(i *instanceDraft) *bool { return &i.ChecksumAsV2 })),
	"skip_check_adv_addr": boolean(func(i *instanceDraft) *bool { return &i.SkipCheckAdvAddr }),
	"use_vmac":            {max: 2, read: readVMAC},
	"vmac_xmit_base":      at(func(i *instanceDraft) *Position { return &i.transmitBaseAt }, flag(func(*instanceDraft) {})),
}

// readUnicastPeers reads unicast_peer: ADDRESS [min_ttl TTL] [max_ttl TTL], one
// a line.
func readUnicastPeers(p *parser, s *statement, into *instanceDraft) {
	for _, line := range s.block.statements {
		if p.refuseBlock(line) {
			continue
		}
		if peer, ok := p.unicastPeer(line, into); ok {
			into.Unicast = append(into.Unicast, peer)
		}
	}
}

func (p *parser) unicastPeer(line *statement, i *instanceDraft) (UnicastPeer, bool) {
	first := line.keyword()
	a, ok := p.ip(first)
	if !ok {
		return UnicastPeer{}, false
	}
	if a.IsMulticast() || a.IsUnspecified() {
		p.errorf(first.Position, "%s is not the address of one host", a)
		return UnicastPeer{}, false
	}
	peer := UnicastPeer{Position: first.Position, Address: a, MaxTTL: 255}
	for words := line.args(); len(words) > 0; words = words[2:] {
		limit := peer.limit(words[0].text)
		if limit == nil {
			p.errorf(words[0].Position, "unknown word %q behind a peer; known are min_ttl and max_ttl", words[0].text)
			return peer, false
		}
		if len(words) < 2 {
			p.errorf(words[0].Position, "%s needs a value", words[0].text)
			return peer, false
		}
		n, ok := p.integer(words[0].text, words[1], 0, 255)
		if !ok {
			return peer, false
		}
		*limit = uint8(n)
		i.CheckUnicastSource = true
	}
	if peer.MinTTL > peer.MaxTTL {
		p.errorf(first.Position, "min_ttl %d is above max_ttl %d: no advert of %s could be heard", peer.MinTTL, peer.MaxTTL, a)
		return peer, false
	}
	return peer, true
}

// limit returns the limit with keepalived's name, or nil if there is none.
func (u *UnicastPeer) limit(name string) *uint8 {
	switch name {
	case "min_ttl":
		return &u.MinTTL
	case "max_ttl":
		return &u.MaxTTL
	}
	return nil
}

// completeFamily finds the address family of the instance, and what does not
// belong to it. VRRPv3 is the only version for IPv6 (RFC 9568 section 1).
func (p *parser) completeFamily(i *instanceDraft) {
	first := i.anyAddress()
	ipv6 := first.Is6() || !first.IsValid() && i.nativeAt.written()
	match := func(at Position, what string, a netip.Addr) {
		if a.IsValid() && a.Is6() != ipv6 {
			p.errorf(at, "%s%s has another address family than the rest of instance %s, which is %s", what, a, i.Name, familyName(ipv6))
		}
	}
	match(i.sourceAt, "source ", i.SourceAddress)
	match(i.multicastAt, "mcast_dst_ip ", i.multicast)
	for _, peer := range i.Unicast {
		match(peer.Position, "peer ", peer.Address)
	}
	if i.nativeAt.written() && !ipv6 {
		p.errorf(i.nativeAt, "native_ipv6 contradicts %s: leave it out, the addresses decide", first)
	}
	i.MulticastGroup = p.globals.multicastGroup4
	if ipv6 {
		i.MulticastGroup = p.globals.multicastGroup6
		if i.Version == 2 && i.versionAt.written() {
			p.warnf(i.versionAt, "VRRP version 2 has no IPv6: version 3 is used, as keepalived does")
		}
		i.Version = 3
	}
}

// anyAddress returns the address that decides about the family: a VIP, or else
// one of those that adverts travel between.
func (i *instanceDraft) anyAddress() netip.Addr {
	switch {
	case len(i.Addresses) > 0:
		return i.Addresses[0].Prefix.Addr()
	case i.SourceAddress.IsValid():
		return i.SourceAddress
	case len(i.Unicast) > 0:
		return i.Unicast[0].Address
	}
	return i.multicast
}

func familyName(ipv6 bool) string {
	if ipv6 {
		return "IPv6"
	}
	return "IPv4"
}

// completeTransport decides between multicast and unicast.
func (p *parser) completeTransport(i *instanceDraft) {
	p.distinctPeers(i)
	switch {
	case len(i.Unicast) > 0:
		i.UnicastFaultNoPeer = false
		if i.multicast.IsValid() {
			p.warnf(i.multicastAt, "mcast_dst_ip has no effect with unicast_peer")
		}
	case i.UnicastFaultNoPeer:
		p.warnf(i.unicastAt, "instance %s has no unicast_peer: it stays in state FAULT", i.Name)
	case i.unicastAt.written():
		p.warnf(i.unicastAt, "instance %s has no unicast_peer: its adverts go to the multicast group", i.Name)
	}
	if len(i.Unicast) == 0 {
		i.CheckUnicastSource = false
		if i.multicast.IsValid() && p.multicastGroup("mcast_dst_ip", word{i.multicastAt, i.multicast.String()}, i.multicast) {
			i.MulticastGroup = i.multicast
		}
		if i.SourceAddress.Is6() && !i.SourceAddress.IsLinkLocalUnicast() {
			p.warnf(i.sourceAt, "source %s is not link-local, as RFC 9568 section 5.1.2.1 wants it: other routers may refuse the adverts", i.SourceAddress)
		}
	}
	p.completeVMAC(i)
	p.completeChecksum(i)
}

// distinctPeers passes over what would be sent twice, or to the instance
// itself.
func (p *parser) distinctPeers(i *instanceDraft) {
	var peers []UnicastPeer
	seen := map[netip.Addr]bool{}
	for _, peer := range i.Unicast {
		switch {
		case peer.Address == i.SourceAddress:
			p.warnf(peer.Position, "peer %s is passed over: it is the instance's own unicast_src_ip", peer.Address)
		case seen[peer.Address]:
			p.warnf(peer.Position, "peer %s is passed over: it is written already", peer.Address)
		default:
			seen[peer.Address] = true
			peers = append(peers, peer)
		}
	}
	i.Unicast = peers
}

// multicastGroup reports whether adverts can go to an address.
func (p *parser) multicastGroup(what string, w word, a netip.Addr) bool {
	problem := ""
	switch {
	case !a.IsMulticast():
		problem = "is not a multicast address"
	case a.Is6() && !a.IsLinkLocalMulticast():
		problem = "is not link-local: write one that begins with ff02"
	default:
		return true
	}
	p.errorf(w.Position, "%s %s %s", what, a, problem)
	return false
}

// completeChecksum passes over v3_checksum_as_v2 where there is only one
// checksum.
func (p *parser) completeChecksum(i *instanceDraft) {
	if i.Version == 3 && !i.MulticastGroup.Is6() {
		return
	}
	if i.ChecksumAsV2 && i.checksumAt.written() {
		p.warnf(i.checksumAt, "v3_checksum_as_v2 has no effect with VRRP version %d over %s", i.Version, familyName(i.MulticastGroup.Is6()))
	}
	i.ChecksumAsV2 = false
}
