package dataplane

import "drover/bpf"

// VirtualRouters is a set of virtual routers, by version of IP and virtual router id. Each has a MAC address of its own,
// 00:00:5e:00:01:VRID or with IPv6 00:00:5e:00:02:VRID (RFC 9568, 7.3). The zero value is the empty set.
type VirtualRouters struct{ ipv4, ipv6 [4]uint64 }

// With returns the set and one more virtual router.
func (v VirtualRouters) With(id uint8, ipv6 bool) VirtualRouters {
	words := &v.ipv4
	if ipv6 {
		words = &v.ipv6
	}
	words[id/64] |= 1 << (id % 64)
	return v
}

// bits are the set as the program has it: a bit for each id of IPv4, then of IPv6.
func (v VirtualRouters) bits() (all [bpf.DroverLimitsVIRTUAL_ROUTERS / 64]uint64) {
	copy(all[copy(all[:], v.ipv4[:]):], v.ipv6[:])
	return all
}
