package dataplane

import (
	"net/netip"
	"slices"
	"testing"
)

// fromPort is a SYN of the nth client from another port.
func (f family) fromPort(n int, port uint16) []byte {
	return tcpFrom(netip.AddrPortFrom(f.nth(n).Addr(), port), netip.MustParseAddrPort(f.web), syn)
}

var hashTable = slices.Repeat(turns(0, 1, 2, 1, 0, 2), 64)

func TestAClientIsHashedByItsAddress(t *testing.T) {
	inEither(t, Sizes{Flows: 4096}, func(p *plane, f family) {
		p.farm(f, ByHash, hashTable, 1, 1, 1)
		served := make(map[RealID]bool)
		for n := range 20 {
			first := p.realOf(f.fromPort(n, 1))
			served[first] = true
			for port := range uint16(10) {
				if got := p.realOf(f.fromPort(n, 100+port)); got != first {
					p.t.Errorf("client %d goes to %d and from another port to %d", n, first, got)
				}
			}
		}
		if len(served) != 3 {
			p.t.Errorf("20 clients go to %v, want all three", served)
		}
	})
}

func TestAClientIsHashedByItsPortToo(t *testing.T) {
	inEither(t, Sizes{Flows: 4096}, func(p *plane, f family) {
		p.farm(f, ByHash, hashTable, 1, 1, 1)
		p.reschedule(f, func(s *Service) { s.HashPort = true })
		served := make(map[RealID]int)
		for port := range uint16(300) {
			served[p.realOf(f.fromPort(1, 1000+port))]++
		}
		for n := range 3 {
			if got := served[farmID(n)]; got < 70 || got > 130 {
				p.t.Errorf("of 300 ports of one client server %d has %d, want 100 with an error of 30", n, got)
			}
		}
	})
}

// TestHashesAreTheSameOnEveryNode has two nodes, with seeds of their own and other service ids.
func TestHashesAreTheSameOnEveryNode(t *testing.T) {
	served := make(map[string][]RealID)
	for seed := range uint64(2) {
		inEither(t, Sizes{Flows: 4096}, func(p *plane, f family) {
			p.seed(100 + seed)
			for _, withPort := range []bool{false, true} {
				p.farm(f, ByHash, hashTable, 1, 1, 1)
				p.reschedule(f, func(s *Service) { s.HashPort = withPort })
				for n := range 100 {
					served[f.name] = append(served[f.name], p.realOf(f.syn(n)))
				}
			}
		})
	}
	for name, all := range served {
		if one, other := all[:200], all[200:]; !slices.Equal(one, other) {
			t.Errorf("clients of %s go to\n%v on one node and to\n%v on the other", name, one, other)
		}
	}
}

// clientOf finds a client that hashes to a real server.
func (p *plane) clientOf(f family, real RealID) (n int) {
	p.t.Helper()
	for p.realOf(f.syn(n)) != real {
		n++
	}
	p.wipe()
	return n
}

func TestAHashedServerThatIsFull(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.farm(f, ByHash, hashTable, 1, 1, 1)
		n := p.clientOf(f, 2)
		p.change(func(want *Tables) { want.Reals[2].Upper = 1 })
		p.expect(f.fromPort(n, 1), opened(2))
		p.expect(f.fromPort(n, 2), ends(PassNoReal)) // without sh-fallback the client waits
		p.reschedule(f, func(s *Service) { s.Fallback = true })
		other := p.realOf(f.fromPort(n, 2))
		if other == 2 {
			p.t.Error("it falls back to the server that is full")
		}
		for port := range uint16(5) { // to the same one, time and again
			p.expect(f.fromPort(n, 10+port), opened(other))
		}
	})
}

// TestAHashedServerThatWentDownIsPassedOver until the control plane has made a new table, with sh-fallback or without.
func TestAHashedServerThatWentDownIsPassedOver(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		for _, fallback := range []bool{false, true} {
			p.farm(f, ByHash, hashTable, 1, 1, 1)
			p.reschedule(f, func(s *Service) { s.Fallback = fallback })
			gone, stays := p.clientOf(f, 2), p.clientOf(f, 1)
			p.setState(2, RealDown)
			if got := p.realOf(f.syn(gone)); got == 2 {
				p.t.Error("it is sent a new connection")
			}
			p.expect(f.syn(stays), opened(1))
			p.setState(1, RealDown)
			p.setState(farmID(2), RealDown)
			p.expect(f.fromPort(gone, 2), ends(PassNoReal))
		}
	})
}

// TestTheOnlyEntryIsTheServerOfAll is dh: another one only when it is down.
func TestTheOnlyEntryIsTheServerOfAll(t *testing.T) {
	p := newPlane(t, Options{})
	f := families[0]
	p.farm(f, ByHash, turns(1), 1, 1)
	for n := range 10 {
		p.expect(f.syn(n), opened(2))
	}
	p.setState(2, RealDown)
	p.expect(f.syn(20), ends(PassNoReal))
}

// TestOnePacket is ops: each datagram is scheduled, and none is remembered.
func TestOnePacket(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		key := udpService(f.dns)
		p.change(func(want *Tables) {
			want.Services[key] = Service{Gate: webGate, OnePacket: true, Schedule: []RealID{3, 4}}
		})
		for n := range 6 {
			p.expect(f.datagram(1), opened(RealID(3+n%2)))
		}
		if n := len(p.storedIn(p.flows(f))); n != 0 || len(p.counted()) != 0 {
			p.t.Errorf("%d flows are stored, and %v are counted", n, p.counted())
		}
		p.setState(3, RealDown)
		p.expect(f.datagram(1), opened(4))
		p.change(func(want *Tables) {
			want.Services[key] = Service{Gate: webGate, Schedule: []RealID{3, 4}}
		})
		p.setState(3, RealUp)
		first := p.realOf(f.datagram(1))
		p.expect(f.datagram(1), kept(first))
	})
}

// TestOnePacketIsForDatagrams: TCP connections of a service with the flag stay whole.
func TestOnePacketIsForDatagrams(t *testing.T) {
	p := newPlane(t, Options{})
	f := families[0]
	p.reschedule(f, func(s *Service) { s.OnePacket = true })
	p.expect(f.syn(1), opened(1))
	p.expect(f.ack(1), kept(1))
}
