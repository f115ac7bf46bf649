package dataplane

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"drover/bpf"
)

const remembered = 300 * time.Second

// persist makes the web service remember its clients, a network of so many bits as one.
func (p *plane) persist(f family, prefix int) {
	p.t.Helper()
	p.reschedule(f, func(s *Service) { s.Persistence, s.PersistencePrefix = remembered, prefix })
}

// bits is the length of the family's addresses.
func (f family) bits() int { return f.nth(0).Addr().BitLen() }

// inNet is a SYN of the nth client of a network, from a port: of a /24, or of a /64.
func (f family) inNet(net byte, n byte, port uint16, flags byte) []byte {
	from := netip.AddrFrom4([4]byte{198, 51, net, n})
	if f.name == "IPv6" {
		from = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 6: 7, 7: net, 15: n})
	}
	return tcpFrom(netip.AddrPortFrom(from, port), netip.MustParseAddrPort(f.web), flags)
}

// netBits are those of the networks of inNet.
func (f family) netBits() int {
	if f.name == "IPv4" {
		return 24
	}
	return 64
}

func TestAPersistentClientStaysWithItsServer(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.persist(f, f.bits())
		for port := range uint16(5) {
			p.expect(f.inNet(1, 1, 1000+port, syn), opened(1))
		}
		p.expect(f.inNet(1, 2, 1000, syn), opened(2)) // another client
		p.expect(f.inNet(1, 2, 1001, syn), opened(2))
		p.expect(f.inNet(1, 1, 1000, ack), kept(1))
		p.expectTrueLoads()
	})
}

// TestTheClientsOfANetworkCountAsOne is persistence_granularity, at its edge.
func TestTheClientsOfANetworkCountAsOne(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.persist(f, f.netBits())
		p.expect(f.inNet(2, 1, 1, syn), opened(1))
		p.expect(f.inNet(2, 255, 1, syn), opened(1))
		p.expect(f.inNet(3, 1, 1, syn), opened(2)) // one bit further
		p.expect(f.inNet(3, 2, 1, syn), opened(2))
		p.persist(f, f.netBits()-1)
		p.expect(f.inNet(2, 1, 2, syn), opened(1))
		p.expect(f.inNet(3, 1, 2, syn), opened(1))
	})
}

func TestAPersistentClientIsForgotten(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		for _, sweeps := range []bool{false, true} {
			p.renew(f.tables())
			p.persist(f, f.bits())
			port := uint16(1)
			opens := func(want RealID) {
				p.t.Helper()
				port++
				p.expect(f.inNet(1, 1, port, syn), opened(want))
			}
			opens(1)
			p.expect(f.inNet(1, 9, 1, syn), opened(2))
			p.age(remembered - time.Second)
			opens(1) // and the time begins anew
			p.age(remembered - time.Second)
			opens(1)
			p.age(remembered + time.Second)
			if sweeps {
				p.sweep()
				if got := p.loads(); len(got) != 0 {
					p.t.Errorf("after the sweep %v are left", got)
				}
			}
			p.expect(f.inNet(1, 8, 1, syn), opened(1)) // takes the turn
			opens(2)
			p.expectTrueLoads()
		}
	})
}

// TestTrafficKeepsAPersistentClient: a connection that goes on has its client remembered.
func TestTrafficKeepsAPersistentClient(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.persist(f, f.bits())
		p.expect(f.inNet(1, 1, 1, syn), opened(1))
		p.expect(f.inNet(1, 2, 1, syn), opened(2))
		for range 3 {
			p.age(200 * time.Second)
			p.expect(f.inNet(1, 1, 1, ack), kept(1))
			p.sweep()
		}
		p.expect(f.inNet(1, 3, 1, syn), opened(1)) // takes the turn
		p.expect(f.inNet(1, 1, 2, syn), opened(1))
		p.expect(f.inNet(1, 2, 2, syn), opened(2)) // forgotten meanwhile, and scheduled
	})
}

func TestAPersistentClientOfAServerThatWentDownMoves(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.persist(f, f.bits())
		p.expect(f.inNet(1, 1, 1, syn), opened(1))
		p.expect(f.inNet(1, 1, 1, ack), kept(1))
		p.setState(1, RealDown)
		p.expect(f.inNet(1, 1, 2, syn), opened(2))
		p.expect(f.inNet(1, 1, 1, ack), kept(1)) // the connection that it had stays
		p.setState(1, RealUp)
		p.expect(f.inNet(1, 1, 3, syn), opened(2)) // it does not go back
	})
}

