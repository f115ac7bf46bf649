package schedule

// Sizes of the table of SourceHash.
const (
	fewestSlots    = 256 // IPVS's default (CONFIG_IP_VS_SH_TAB_BITS 8)
	mostSlots      = 4096
	slotsPerServer = 8
)

// SourceHash returns a table that says which server has the clients of a hash (scheduler sh). As in IPVS the servers
// take the slots one after another, round and round, as often as their weights say: unlike in [Maglev] most clients move
// when a server comes or goes. It has 256 slots as IPVS's, and as many more, up to 4096, as give each server 8.
//
// Servers have their share as exactly as [Turns] gives it. IPVS gives a server as many slots in a row as its weight,
// which comes to the same for weights of 1; but there a server whose weight is the size of the table keeps all others
// from it.
func SourceHash(servers []Server) []int {
	slots := fewestSlots
	for slots < slotsPerServer*len(servers) && slots < mostSlots {
		slots *= 2
	}
	turns := turnsOf(servers, takersByKey(servers), slots)
	if len(turns) == 0 {
		return nil
	}
	table := make([]int, slots)
	for slot := range table {
		table[slot] = turns[slot%len(turns)]
	}
	return table
}
