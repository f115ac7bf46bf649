package dataplane

import (
	"maps"
	"testing"
	"time"

	"drover/bpf"
)

func TestTheFlowTableHoldsWhatWasAskedFor(t *testing.T) {
	for _, flows := range []int{1, 464, 465, 466, 1000, 65_536, 1_000_000, mostFlows} {
		sets := setsFor(flows)
		if got := flowsIn(sets); got < flows {
			t.Errorf("a table for %d flows is made for %d", flows, got)
		}
		if got := flowsIn(sets - 1); sets > 64 && got > flows {
			t.Errorf("a table for %d flows has %d sets, of which one less would do for %d", flows, sets, got)
		}
		bytes := int(sets) * slotsPerSet * flowBytes
		if flows >= 1000 && bytes > 37*flows {
			t.Errorf("a table for %d flows has %d bytes, more than 37 each", flows, bytes)
		}
	}
}

func TestSizesHaveDefaults(t *testing.T) {
	s, err := Sizes{}.withDefaults()
	must(t, err)
	memory, err := totalMemory()
	must(t, err)
	flows := flowsFor(memory)
	if want := (Sizes{Flows: flows, Flows6: flows, Reals: defaultReals, Schedules: defaultSchedules}); s != want {
		t.Errorf("by default the sizes are %+v, want %+v", s, want)
	}
	s, err = Sizes{Flows: 7, Reals: 9, Schedules: 32}.withDefaults()
	if want := (Sizes{Flows: 7, Flows6: 7, Reals: 9, Schedules: 32}); err != nil || s != want {
		t.Errorf("they are %+v, %v, want %+v", s, err, want)
	}
}

// TestTheFlowTableGrowsWithTheMemory up to 4 Mi flows, which want 18 GB; below 300 MB it takes more than its share.
func TestTheFlowTableGrowsWithTheMemory(t *testing.T) {
	const gigabyte, most = uint64(1) << 30, 4 << 20
	for _, c := range []struct {
		memory      uint64
		least, most int
	}{
		{0, 65_536, 65_536},
		{gigabyte / 8, 65_536, 65_536},
		{gigabyte, 230_000, 240_000},
		{2 * gigabyte, 460_000, 480_000},
		{8 * gigabyte, 1_850_000, 1_920_000},
		{16 * gigabyte, 3_700_000, 3_840_000},
		{64 * gigabyte, most, most},
		{1 << 50, most, most},
	} {
		flows := flowsFor(c.memory)
		if flows < c.least || flows > c.most {
			t.Errorf("with %d MB of memory there are %d flows, want %d to %d", c.memory>>20, flows, c.least, c.most)
		}
		bytes := uint64(setsFor(flows)) * uint64(slotsPerSet*flowBytes)
		if share := c.memory / 128; flows > 65_536 && bytes > share+4096 {
			t.Errorf("with %d MB the table takes %d bytes, more than %d", c.memory>>20, bytes, share)
		}
		if share := c.memory / 128; flows < most && bytes < share-share/100 {
			t.Errorf("with %d MB the table takes %d bytes, and %d are for it", c.memory>>20, bytes, share)
		}
	}
}

// TestASlotIsAFewBytes is what the documentation promises of the tables that grow with the flows.
func TestASlotIsAFewBytes(t *testing.T) {
	p := openPlane(t, Options{})
	for name, c := range map[string]struct {
		bytes uint32
		most  int
	}{
		"IPv4": {p.objects.Flows.ValueSize(), 20}, "IPv6": {p.objects.Flows6.ValueSize(), 40},
	} {
		if got := int(c.bytes) / slotsPerSet; got > c.most {
			t.Errorf("a slot of %s has %d bytes, more than %d", name, got, c.most)
		}
	}
}

// TestTheSizesAreThoseOfTheMaps as an operator asked for them.
func TestTheSizesAreThoseOfTheMaps(t *testing.T) {
	p := openPlane(t, Options{Sizes: Sizes{Flows: 5000, Flows6: 3000, Reals: 400}})
	got := p.sizes()
	if got.Flows < 5000 || got.Flows > 5050 || got.Flows6 < 3000 || got.Flows6 > 3050 || got.Reals != 400 {
		t.Errorf("the tables have the sizes %+v", got)
	}
	swept, err := p.Sweep()
	must(t, err)
	if swept.IPv4.Capacity != p.sizes().Flows || swept.IPv6.Capacity != p.sizes().Flows6 {
		t.Errorf("the sweep says %+v", swept)
	}
}

func TestSweepCountsFlowsByState(t *testing.T) {
	p := newPlaneOfBoth(t, Options{})
	n := 0
	for _, into := range bring {
		for _, f := range families {
			n++
			into(p, f, n)
		}
	}
	p.persist(families[0], 32)
	for _, frame := range [][]byte{
		families[0].inNet(1, 1, 1, syn), families[0].inNet(1, 1, 1, ack), families[0].inNet(1, 2, 1, syn),
	} {
		p.run(frame)
	}
	each := map[FlowState]int{FlowEmbryonic: 1, FlowEstablished: 1, FlowClosing: 1, FlowReset: 1, FlowUDP: 1}
	six := maps.Clone(each)
	each[FlowEmbryonic]++
	each[FlowEstablished]++
	each[FlowClient]++
	each[FlowClientNew]++
	p.expectSweep(each, six)
	p.idle(-2 * time.Second) // a packet comes while the sweep is under way, on a CPU that is ahead
	p.expectSweep(each, six)
	p.idle(time.Hour)
	p.expectSweep(map[FlowState]int{FlowExpired: all(each)}, map[FlowState]int{FlowExpired: all(six)})
	p.expectSweep(map[FlowState]int{FlowExpired: all(each)}, map[FlowState]int{FlowExpired: all(six)})
	if left := p.counted(); len(left) != 0 {
		t.Errorf("after all have expired %v are counted", left)
	}
}

// expectSweep checks how many flows of each state a sweep finds.
func (p *plane) expectSweep(four, six map[FlowState]int) {
	p.t.Helper()
	swept := p.sweep()
	for family, c := range map[string]struct {
		table FlowTable
		want  map[FlowState]int
	}{"IPv4": {swept.IPv4, four}, "IPv6": {swept.IPv6, six}} {
		maps.DeleteFunc(c.table.Flows, func(_ FlowState, n int) bool { return n == 0 })
		if live := all(c.want) - c.want[FlowExpired]; !maps.Equal(c.table.Flows, c.want) || c.table.Live() != live {
			p.t.Errorf("of %s it counts %v, %d live, want %v", family, c.table.Flows, c.table.Live(), c.want)
		}
	}
}

func all(counts map[FlowState]int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// TestASweepGoesOverEverySet: the last stretch of a table may be shorter than the others.
func TestASweepGoesOverEverySet(t *testing.T) {
	p := newPlane(t, Options{Sizes: Sizes{Flows: 1000, Flows6: 1, Reals: 255}})
	sets := p.objects.Flows.MaxEntries()
	if sets%uint32(bpf.DroverLimitsSWEEP_SETS) == 0 || sets < uint32(bpf.DroverLimitsSWEEP_SETS) {
		t.Fatalf("%d sets are no test", sets)
	}
	for set := range sets {
		p.putFlow(set, int(set)%slotsPerSet, bpf.DroverFlowKey{Client: set + 1, Port: 1}, FlowEstablished, time.Hour)
	}
	p.count()
	if got := p.sweep().IPv4; got.Flows[FlowExpired] != int(sets) || len(p.counted()) != 0 {
		t.Errorf("of %d sets with a flow each it finds %v, and %v are counted", sets, got.Flows, p.counted())
	}
}
