package dataplane

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// FlowTable is what a flow table holds.
type FlowTable struct {
	// Capacity is how many connections the table is made for.
	Capacity int
	// Slots is how many it could hold at the very most.
	Slots int
	// Flows in each state. Expired ones count no more, but are found again as long as no other takes their place.
	Flows map[FlowState]int
}

// Live is how many flows the table holds that have not expired, clients of persistent services included.
func (t FlowTable) Live() int {
	live := 0
	for state, n := range t.Flows {
		if state != FlowExpired {
			live += n
		}
	}
	return live
}

// Swept is what Sweep found.
type Swept struct{ IPv4, IPv6 FlowTable }

// Sweep marks the flows that have been idle for too long, so that they count for nobody any more, and counts the others.
// It should be called rather more often than every second, for counts to be true within one; it takes some 10 ms for a million
// flows. While the table is being replaced it also moves flows to the new one.
func (d *DataPlane) Sweep() (Swept, error) {
	d.growing.RLock()
	defer d.growing.RUnlock()
	if d.Moving() && !d.moved.Load() {
		if err := d.moveFlows(); err != nil {
			return Swept{}, fmt.Errorf("move flows to the new table: %w", err)
		}
	}
	four, err := d.sweep(d.objects.Flows, bpf.DroverSweepWorkSWEEP_EXPIRE, bpf.DroverFamilyIPV4)
	if err != nil {
		return Swept{}, fmt.Errorf("sweep the flow table: %w", err)
	}
	six, err := d.sweep(d.objects.Flows6, bpf.DroverSweepWorkSWEEP_EXPIRE, bpf.DroverFamilyIPV6)
	if err != nil {
		return Swept{}, fmt.Errorf("sweep the flow table of IPv6: %w", err)
	}
	return Swept{four, six}, nil
}

// moveFlows goes over the old tables once. Packets that come in the meantime move their flows themselves.
func (d *DataPlane) moveFlows() error {
	for name, family := range map[string]bpf.DroverFamily{
		bpf.DroverMapOldFlows: bpf.DroverFamilyIPV4, bpf.DroverMapOldFlows6: bpf.DroverFamilyIPV6,
	} {
		if d.spec.Maps[name].Pinning != ebpf.PinByName {
			continue
		}
		old := d.objects.OldFlows
		if family == bpf.DroverFamilyIPV6 {
			old = d.objects.OldFlows6
		}
		if _, err := d.sweep(old, bpf.DroverSweepWorkSWEEP_MOVE, family); err != nil {
			return err
		}
	}
	d.moved.Store(true)
	return nil
}

// sweep has the program go over a table, a stretch at a time.
func (d *DataPlane) sweep(table *ebpf.Map, work bpf.DroverSweepWork, family bpf.DroverFamily) (FlowTable, error) {
	sets := table.MaxEntries()
	found := FlowTable{
		Capacity: flowsIn(sets), Slots: int(sets) * slotsPerSet, Flows: make(map[FlowState]int),
	}
	order := bpf.DroverSweepOrder{Work: uint32(work), Family: uint32(family)}
	for order.First = 0; order.First < sets; order.First += order.Sets {
		order.Sets = min(sets-order.First, uint32(bpf.DroverLimitsSWEEP_SETS))
		clear(order.Found[:])
		if err := d.run(&order); err != nil {
			return FlowTable{}, err
		}
		for state := range endFlowState {
			found.Flows[state] += int(order.Found[state])
		}
	}
	return found, nil
}

// run has the program carry out an order, and puts into it what was found.
func (d *DataPlane) run(order *bpf.DroverSweepOrder) error {
	var in bytes.Buffer
	if err := binary.Write(&in, binary.NativeEndian, order); err != nil {
		return err
	}
	out := make([]byte, in.Len())
	opts := &ebpf.RunOptions{Data: in.Bytes(), DataOut: out}
	verdict, err := d.objects.Sweep.Run(opts)
	if err != nil {
		return fmt.Errorf("run the sweep: %w", err)
	}
	if verdict != xdpPass {
		return fmt.Errorf("the sweep returned %d, not %d", verdict, xdpPass)
	}
	return binary.Read(bytes.NewReader(opts.DataOut), binary.NativeEndian, order)
}

// xdpPass is what an XDP program returns to let a packet through.
const xdpPass = 2
