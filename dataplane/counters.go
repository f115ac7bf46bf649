package dataplane

import (
	"fmt"

	"github.com/cilium/ebpf"
)

// countsOf reads a table of counters that each CPU has its own of, and sums them up by what they count.
func countsOf[T interface {
	~uint32
	fmt.Stringer
}](table *ebpf.Map, first, end T) (map[T]uint64, error) {
	counts := make(map[T]uint64)
	for of := first; of < end; of++ {
		var perCPU []uint64
		if err := table.Lookup(uint32(of), &perCPU); err != nil {
			return nil, fmt.Errorf("read the count of %s: %w", of, err)
		}
		for _, n := range perCPU {
			counts[of] += n
		}
	}
	return counts, nil
}
