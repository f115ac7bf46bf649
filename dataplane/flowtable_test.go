package dataplane

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
	"unsafe"

	"drover/bpf"
)

// States of a flow, as short as the tests need them.
const (
	embryonic   = uint8(bpf.DroverFlowStateFLOW_EMBRYONIC)
	datagrams   = uint8(bpf.DroverFlowStateFLOW_UDP)
	closing     = uint8(bpf.DroverFlowStateFLOW_CLOSING)
	established = uint8(bpf.DroverFlowStateFLOW_ESTABLISHED)
)

const flowsPerBucket = int(bpf.DroverLimitsFLOWS_PER_BUCKET)

// storedFlow is a flow, found in the table.
type storedFlow struct {
	bucket uint32
	real   RealID
	state  uint8
	seen   uint32
}

// stored reads the flow table. No connection may be in it twice.
func (p *plane) stored() map[bpf.DroverFlowKey]storedFlow {
	p.t.Helper()
	all := make(map[bpf.DroverFlowKey]storedFlow)
	must(p.t, each(p.objects.Flows, func(at uint32, bucket bpf.DroverFlowBucket) error {
		for slot, key := range bucket.Key {
			if key == (bpf.DroverFlowKey{}) {
				continue
			}
			if twin, there := all[key]; there {
				return fmt.Errorf("%v is in bucket %d and again in bucket %d", key, twin.bucket, at)
			}
			all[key] = storedFlow{at, RealID(bucket.Real[slot]), bucket.State[slot], bucket.Seen[slot]}
		}
		return nil
	}))
	return all
}

// editFlows changes the flow table behind the program's back.
func (p *plane) editFlows(edit func(*bpf.DroverFlowBucket)) {
	p.t.Helper()
	must(p.t, each(p.objects.Flows, func(at uint32, bucket bpf.DroverFlowBucket) error {
		old := bucket
		if edit(&bucket); bucket == old {
			return nil
		}
		return p.objects.Flows.Put(at, bucket)
	}))
}

// idle makes it that long since the last packet of every flow.
func (p *plane) idle(since time.Duration) {
	p.t.Helper()
	now := p.now()
	p.editFlows(func(bucket *bpf.DroverFlowBucket) {
		for slot := range bucket.Seen {
			bucket.Seen[slot] = now.ago(since)
		}
	})
}

func idleFor(since time.Duration) func(*plane) { return func(p *plane) { p.idle(since) } }

// ago is the low half of an instant, as flows note it.
func (c clock) ago(d time.Duration) uint32 {
	return uint32(c.now) - uint32(d.Milliseconds()*int64(c.hz)/1000)
}

// flowKey is the key of a client's flow to a service.
func (p *plane) flowKey(client netip.AddrPort, service ServiceKey) bpf.DroverFlowKey {
	p.t.Helper()
	raw, err := encodeKey(service)
	must(p.t, err)
	id, there := p.held.index.find(raw)
	if !there {
		p.t.Fatalf("no service %s", service)
	}
	address, err := encodeAddress(client.Addr())
	must(p.t, err)
	return bpf.DroverFlowKey{Client: address, Port: encodePort(client.Port()), Service: uint16(id)}
}

// nthClient is a client like no other.
func nthClient(n int) netip.AddrPort {
	address := netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)})
	return netip.AddrPortFrom(address, uint16(1024+n>>16))
}

