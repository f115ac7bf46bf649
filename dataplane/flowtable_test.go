package dataplane

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// storedFlow is one entry of a flow table.
type storedFlow struct {
	set  uint32
	slot int
	real RealID
	// state and when the flow was last seen, in jiffies.
	state FlowState
	seen  uint32
}

// A flow as it lies in the table; the generated type leaves out bit fields. In the IPv6 table the addresses of the clients
// follow behind the flows of a set.
const (
	flowBytes  = 16
	flow6Bytes = 32
	atSeen     = 8
	atReal     = 12
	atState    = 15
)

// slotSize is how many bytes a flow of a table has.
func slotSize(table *ebpf.Map) int { return int(table.ValueSize()) / slotsPerSet }

// eachSlot shows every slot of a flow table that is taken. What is changed in it is written back.
func (p *plane) eachSlot(table *ebpf.Map, look func(set uint32, slot int, flow []byte)) {
	p.t.Helper()
	lookInto := func(set uint32, raw []byte) error {
		was := slices.Clone(raw)
		for slot := range slotsPerSet {
			if flow := raw[slot*flowBytes:][:flowBytes]; binary.NativeEndian.Uint64(flow) != 0 {
				look(set, slot, flow)
			}
		}
		if slices.Equal(raw, was) {
			return nil
		}
		return table.Put(set, raw)
	}
	if slotSize(table) == flowBytes {
		must(p.t, each(table, func(set uint32, raw [slotsPerSet * flowBytes]byte) error { return lookInto(set, raw[:]) }))
		return
	}
	must(p.t, each(table, func(set uint32, raw [slotsPerSet * flow6Bytes]byte) error { return lookInto(set, raw[:]) }))
}

// everySlot shows those of both families.
func (p *plane) everySlot(look func(set uint32, slot int, flow []byte)) {
	p.t.Helper()
	p.eachSlot(p.objects.Flows, look)
	p.eachSlot(p.objects.Flows6, look)
}

func decodeFlow(set uint32, slot int, raw []byte) (bpf.DroverFlowKey, storedFlow) {
	order := binary.NativeEndian
	key := bpf.DroverFlowKey{Client: order.Uint32(raw), Port: order.Uint16(raw[4:]), Service: order.Uint16(raw[6:])}
	return key, storedFlow{
		set, slot, RealID(order.Uint32(raw[atReal:]) & 0xffffff), FlowState(raw[atState]), order.Uint32(raw[atSeen:]),
	}
}

// stored reads the table of IPv4 flows. No flow may be in it twice.
func (p *plane) stored() map[bpf.DroverFlowKey]storedFlow {
	p.t.Helper()
	return p.storedIn(p.objects.Flows)
}

// stored6 reads the table of IPv6 flows.
func (p *plane) stored6() map[bpf.DroverFlowKey]storedFlow {
	p.t.Helper()
	return p.storedIn(p.objects.Flows6)
}

func (p *plane) storedIn(table *ebpf.Map) map[bpf.DroverFlowKey]storedFlow {
	p.t.Helper()
	flows := make(map[bpf.DroverFlowKey]storedFlow)
	p.eachSlot(table, func(set uint32, slot int, raw []byte) {
		key, flow := decodeFlow(set, slot, raw)
		if twin, there := flows[key]; there {
			p.t.Fatalf("%v is in set %d and again in set %d", key, twin.set, set)
		}
		flows[key] = flow
	})
	return flows
}

// idle makes all flows look as if their last packet was some time ago.
func (p *plane) idle(since time.Duration) {
	p.t.Helper()
	p.see(p.now().ago(since))
}

// see makes all flows look as if their last packet was at a time, in jiffies.
func (p *plane) see(at uint32) {
	p.t.Helper()
	p.everySlot(func(_ uint32, _ int, flow []byte) { binary.NativeEndian.PutUint32(flow[atSeen:], at) })
}

func idleFor(since time.Duration) func(*plane) { return func(p *plane) { p.idle(since) } }

// age makes the last packet of all flows that much older.
func (p *plane) age(by time.Duration) {
	p.t.Helper()
	p.everySlot(func(_ uint32, _ int, flow []byte) {
		seen := binary.NativeEndian.Uint32(flow[atSeen:])
		binary.NativeEndian.PutUint32(flow[atSeen:], seen-uint32(toJiffies(by, p.hz)))
	})
	for id := range p.objects.RealLoads.MaxEntries() {
		p.ageAnswer(RealID(id), by)
	}
}

// ageAnswer makes it longer since a real server answered, if it ever did.
func (p *plane) ageAnswer(id RealID, by time.Duration) {
	p.t.Helper()
	var load bpf.DroverRealLoad
	must(p.t, p.objects.RealLoads.Lookup(uint32(id), &load))
	if load.Answered == 0 {
		return
	}
	load.Answered -= toJiffies(by, p.hz)
	must(p.t, p.objects.RealLoads.Put(uint32(id), load))
}

