package schedule

import "slices"

// MaglevSize returns the size that the table of n servers should have: a prime with at least 400 entries for each, so
// that few entries move that need not, as far as 4093 allows: IPVS's default (CONFIG_IP_VS_MH_TAB_INDEX 12).
//
// Count the configured servers, not those that are up: another size is another table, and moves nearly every client.
func MaglevSize(n int) int {
	const largest = 4093
	for _, size := range []int{509, 1021, 2039} {
		if size >= 400*n {
			return size
		}
	}
	return largest
}

// Maglev returns a table of a size, a prime, that says which server has the clients of a hash (scheduler mh; section 3.4
// of "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016). A server prefers the entries in an order
// of its own; the servers take the free entry that each likes best, by turns, as often as their weights say.
//
// A server has its share of the entries as exactly as [Turns] gives it; with more servers than entries some have none.
// When one server comes or goes, its share of the entries moves, and some besides because the turns of the others come
// earlier or later than before. In the tests' tables of MaglevSize that is less than 0.02 of all entries for up to 10
// servers, and less than 0.05 for up to 200. A flow that is in the flow table does not notice.
func Maglev(servers []Server, size int) []int {
	who := takersByKey(servers)
	if len(who) == 0 || size < 1 {
		return nil
	}
	likes := make([]preference, len(servers))
	for _, i := range who {
		likes[i] = prefer(servers[i].Key, size)
	}
	table := make([]int, size)
	for slot := range table {
		table[slot] = -1
	}
	turns := turnsOf(servers, who, size)
	for n := range size {
		i := turns[n%len(turns)]
		slot := likes[i].next(size)
		for table[slot] >= 0 {
			slot = likes[i].next(size)
		}
		table[slot] = i
	}
	return table
}

// MaglevWithout returns the table of all servers with other servers in the entries of those that are down: whom the table
// without these has there. So while servers are down no client of the others moves, and when one comes back it has its
// own clients again; every node makes the same table. A server has at most 0.03 of the entries more than its share of
// those that are up, or less, in the tests' tables. Without a server that is up there is no table.
func MaglevWithout(servers []Server, down []bool, size int) []int {
	table := Maglev(servers, size)
	if !slices.Contains(down, true) {
		return table
	}
	up := slices.Clone(servers)
	for i := range up {
		if down[i] {
			up[i].Weight = 0
		}
	}
	instead := Maglev(up, size)
	if instead == nil {
		return nil
	}
	for slot, i := range table {
		if down[i] {
			table[slot] = instead[slot]
		}
	}
	return table
}

// preference is a walk through all entries of a table, each once.
type preference struct {
	slot, skip int
}

// prefer returns the walk of a server. Its two numbers come from one hash, the second from the bits mixed once more.
func prefer(key string, size int) preference {
	h := hash(key)
	p := preference{slot: int(h % uint64(size)), skip: 1}
	if size > 2 {
		p.skip += int(mix(h) % uint64(size-1))
	}
	for gcd(p.skip, size) != 1 { // never so for a prime: any other step would miss entries
		p.skip++
	}
	return p
}

// next returns the entry that is liked best of those not yet returned.
func (p *preference) next(size int) int {
	slot := p.slot
	if p.slot += p.skip; p.slot >= size {
		p.slot -= size
	}
	return slot
}
