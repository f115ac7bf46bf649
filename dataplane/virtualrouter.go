package dataplane

import "drover/bpf"

// wordBits is how many virtual routers a word of [VirtualRouters] tells of.
const wordBits = 64

// VirtualRouters is a set of virtual routers, by version of IP and virtual router id. Each has a MAC address of its own,
// 00:00:5e:00:01:VRID or with IPv6 00:00:5e:00:02:VRID (RFC 9568, 7.3). The zero value is the empty set.
type VirtualRouters [bpf.DroverLimitsVIRTUAL_ROUTERS / wordBits]uint64

// With returns the set and one more virtual router.
func (v VirtualRouters) With(id uint8, ipv6 bool) VirtualRouters {
	at := int(id)
	if ipv6 {
		at += len(v) * wordBits / 2
	}
	v[at/wordBits] |= 1 << (at % wordBits)
	return v
}
