package dataplane

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
)

// pourer sends frames that differ from each other by their client only, as fast as can be.
type pourer struct {
	p     *plane
	frame []byte
	at    int // the client's address, or the last four bytes of it
	sent  map[uint32]uint64
}

func (p *plane) pour(frame []byte, f family) *pourer {
	at := atIP + 12
	if f.name == "IPv6" {
		at = atIP + 8 + 12
	}
	return &pourer{p: p, frame: slices.Clone(frame), at: at, sent: make(map[uint32]uint64)}
}

// send sends the frame of a client; each address comes with its own port.
func (o *pourer) send(client uint32) {
	binary.BigEndian.PutUint32(o.frame[o.at:], client)
	action, err := o.p.program.Run(&ebpf.RunOptions{Data: o.frame})
	must(o.p.t, err)
	o.sent[action]++
}

// displacedInAll is how many flows had to go before their time.
func (p *plane) displacedInAll() (sum uint64) {
	p.t.Helper()
	for _, n := range p.displaced() {
		sum += n
	}
	return sum
}

// expectCapacity opens as many flows as a table is made for, and states how many find no place.
func expectCapacity(t *testing.T, f family, flows int) {
	t.Helper()
	p := newPlane(t, Options{Sizes: Sizes{Flows: flows, Flows6: flows, Reals: 255}})
	p.want = f.tables()
	must(t, p.Apply(p.want))
	to, random := p.pour(f.datagram(0), f), rand.New(rand.NewPCG(11, 12))
	clients := make(map[uint32]bool, flows)
	for len(clients) < flows {
		if client := random.Uint32(); !clients[client] {
			clients[client] = true
			to.send(client)
		}
	}
	if to.sent[xdpTX] != uint64(flows) {
		t.Fatalf("the program returned %v, want XDP_TX %d times", to.sent, flows)
	}
	swept := p.sweep()
	table := map[string]FlowTable{"IPv4": swept.IPv4, "IPv6": swept.IPv6}[f.name]
	lost := flows - table.Live()
	t.Logf("%s: of %d flows %d found no place in %d slots", f.name, flows, lost, table.Slots)
	if lost*1000 >= flows {
		t.Errorf("of %d flows %d found no place, want fewer than one in 1000", flows, lost)
	}
	if gone := p.displacedInAll(); gone != uint64(lost) {
		t.Errorf("%d flows are gone and %d count as displaced", lost, gone)
	}
	if table.Capacity < flows {
		t.Errorf("the table says that it is made for %d", table.Capacity)
	}
	three, err := p.Load(3)
	must(t, err)
	four, err := p.Load(4)
	must(t, err)
	if got := three.Inactive + four.Inactive; got != table.Live() {
		t.Errorf("the real servers count %d flows, the table holds %d", got, table.Live())
	}
}

func TestAsManyFlowsAsWasAskedForFindAPlace(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) { expectCapacity(t, f, 100_000) })
	}
}

func TestAMillionFlowsFindAPlace(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) { expectCapacity(t, f, 1_000_000) })
	}
}

// TestAFloodLeavesEstablishedConnections sends SYNs and stray ACKs from everywhere, several times what the table holds,
// while connections send a segment now and then and new clients come.
func TestAFloodLeavesEstablishedConnections(t *testing.T) {
	const (
		connections = 10_000
		flood       = 6 * 16_384 * 22 / 10 // of each kind
		newcomers   = 500
	)
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			p := newPlane(t, Options{Sizes: Sizes{Flows: 16_384, Flows6: 16_384, Reals: 255}})
			p.want = f.tables()
			must(t, p.Apply(p.want))
			served := make([]RealID, connections)
			for n := range served {
				served[n] = p.realOf(f.syn(n))
				p.run(f.ack(n))
			}
			before, err := p.Verdicts()
			must(t, err)
			// From ports that no client has, so that no stranger is taken for one.
			stray := tcpFrom(netip.AddrPortFrom(f.nth(0).Addr(), 9), netip.MustParseAddrPort(f.web), ack)
			syns, acks := p.pour(f.fromPort(0, 7), f), p.pour(stray, f)
			for n := range flood {
				stranger := uint32(n) * 0x9e3779b1 & (1<<31 - 1) // none comes twice: the factor is odd
				syns.send(stranger)
				acks.send(stranger | 1<<31)
				if n%10 == 0 {
					p.expectReal(f.ack(n/10%connections), served[n/10%connections])
				}
				if n%(flood/newcomers) == 0 {
					p.expectGetsIn(f, connections+n)
				}
			}
			for n, real := range served {
				p.expectReal(f.ack(n), real)
			}
			after, err := p.Verdicts()
			must(t, err)
			// Two strangers of IPv6 may fold to one key, and prove themselves by it when the flood takes more than a second.
			if n := after[ForwardUntracked] - before[ForwardUntracked]; n > flood || n < flood-flood/10_000 {
				t.Errorf("%d segments were untracked, want the %d of the ACK flood", n, flood)
			}
			gone := p.displaced()
			if gone[FlowEmbryonic] < flood/2 || len(gone) != 1 {
				t.Errorf("the flood displaced %v, want embryonic flows and no others", gone)
			}
			p.expectTrueLoads()
		})
	}
}

// expectReal checks which real server a frame goes to.
func (p *plane) expectReal(frame []byte, want RealID) {
	p.t.Helper()
	if got := p.realOf(frame); got != want {
		p.t.Fatalf("a connection went from %d to %d", want, got)
	}
}

// expectGetsIn opens a connection and checks that it is in the table.
func (p *plane) expectGetsIn(f family, n int) {
	p.t.Helper()
	real := p.realOf(f.syn(n))
	p.expectReal(f.ack(n), real)
	p.expectReal(f.segment(n, psh|ack), real)
	p.expectReal(f.segment(n, fin|ack), real)
	p.expectReal(f.segment(n, rst), real)
}
