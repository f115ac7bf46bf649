package vrrp

import "slices"

// ttl is the TTL or hop limit that every multicast advert has: a router on the
// way would have lowered it, so the sender is on this LAN (RFC 9568 sections
// 5.1.1.3 and 5.1.2.3).
const ttl = 255

// examineWay judges how a datagram came here: by multicast from this LAN, or by
// unicast from a peer, which keepalived allows to be behind routers.
func (s Settings) examineWay(d Datagram) *DropError {
	unicast := len(s.Peers) > 0
	switch multicast := d.Destination.IsMulticast(); {
	case multicast && unicast:
		return dropf(DropDestination, "multicast to %v, expected unicast", d.Destination)
	case !multicast && !unicast:
		return dropf(DropDestination, "unicast to %v, expected multicast", d.Destination)
	case unicast:
		return s.examinePeer(d)
	case d.TTL != ttl:
		return dropf(DropTTL, "TTL %d, expected %d", d.TTL, ttl)
	}
	return nil
}

func (s Settings) examinePeer(d Datagram) *DropError {
	if !s.CheckUnicastSource {
		return nil
	}
	i := slices.IndexFunc(s.Peers, func(p Peer) bool { return plain(p.Address) == d.Source })
	if i < 0 {
		return dropf(DropSource, "%v is not one of the %d peers", d.Source, len(s.Peers))
	}
	if p := s.Peers[i]; d.TTL < p.MinTTL || d.TTL > p.maxTTL() {
		return dropf(DropTTL, "TTL %d, expected %d to %d", d.TTL, p.MinTTL, p.maxTTL())
	}
	return nil
}

func (p Peer) maxTTL() uint8 {
	if p.MaxTTL == 0 {
		return ttl
	}
	return p.MaxTTL
}
