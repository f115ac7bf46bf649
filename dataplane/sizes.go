package dataplane

import (
	"cmp"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/bpf"
)

// Sizes say how much the tables have room for. Zero stands for the default.
type Sizes struct {
	// Flows is how many IPv4 connections the flow table remembers; fewer than one in 1000 of so many finds no place in
	// it, and goes by a hash of its addresses. About 35 bytes each. By default 1/128 of the memory is for it, at least
	// 65,536 connections and at most 4 Mi.
	Flows int
	// Flows6 is the same for IPv6, at twice the bytes. Flows by default.
	Flows6 int
	// Reals is how many real servers there may be, one that is in two services counting twice. 16,384 by default.
	Reals int
	// Schedules is how many entries all schedules may have together, one that is being replaced counting twice. A schedule
	// takes whole lines of [EntriesPerLine]. 1 Mi by default.
	Schedules int
}

const (
	defaultReals     = 16384
	defaultSchedules = 1 << 20
	leastFlows       = 1 << 16
	mostFlows        = 4 << 20
	memoryShare      = 128

	flowSize    = 16 // bytes of a flow, IPv4
	slotsPerSet = int(bpf.DroverLimitsFLOWS_PER_SET)
)

func (s Sizes) withDefaults() (Sizes, error) {
	if s.Flows == 0 {
		memory, err := totalMemory()
		if err != nil {
			return Sizes{}, err
		}
		s.Flows = flowsFor(memory)
	}
	s.Flows6 = cmp.Or(s.Flows6, s.Flows)
	s.Reals = cmp.Or(s.Reals, defaultReals)
	s.Schedules = cmp.Or(s.Schedules, defaultSchedules)
	if s.Reals > MaxReals {
		return Sizes{}, fmt.Errorf("%d real servers of at most %d: %w", s.Reals, MaxReals, ErrTablesFull)
	}
	return s, nil
}

// flowsFor is how many flows a machine with so many bytes of memory has a table for by default.
func flowsFor(memory uint64) int {
	return min(max(int(memory/memoryShare/flowSize)*10/22, leastFlows), mostFlows)
}

// totalMemory is that of the machine, in bytes.
func totalMemory() (uint64, error) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0, fmt.Errorf("read how much memory there is: %w", err)
	}
	return uint64(info.Totalram) * uint64(info.Unit), nil
}

// setsFor is the number of sets in a table for so many connections. A set of 16 slots that holds 7.3 connections on
// average overflows so rarely that fewer than one connection in 1000 is left over.
func setsFor(flows int) uint32 {
	const least = 64
	return uint32(max((flows*22/10+slotsPerSet-1)/slotsPerSet, least))
}

func flowsIn(sets uint32) int { return int(sets) * slotsPerSet * 10 / 22 }

// entries are the numbers of entries of the tables that have no fixed size.
func (s Sizes) entries() map[string]uint32 {
	reals := uint32(s.Reals + 1)
	return map[string]uint32{
		bpf.DroverMapFlows: setsFor(s.Flows), bpf.DroverMapFlows6: setsFor(s.Flows6),
		bpf.DroverMapReals: reals, bpf.DroverMapRealTerms: reals, bpf.DroverMapRealLoads: reals, bpf.DroverMapHandshakes: reals,
		bpf.DroverMapRealNames: reals, bpf.DroverMapRealTraffic: reals, bpf.DroverMapSchedules: linesFor(uint32(s.Schedules)),
	}
}

// sizes are those of the maps as they are.
func (d *DataPlane) sizes() Sizes {
	return Sizes{
		Flows: flowsIn(d.objects.Flows.MaxEntries()), Flows6: flowsIn(d.objects.Flows6.MaxEntries()),
		Reals: int(d.objects.Reals.MaxEntries()) - 1, Schedules: int(d.objects.Schedules.MaxEntries() * realsPerLine),
	}
}

// set gives the maps of a spec their sizes.
func (s Sizes) set(spec *ebpf.CollectionSpec) {
	for name, n := range s.entries() {
		spec.Maps[name].MaxEntries = n
	}
}
