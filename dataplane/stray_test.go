package dataplane

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"drover/bpf"
)

// ageStrays makes it that much longer since strays were first seen.
func (p *plane) ageStrays(by time.Duration) {
	p.t.Helper()
	must(p.t, each(p.objects.Strays, func(at uint32, note bpf.DroverStray) error {
		if note == (bpf.DroverStray{}) {
			return nil
		}
		note.Since -= uint32(toJiffies(by, p.hz))
		return p.objects.Strays.Put(at, note)
	}))
}

// TestAStrayProvesItself follows a connection that is in no table, as after a takeover.
func TestAStrayProvesItself(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		real := p.realOf(f.ack(1))
		for range 3 {
			p.expect(f.ack(1), untracked(real))
		}
		p.ageStrays(300 * time.Millisecond) // much less than a second: the machine may stand still for a while
		p.expect(f.ack(1), untracked(real))
		if got := len(p.storedIn(p.flows(f))); got != 0 {
			p.t.Fatalf("%d flows are stored before it has gone on for a second", got)
		}
		p.ageStrays(700 * time.Millisecond)
		p.expect(f.ack(1), resumed(real))
		state := func(want FlowState) {
			p.t.Helper()
			if got := p.onlyState(f); got != want {
				p.t.Errorf("the flow is %s, want %s", got, want)
			}
			p.expectTrueLoads()
		}
		state(FlowResumed)
		p.age(300 * time.Millisecond)
		p.expect(f.ack(1), kept(real))
		state(FlowResumed)
		p.age(800 * time.Millisecond)
		p.expect(f.ack(1), kept(real))
		state(FlowEstablished)
		p.setSchedule(tcpService(f.web), 3-real) // now it stays
		p.expect(f.ack(1), kept(real))
	})
}

func TestAStrayThatPausesBeginsAnew(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		real := p.realOf(f.ack(1))
		p.ageStrays(61 * time.Second)
		p.expect(f.ack(1), untracked(real))
		p.ageStrays(59 * time.Second)
		p.expect(f.ack(1), resumed(real))
	})
}

func TestTheEndOfAStrayIsNotStored(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		for n, flags := range []byte{fin | ack, rst, rst | ack} {
			real := p.realOf(f.segment(n, flags))
			p.ageStrays(2 * time.Second)
			p.expect(f.segment(n, flags), untracked(real))
			p.expect(f.ack(n), untracked(real)) // nor did it count as the first segment
		}
		if n := len(p.storedIn(p.flows(f))); n != 0 {
			p.t.Errorf("%d flows are stored", n)
		}
	})
}

func TestAResumedConnectionEndsAsAnyOther(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		for flags, want := range map[byte]FlowState{fin | ack: FlowClosing, rst: FlowReset} {
			p.renew(f.tables())
			p.run(f.ack(1))
			p.ageStrays(2 * time.Second)
			p.run(f.ack(1))
			p.run(f.segment(1, flags))
			if got := p.onlyState(f); got != want {
				p.t.Errorf("the flow is %s, want %s", got, want)
			}
			p.expectTrueLoads()
		}
	})
}

// TestStraysGoByAHashThatAllNodesShare, whatever seeds they have.
func TestStraysGoByAHashThatAllNodesShare(t *testing.T) {
	const strays = 1000
	inEither(t, Sizes{}, func(one *plane, f family) {
		two := newPlane(one.t, Options{})
		two.renew(f.tables())
		two.seed(2)
		served := make(map[RealID]int)
		for n := range strays {
			real := one.realOf(f.ack(n))
			served[real]++
			two.expect(f.ack(n), untracked(real))
		}
		if served[1] < strays*2/5 || served[2] < strays*2/5 {
			one.t.Errorf("of %d clients the hash gave %d and %d, want about half each", strays, served[1], served[2])
		}
	})
}

// TestAHashedServiceNeedsNoTable: under sh and mh a segment of an unknown connection goes where its SYN went.
func TestAHashedServiceNeedsNoTable(t *testing.T) {
	inEither(t, Sizes{Flows: 4096}, func(p *plane, f family) {
		for _, withPort := range []bool{false, true} {
			p.farm(f, ByHash, hashTable, 1, 1, 1)
			p.reschedule(f, func(s *Service) { s.HashPort = withPort })
			served := make(map[int]RealID)
			for n := range 100 {
				served[n] = p.realOf(f.syn(n))
			}
			p.wipe() // a takeover
			for n, real := range served {
				if got := p.realOf(f.ack(n)); got != real {
					p.t.Fatalf("with sh-port %t client %d went to %d and now goes to %d", withPort, n, real, got)
				}
			}
		}
	})
}

// TestStraysOfAServiceThatFailsOver go to the first server: it has had all connections.
func TestStraysOfAServiceThatFailsOver(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		for _, scheduler := range []Scheduler{First, Overflow} {
			p.farm(f, scheduler, turns(1, 0, 2), 2, 3, 1)
			for n := range 20 {
				p.expect(f.ack(n), untracked(2))
			}
		}
	})
}

// TestAnACKFloodStoresNothing, though every segment comes twice.
func TestAnACKFloodStoresNothing(t *testing.T) {
	const flood = 20_000
	p := newPlane(t, Options{})
	random := rand.New(rand.NewPCG(7, 8))
	to := netip.MustParseAddrPort(web)
	for n := range flood {
		from := randomAddress(random)
		p.run(tcpFrom(from, to, ack))
		p.run(tcpFrom(from, to, psh|ack))
		if n%(flood/4) == 0 {
			p.ageStrays(300 * time.Millisecond)
		}
	}
	if n := len(p.stored()); n != 0 || len(p.counted()) != 0 {
		t.Errorf("%d flows are stored, and %v are counted", n, p.counted())
	}
	if counts, err := p.Verdicts(); err != nil || counts[ForwardUntracked] != 2*flood {
		t.Errorf("%v, %v, want %d of %s", counts, err, 2*flood, ForwardUntracked)
	}
}