// TestADrainedServerKeepsItsPersistentClients as in IPVS without expire_quiescent_template.
func TestADrainedServerKeepsItsPersistentClients(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.persist(f, f.bits())
		p.expect(f.inNet(1, 1, 1, syn), opened(1))
		p.setSchedule(tcpService(f.web), 2)
		p.expect(f.inNet(1, 1, 2, syn), opened(1))
		p.expect(f.inNet(1, 2, 1, syn), opened(2))
	})
}

func TestPersistenceMayEndAtRunTime(t *testing.T) {
	p := newPlane(t, Options{})
	f := families[0]
	p.persist(f, 32)
	p.expect(f.inNet(1, 1, 1, syn), opened(1))
	p.expect(f.inNet(1, 1, 1, ack), kept(1))
	p.reschedule(f, func(s *Service) { s.Persistence, s.PersistencePrefix = 0, 0 })
	p.expect(f.inNet(1, 1, 2, syn), opened(2))
	p.expect(f.inNet(1, 1, 1, ack), kept(1))
	p.age(time.Second)
	if table := p.sweep().IPv4; table.Flows[FlowClient] != 0 || table.Live() != 2 {
		t.Errorf("it still remembers clients: %v", table.Flows)
	}
}

// TestASYNFloodDoesNotMakeAPersistentClientForgotten, once it has had an established connection.
func TestASYNFloodDoesNotMakeAPersistentClientForgotten(t *testing.T) {
	const clients = 200
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.persist(f, f.bits())
		served := make(map[byte]RealID)
		for n := range byte(clients) {
			served[n] = p.realOf(f.inNet(1, n, 1, syn))
			p.run(f.inNet(1, n, 1, ack))
		}
		for n := range 5 * int(p.flows(f).MaxEntries()) * slotsPerSet {
			p.run(f.syn(n))
		}
		for n, real := range served {
			if got := p.realOf(f.inNet(1, n, 2, syn)); got != real {
				p.t.Errorf("client %d went from %d to %d", n, real, got)
			}
			p.expect(f.inNet(1, n, 1, ack), kept(real))
		}
		p.expectTrueLoads()
		if gone := p.displaced(); gone[FlowClient] != 0 || gone[FlowEmbryonic] == 0 {
			p.t.Errorf("the flood displaced %v", gone)
		}
	})
}

// TestDatagramsOfAPersistentClientStayTogether, whatever their port.
func TestDatagramsOfAPersistentClientStayTogether(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.change(func(want *Tables) {
			want.Services[udpService(f.dns)] = Service{
				Gate: webGate, Persistence: remembered, PersistencePrefix: f.bits(), Schedule: []RealID{3, 4},
			}
		})
		for port := range uint16(5) {
			from := netip.AddrPortFrom(f.nth(1).Addr(), 1000+port)
			p.expect(udpFrom(from, netip.MustParseAddrPort(f.dns)), opened(3))
			p.expect(udpFrom(from, netip.MustParseAddrPort(f.dns)), kept(3))
		}
		p.expect(f.datagram(2), opened(4))
	})
}

// TestAPacketFromPortZeroIsNoPersistentClient: what is remembered of a client has that port in the table.
func TestAPacketFromPortZeroIsNoPersistentClient(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.persist(f, f.bits())
		p.expect(f.inNet(1, 1, 1, syn), opened(1))
		p.expect(f.inNet(1, 1, 1, ack), kept(1))
		clients := func() (n int) {
			for _, flow := range p.storedIn(p.flows(f)) {
				if flow.state == FlowClient {
					n++
				}
			}
			return n
		}
		for _, flags := range []byte{syn, ack, fin | ack, rst} {
			p.run(f.inNet(1, 1, 0, flags))
			if got := clients(); got != 1 {
				p.t.Errorf("after a segment from port 0 with flags %#x %d clients are remembered", flags, got)
			}
			p.expectTrueLoads()
		}
		p.expect(f.inNet(1, 1, 2, syn), opened(1))
	})
}