// neighbors finds clients of the web service whose flows share a bucket, which is empty afterwards.
func (p *plane) neighbors(count int) (bucket uint32, clients []netip.AddrPort) {
	p.t.Helper()
	byBucket := make(map[uint32][]netip.AddrPort)
	for n := 0; ; n++ {
		p.run(tcpFrom(nthClient(n), netip.MustParseAddrPort(web), syn))
		for _, flow := range p.stored() {
			byBucket[flow.bucket] = append(byBucket[flow.bucket], nthClient(n))
			must(p.t, p.objects.Flows.Put(flow.bucket, bpf.DroverFlowBucket{}))
			if clients := byBucket[flow.bucket]; len(clients) == count {
				return flow.bucket, clients
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

func TestAFlowBucketIsOneCacheLine(t *testing.T) {
	var bucket bpf.DroverFlowBucket
	for _, field := range []struct {
		name      string
		at, want  uintptr
		size, end uintptr
	}{
		{"key", unsafe.Offsetof(bucket.Key), 0, unsafe.Sizeof(bucket.Key), 32},
		{"seen", unsafe.Offsetof(bucket.Seen), 32, unsafe.Sizeof(bucket.Seen), 48},
		{"real", unsafe.Offsetof(bucket.Real), 48, unsafe.Sizeof(bucket.Real), 56},
		{"state", unsafe.Offsetof(bucket.State), 56, unsafe.Sizeof(bucket.State), 60},
		{"lock", unsafe.Offsetof(bucket.Lock), 60, unsafe.Sizeof(bucket.Lock), 64},
	} {
		if field.at != field.want || field.at+field.size != field.end {
			t.Errorf("%s lies at %d to %d, want %d to %d", field.name, field.at, field.at+field.size, field.want, field.end)
		}
	}
	if unsafe.Sizeof(bucket) != 64 || flowsPerBucket != 4 {
		t.Errorf("%d flows in %d bytes, want 4 in 64", flowsPerBucket, unsafe.Sizeof(bucket))
	}
}

func TestTheFlowTableHoldsAtLeastWhatWasAskedFor(t *testing.T) {
	for capacity, want := range map[int]int{
		1: 1024, 1000: 1024, 1024: 1024, 1025: 2048, 1027: 2048, 1028: 2048, 2048: 2048, 3000: 4096, 1 << 20: 1 << 20,
	} {
		if got := int(flowBuckets(capacity)) * flowsPerBucket; got != want {
			t.Errorf("asked for %d flows: room for %d, want %d", capacity, got, want)
		}
	}
}

func TestConnectionsTakeTurnsExactly(t *testing.T) {
	const connections = 2000
	p := newPlane(t, Options{FlowCapacity: 64 * connections})
	served := make(map[int]RealID)
	for n := range connections {
		want := RealID(1 + n%2)
		p.expect(tcpFrom(nthClient(n), netip.MustParseAddrPort(web), syn), opened(want))
		served[n] = want
	}
	for n, real := range served {
		p.expect(tcpFrom(nthClient(n), netip.MustParseAddrPort(web), ack), kept(real))
	}
}

func TestALongScheduleIsFollowedAcrossItsLines(t *testing.T) {
	var schedule []RealID
	for n := range 3*int(realsPerLine) + 7 {
		schedule = append(schedule, RealID(1+n%7/4))
	}
	p := newPlane(t, Options{FlowCapacity: 1 << 14})
	p.setSchedule(tcpService(web), schedule...)
	for n := range 2 * len(schedule) {
		p.expect(tcpFrom(nthClient(n), netip.MustParseAddrPort(web), syn), opened(schedule[n%len(schedule)]))
	}
}

func TestTheStateOfAFlowFollowsItsSegments(t *testing.T) {
	requireRoot(t)
	for _, c := range []struct {
		name     string
		segments []byte
		want     uint8
	}{
		{"a SYN is embryonic", []byte{syn}, embryonic},
		{"a second SYN is still embryonic", []byte{syn, syn}, embryonic},
		{"the client's ACK establishes", []byte{syn, ack}, established},
		{"data establishes", []byte{syn, psh | ack}, established},
		{"FIN closes", []byte{syn, ack, fin | ack}, closing},
		{"RST closes", []byte{syn, ack, rst}, closing},
		{"RST closes what was not established", []byte{syn, rst}, closing},
		{"an ACK after FIN does not establish", []byte{syn, ack, fin | ack, ack}, closing},
		{"a SYN after FIN is embryonic", []byte{syn, ack, fin | ack, syn}, embryonic},
		{"a stray SYN does not undo established", []byte{syn, ack, syn}, established},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlane(t, Options{})
			for _, flags := range c.segments {
				p.run(tcp(client, web, flags))
			}
			flow := p.stored()[p.flowKey(netip.MustParseAddrPort(client), tcpService(web))]
			if flow.state != c.want {
				t.Errorf("the flow's state is %d, want %d", flow.state, c.want)
			}
		})
	}
}

func TestAPacketKeepsItsFlowAlive(t *testing.T) {
	p := newPlane(t, Options{})
	key := p.flowKey(netip.MustParseAddrPort(client), tcpService(web))
	p.expect(tcp(client, web, syn), opened(1))
	for _, flags := range []byte{syn, ack, psh | ack, fin | ack, ack} {
		p.idle(50 * time.Second)
		p.expect(tcp(client, web, flags), kept(1))
		if idle := fromJiffies(int64(uint32(p.now().now)-p.stored()[key].seen), p.now().hz); idle > deadline {
			t.Errorf("after a packet with flags %#x the flow counts as idle for %v", flags, idle)
		}
	}
}

func TestUnknownSegmentsGoByAHashThatAllNodesShare(t *testing.T) {
	one, other := newPlane(t, Options{}), newPlane(t, Options{})
	other.seed(2)
	one.setSchedule(tcpService(web), 1, 2, 1, 2)
	other.setSchedule(tcpService(web), 1, 2, 1, 2)
	served := make(map[RealID]int)
	for n := range 1000 {
		frame := tcpFrom(nthClient(n), netip.MustParseAddrPort(web), ack)
		real := one.realOf(frame)
		served[real]++
		if got := other.realOf(frame); got != real {
			t.Fatalf("client %s goes to %d on one node and to %d on the other", nthClient(n), real, got)
		}
		one.expect(frame, untracked(real))
	}
	if n := len(one.stored()); n != 0 {
		t.Errorf("%d unknown segments are in the flow table, want none", n)
	}
	if served[1] < 400 || served[2] < 400 {
		t.Errorf("of 1000 clients the hash gave %d and %d, want about half each", served[1], served[2])
	}
}
