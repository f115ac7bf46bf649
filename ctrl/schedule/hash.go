package schedule

import "net/netip"

// hash is FNV-1a, finished by mix. It has no seed: every node must come to the same result.
func hash[T string | []byte](key T) uint64 {
	const basis, prime = 0xcbf29ce484222325, 0x100000001b3
	h := uint64(basis)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * prime
	}
	return mix(h)
}

// mix spreads every bit of h over all of them (the finalizer of SplitMix64). FNV-1a alone leaves the high bits of
// addresses that differ at their end almost alike.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Destination returns the one server that takes all connections to a VIP (scheduler dh), or -1 if none takes any. As in
// IPVS weights make no difference, save 0. When a server leaves only its own VIPs move, evenly to all others.
func Destination(servers []Server, vip netip.Addr) int {
	best, highest := -1, uint64(0)
	of := hash(vip.Unmap().AsSlice())
	for i, s := range servers {
		if s.Weight <= 0 {
			continue
		}
		if score := mix(hash(s.Key) ^ of); best < 0 || score > highest {
			best, highest = i, score
		}
	}
	return best
}