// TestPortsOfAServiceOfAllPorts has one client at two ports of a VIP whose every port is the service's.
func TestPortsOfAServiceOfAllPorts(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		all := ServiceKey{f.atPort(0), ProtocolTCP}
		p.change(func(want *Tables) {
			want.Services[all] = Service{
				Gate: webGate, Persistence: remembered, PersistencePrefix: f.bits(), Schedule: []RealID{6, 7},
			}
			want.Reals.Set(6, newReal(6, all))
			want.Reals.Set(7, newReal(7, all))
		})
		at := func(n int, port uint16, flags byte) []byte {
			return tcpFrom(f.nth(n), f.atPort(port), flags)
		}
		p.expect(at(1, 21, syn), opened(6))
		p.expect(at(2, 21, syn), opened(7))
		p.expect(tcpFrom(netip.AddrPortFrom(f.nth(1).Addr(), 5), f.atPort(50000), syn), opened(6))
		p.expect(at(1, 21, ack), kept(6))
		p.expect(at(1, 80, syn), opened(1)) // the web service is the more exact
		p.expect(at(2, 443, syn), kept(7))  // from the same port as before: one flow
	})
}

func TestAMaskHasItsFirstBitsSet(t *testing.T) {
	ones := netip.AddrFrom16([16]byte(bytes.Repeat([]byte{0xff}, 16)))
	for bits := range 129 {
		want, err := ones.Prefix(bits)
		must(t, err)
		raw := encodeMask(bits)
		if got := netip.AddrFrom16(raw.In6U.U6Addr8); got != want.Addr() || decodeMask(raw) != bits {
			t.Errorf("%d bits are %s, read back as %d", bits, got, decodeMask(raw))
		}
	}
}

// TestStraysOfAPersistentClientGoToItsServer, as after a flow table that was too full for the connection; to another one
// only when the client is forgotten, or its server down.
func TestStraysOfAPersistentClientGoToItsServer(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		const clients = 30
		p.persist(f, f.bits())
		homes := make(map[byte]RealID)
		for n := range byte(clients) {
			homes[n] = p.realOf(f.inNet(1, n, 1, syn))
			p.run(f.inNet(1, n, 1, ack))
		}
		strays := func(port uint16) (elsewhere int) {
			for n, home := range homes {
				if p.realOf(f.inNet(1, n, port, ack)) != home {
					elsewhere++
				}
			}
			return elsewhere
		}
		if n := strays(2); n != 0 {
			p.t.Errorf("of %d strays of remembered clients %d go to another server", clients, n)
		}
		p.expect(f.inNet(1, 0, 2, ack), untracked(homes[0]))
		p.ageStrays(time.Second)
		p.expect(f.inNet(1, 0, 2, ack), resumed(homes[0]))
		p.expect(f.inNet(1, 0, 2, ack), kept(homes[0]))
		p.age(remembered - time.Second)
		strays(3) // the time begins anew with a stray, too
		p.age(remembered - time.Second)
		if n := strays(4); n != 0 {
			p.t.Errorf("of %d strays %d go to another server than the one before", clients, n)
		}
		p.age(remembered + time.Second)
		if n := strays(5); n < clients/5 || n > clients*4/5 {
			p.t.Errorf("of %d strays of forgotten clients %d go to another server, want about half", clients, n)
		}
		p.setState(1, RealDown)
		p.expect(f.inNet(1, 1, 6, ack), untracked(2))
		p.expect(f.inNet(1, 2, 6, ack), untracked(2))
	})
}

// TestAConnectionWithoutAPlaceGoesToThePersistentClientsServer: all other slots have connections that are never given up.
func TestAConnectionWithoutAPlaceGoesToThePersistentClientsServer(t *testing.T) {
	p, f := newPlane(t, Options{}), families[0]
	p.persist(f, f.bits())
	var homes []RealID
	for n := range byte(10) {
		homes = append(homes, p.realOf(f.inNet(1, n, 1, syn)))
		p.run(f.inNet(1, n, 1, ack))
	}
	taken := make(map[[2]int]bool)
	for _, flow := range p.stored() {
		taken[[2]int{int(flow.set), flow.slot}] = true
	}
	for set := range p.objects.Flows.MaxEntries() {
		for slot := range slotsPerSet {
			if !taken[[2]int{int(set), slot}] {
				p.putFlow(set, slot, bpf.DroverFlowKey{Client: set*uint32(slotsPerSet) + uint32(slot), Port: 1}, FlowEstablished, 0)
			}
		}
	}
	for n, home := range homes {
		p.expect(f.inNet(1, byte(n), 2, syn), untracked(home))
		p.expect(f.inNet(1, byte(n), 2, ack), untracked(home))
	}
}