// ageFlow makes the last packet of one IPv4 flow that much older.
func (p *plane) ageFlow(key bpf.DroverFlowKey, by time.Duration) {
	p.t.Helper()
	p.eachSlot(p.objects.Flows, func(set uint32, slot int, raw []byte) {
		if at, flow := decodeFlow(set, slot, raw); at == key {
			binary.NativeEndian.PutUint32(raw[atSeen:], flow.seen-uint32(toJiffies(by, p.hz)))
		}
	})
}

func (p *plane) now() clock {
	p.t.Helper()
	now, err := p.clock()
	must(p.t, err)
	return now
}

// ago is the low half of an instant, as flows note it.
func (c clock) ago(d time.Duration) uint32 {
	return uint32(c.now) - uint32(d.Milliseconds()*int64(c.hz)/1000)
}

// wipe empties the flow tables and the loads.
func (p *plane) wipe() {
	p.t.Helper()
	for _, table := range []*ebpf.Map{p.objects.Flows, p.objects.Flows6} {
		p.eachSlot(table, func(_ uint32, _ int, flow []byte) { clear(flow) })
	}
	for id := range p.want.Reals {
		must(p.t, p.objects.RealLoads.Put(uint32(id), bpf.DroverRealLoad{}))
	}
}

// flowKey is the key of an IPv4 client's flow to a service.
func (p *plane) flowKey(client netip.AddrPort, service ServiceKey) bpf.DroverFlowKey {
	p.t.Helper()
	id, there := p.held.ids[service]
	if !there {
		p.t.Fatalf("no service %s", service)
	}
	return bpf.DroverFlowKey{
		Client: encodeIPv4(client.Addr()), Port: encodePort(client.Port()), Service: uint16(id),
	}
}

// nthClient is a client like no other.
func nthClient(n int) netip.AddrPort {
	address := netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)})
	return netip.AddrPortFrom(address, uint16(1024+n>>16))
}

// neighbors finds clients of the web service whose flows share a set of the least table, which is empty afterwards.
func (p *plane) neighbors(count int) (set uint32, clients []netip.AddrPort) {
	p.t.Helper()
	bySet := make(map[uint32][]netip.AddrPort)
	for first := 0; ; first += slotsPerSet {
		batch := make(map[bpf.DroverFlowKey]netip.AddrPort)
		for n := first; n < first+slotsPerSet; n++ {
			p.run(tcpFrom(nthClient(n), netip.MustParseAddrPort(web), syn))
			batch[p.flowKey(nthClient(n), tcpService(web))] = nthClient(n)
		}
		flows := p.stored()
		p.wipe()
		for key, client := range batch {
			set := flows[key].set
			if bySet[set] = append(bySet[set], client); len(bySet[set]) == count {
				return set, bySet[set]
			}
		}
	}
}

// realOf sends a frame and tells which real server got it.
func (p *plane) realOf(frame []byte) RealID {
	p.t.Helper()
	action, out := p.run(frame)
	if action != xdpTX {
		p.t.Fatalf("the program returned %s, want XDP_TX", actionName(action))
	}
	return RealID(out[4])<<8 | RealID(out[5])
}

// loads are those that the flows in the tables make, by IPVS's rules.
func (p *plane) loads() map[RealID]Load {
	p.t.Helper()
	loads := make(map[RealID]Load)
	p.everySlot(func(set uint32, slot int, raw []byte) {
		_, flow := decodeFlow(set, slot, raw)
		load := loads[flow.real]
		switch flow.state {
		case FlowEmbryonic, FlowResumed, FlowEstablished:
			load.Active++
		case FlowUDP, FlowReset, FlowClosing:
			load.Inactive++
		}
		loads[flow.real] = load
	})
	maps.DeleteFunc(loads, func(_ RealID, l Load) bool { return l == Load{} })
	return loads
}

// counted are the loads that the data plane has.
func (p *plane) counted() map[RealID]Load {
	p.t.Helper()
	loads := make(map[RealID]Load)
	ids, err := p.Loaded()
	must(p.t, err)
	for _, id := range ids {
		load, err := p.Load(id)
		must(p.t, err)
		loads[id] = Load{Active: load.Active, Inactive: load.Inactive}
	}
	return loads
}

// expectTrueLoads checks that every connection in the tables counts, and nothing else does.
func (p *plane) expectTrueLoads() {
	p.t.Helper()
	if got, want := p.counted(), p.loads(); !maps.Equal(got, want) {
		p.t.Errorf("the real servers count\n  %v, the tables hold\n  %v", got, want)
	}
}

func (p *plane) sweep() Swept {
	p.t.Helper()
	swept, err := p.Sweep()
	must(p.t, err)
	return swept
}

func (p *plane) displaced() map[FlowState]uint64 {
	p.t.Helper()
	counts, err := p.Displaced()
	must(p.t, err)
	maps.DeleteFunc(counts, func(_ FlowState, n uint64) bool { return n == 0 })
	return counts
}

func TestAFlowIsAsLargeAsTheTablesSay(t *testing.T) {
	p := openPlane(t, Options{})
	if four, six := slotSize(p.objects.Flows), slotSize(p.objects.Flows6); four != flowBytes || six != flow6Bytes {
		t.Errorf("a flow has %d bytes, of IPv6 %d, want %d and %d", four, six, flowBytes, flow6Bytes)
	}
}
