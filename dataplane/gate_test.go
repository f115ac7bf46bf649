package dataplane

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"drover/bpf"
)

// The gate as the control plane leaves it, and as time does.
func standDown(p *plane)  { must(p.t, p.CloseGate(webGate, time.Hour)) }
func closeGate(p *plane)  { must(p.t, p.CloseGate(webGate, 0)) }
func openGate(p *plane)   { must(p.t, p.OpenGate(webGate, time.Hour, time.Hour)) }
func loseLease(p *plane)  { p.setGate(-time.Second, time.Hour) }
func loseAll(p *plane)    { p.setGate(-time.Minute, -time.Second) }
func neverTaken(p *plane) { must(p.t, p.gates().put(webGate, bpf.DroverGate{})) }

// setGate sets how far from now the lease and the grace end.
func (p *plane) setGate(lease, grace time.Duration) {
	p.t.Helper()
	now := p.now()
	at := func(d time.Duration) uint64 { return now.now + uint64(d.Milliseconds()*int64(now.hz)/1000) }
	must(p.t, p.gates().put(webGate, bpf.DroverGate{OpenUntil: at(lease), ForwardUntil: at(grace)}))
}

// TestGatesForPackets has who forwards.
func TestGatesForPackets(t *testing.T) { inBoth(t, gatesForPackets) }

func gatesForPackets(f family) []story {
	opening, segment, datagram := tcp(f.client, f.web, syn), tcp(f.client, f.web, ack), udp(f.client, f.dns)
	schedule := func(ids ...RealID) func(*plane) {
		return func(p *plane) { p.setSchedule(tcpService(f.web), ids...) }
	}
	return []story{
		{"an open gate forwards", []step{{openGate, opening, opened(1)}}},
		{"a gate that was closed in good order forwards in its grace", []step{
			{nil, datagram, opened(3)},
			{standDown, datagram, inGrace(kept(3))},
			{nil, opening, inGrace(opened(1))},
			{nil, segment, inGrace(kept(1))},
			{nil, segment, inGrace(kept(1))},
			{func(p *plane) { p.setState(3, RealDown) }, datagram, inGrace(rescheduled(4))},
			{openGate, segment, kept(1)},
		}},
		{"an unknown segment in the grace counts as grace", []step{
			{both(standDown, schedule(2)), segment, inGrace(untracked(2))},
		}},
		{"no real server in the grace is still no real server", []step{
			{both(standDown, schedule()), opening, ends(PassNoReal)},
		}},
		{"a lease that ran out forwards in its grace", []step{{loseLease, opening, inGrace(opened(1))}}},
		{"a closed gate passes to the kernel", []step{
			{closeGate, opening, ends(PassClosed)},
			{nil, datagram, ends(PassClosed)},
		}},
		{"a closed gate passes connections too, and keeps them for later", []step{
			{nil, opening, opened(1)},
			{nil, segment, kept(1)},
			{closeGate, segment, ends(PassClosed)},
			{openGate, segment, kept(1)},
		}},
		{"a lease and grace that ran out pass to the kernel", []step{{loseAll, opening, ends(PassClosed)}}},
		{"a gate that was never opened passes to the kernel", []step{{neverTaken, opening, ends(PassClosed)}}},
		{"a service without VRRP needs no lease", []step{{closeGate, tcp(f.client, f.tls, syn), opened(5)}}},
		{"an unknown port of a closed VIP has no service", []step{
			{closeGate, tcp(f.client, portOf(f.vip, 81), syn), ends(PassNoService)},
		}},
	}
}

// TestGatesForNeighbors has who answers ARP requests and neighbor solicitations.
func TestGatesForNeighbors(t *testing.T) { inBoth(t, gatesForNeighbors) }

func gatesForNeighbors(f family) (stories []story) {
	asked, probe := f.asks(f.router, f.vip), f.asks(f.nobody(), f.vip)
	for _, in := range tags {
		asked := in.wrap(asked)
		stories = append(stories, []story{
			{"the VIP is answered for while the gate is open, " + in.name, []step{{openGate, asked, ends(PassNeighbor)}}},
			{"the gate's grace answers nothing, " + in.name, []step{{standDown, asked, ends(DropSilent)}}},
			{"a closed gate answers nothing, " + in.name, []step{{closeGate, asked, ends(DropSilent)}}},
			{"a lease that ran out answers nothing, " + in.name, []step{{loseLease, asked, ends(DropSilent)}}},
		}...)
	}
	return append(stories, []story{
		{"a lease and grace that ran out answer nothing", []step{{loseAll, asked, ends(DropSilent)}}},
		{"a gate that was never opened answers nothing", []step{{neverTaken, asked, ends(DropSilent)}}},
		{"a padded request is read alike", []step{{closeGate, padded(asked), ends(DropSilent)}}},
		{"a request by unicast is read alike", []step{
			{closeGate, with(asked, atDestination, ownMAC[:]...), ends(DropSilent)},
		}},
		{"a probe whether the VIP is taken is not answered", []step{{closeGate, probe, ends(DropSilent)}}},
		{"a probe is answered while the gate is open", []step{{openGate, probe, ends(PassNeighbor)}}},
		{"an answer passes, whatever the gate", []step{
			{openGate, f.tells(f.vip), ends(PassNeighbor)},
			{closeGate, f.tells(f.vip), ends(PassNeighbor)},
			{loseLease, f.tells(f.vip), ends(PassNeighbor)},
		}},
		{"a request for another address passes", []step{{closeGate, f.asks(f.vip, f.host), ends(PassNeighbor)}}},
		{"a VIP without VRRP is always answered for", []step{{closeGate, f.asks(f.router, f.freeVIP), ends(PassNeighbor)}}},
		{"a VIP that was taken away is the kernel's", []step{
			{both(closeGate, func(p *plane) {
				p.change(func(want *Tables) { delete(want.VIPs, netip.MustParseAddr(f.vip)) })
			}), asked, ends(PassNeighbor)},
		}},
	}...)
}

// TestGatesForARP has what is ARP's alone: requests that announce (RFC 5227, section 1.2).
func TestGatesForARP(t *testing.T) {
	const router = "192.168.100.1"
	announced, reverse := arp(arpRequest, vip, vip), with(arp(arpRequest, router, vip), atIP+7, 3)
	tell(t, []story{
		{"a successor's announcement reaches a node that stood down", []step{
			{standDown, announced, ends(PassNeighbor)},
			{closeGate, announced, ends(PassNeighbor)},
		}},
		{"a successor's announcement does not reach a node whose lease ran out", []step{
			{loseLease, announced, ends(DropSilent)},
			{loseAll, announced, ends(DropSilent)},
		}},
		{"an announcement reaches the master", []step{{openGate, announced, ends(PassNeighbor)}}},
		{"an announcement by an answer reaches everybody", []step{
			{loseLease, arp(arpReply, vip, vip), ends(PassNeighbor)},
			{closeGate, arp(arpReply, vip, router), ends(PassNeighbor)},
		}},
		{"a request of another protocol passes", []step{
			{closeGate, with(arp(arpRequest, router, vip), atIP+2, 0x86, 0xdd), ends(PassNeighbor)},
		}},
		{"reverse ARP passes", []step{{closeGate, reverse, ends(PassNeighbor)}}},
	})
}

// TestGatesForSolicitations has what is neighbor discovery's alone.
func TestGatesForSolicitations(t *testing.T) {
	f := families[1]
	asked := f.asks(f.router, f.vip)
	inOwn := with(asked, atDestination, ownMAC[:]...)
	tellOf(t, f.tables, []story{
		{"one without its options is whole", []step{{closeGate, sized(asked[:atTransport6+24]), ends(DropSilent)}}},
		{"one that is cut short is none", []step{
			{closeGate, sized(asked[:atTransport6+23]), ends(PassOtherHost)},
			{nil, sized(inOwn[:atTransport6+23]), ends(PassProtocol)},
			{nil, inOwn[:atTransport6+23], ends(PassMalformed)},
		}},
		{"a router solicitation is none", []step{{closeGate, with(inOwn, atTransport6, 133), ends(PassProtocol)}}},
	})
}

func TestALeaseRunsOutByItself(t *testing.T) {
	p := newPlane(t, Options{})
	must(t, p.OpenGate(webGate, 40*time.Millisecond, time.Hour))
	eventually(t, "the lease runs out", func() bool {
		state, err := p.Gate(webGate)
		must(t, err)
		return state.Lease < 0
	})
	p.expect(arp(arpRequest, "192.168.100.1", vip), ends(DropSilent))
	p.expect(tcp(client, web, syn), inGrace(opened(1)))

	openGate(p)
	p.expect(arp(arpRequest, "192.168.100.1", vip), ends(PassNeighbor))
	p.expect(tcp(client, web, ack), kept(1))
}

func TestAGraceRunsOutByItself(t *testing.T) {
	p := newPlane(t, Options{})
	must(t, p.CloseGate(webGate, 40*time.Millisecond))
	eventually(t, "the grace runs out", func() bool {
		state, err := p.Gate(webGate)
		must(t, err)
		return state.Grace <= 0
	})
	p.expect(tcp(client, web, syn), ends(PassClosed))
}

func TestGateTellsWhereItStands(t *testing.T) {
	p := newPlane(t, Options{})
	for _, c := range []struct {
		name         string
		move         func(*plane)
		lease, grace func(time.Duration) bool
	}{
		{"open", openGate, nearly(time.Hour), nearly(2 * time.Hour)},
		{"stood down", standDown, nearly(0), nearly(time.Hour)},
		{"lease run out", loseLease, nearly(-time.Second), nearly(time.Hour)},
		{"all run out", loseAll, nearly(-time.Minute), nearly(-time.Second)},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.move(p)
			state, err := p.Gate(webGate)
			must(t, err)
			if !c.lease(state.Lease) || !c.grace(state.Grace) {
				t.Errorf("it says %+v", state)
			}
		})
	}
}

// nearly accepts what is left of a time some instants later.
func nearly(want time.Duration) func(time.Duration) bool {
	return func(got time.Duration) bool { return got <= want && want-got < deadline }
}

func TestALeaseThatIsOverBeforeItBeginsDoesNotOpenTheGate(t *testing.T) {
	p := newPlane(t, Options{})
	for _, over := range []time.Duration{0, -time.Millisecond, -time.Hour} {
		t.Run(over.String(), func(t *testing.T) {
			p := p.in(t)
			p.renew(testTables())
			must(t, p.OpenGate(webGate, over, 0))
			p.expect(arp(arpRequest, "192.168.100.1", vip), ends(DropSilent))
			must(t, p.CloseGate(webGate, over))
			p.expect(tcp(client, web, syn), ends(PassClosed))
		})
	}
}

func TestAGateOfAnotherInstanceStartsClosed(t *testing.T) {
	p := newPlane(t, Options{})
	p.change(func(want *Tables) { want.Gates[webGate] = GateName{Interface: 2, VirtualRouterID: 111} })
	p.expect(tcp(client, web, syn), ends(PassClosed))
	p.expect(arp(arpRequest, "192.168.100.1", vip), ends(DropSilent))
}

func TestAGateThatThereIsNoRoomForIsRefused(t *testing.T) {
	d := openPlane(t, Options{})
	for name, edit := range map[string]func(*Tables){
		"of a VIP": func(want *Tables) { want.VIPs[netip.MustParseAddr(vip)] = VIP{Gate: GateID(MaxGates)} },
		"of a service": func(want *Tables) {
			want.Services[tcpService(web)] = Service{Gate: GateID(MaxGates), Schedule: []RealID{1, 2}}
		},
		"of an instance": func(want *Tables) { want.Gates[GateID(MaxGates)] = GateName{Interface: 2, VirtualRouterID: 111} },
	} {
		t.Run(name, func(t *testing.T) {
			want := testTables()
			edit(&want)
			if err := d.Apply(want); !errors.Is(err, ErrTablesFull) {
				t.Errorf("it says %v, want %v", err, ErrTablesFull)
			}
		})
	}
}

// The process of VRRP has only the files.
func TestAnotherProcessMovesTheGatesWhateverBecomesOfTheTables(t *testing.T) {
	p := newPlane(t, Options{Sizes: small})
	files, err := p.GateFiles()
	must(t, err)
	var descriptors []int
	for _, file := range files {
		fd, err := unix.Dup(int(file.Fd()))
		must(t, err)
		descriptors = append(descriptors, fd)
		must(t, file.Close())
	}
	gates, err := OpenGates(descriptors[0], descriptors[1])
	must(t, err)
	defer func() { must(t, gates.Close()) }()
	for _, sizes := range []Sizes{small, larger} {
		must(t, p.Grow(sizes))
		must(t, gates.OpenGate(webGate, time.Hour, time.Hour))
		state, err := p.Gate(webGate)
		must(t, err)
		if !nearly(time.Hour)(state.Lease) {
			t.Errorf("with %d flows an open gate says %+v", sizes.Flows, state)
		}
		must(t, p.CloseGate(webGate, time.Hour))
		if state, err = gates.Gate(webGate); err != nil || state.Lease != 0 || !nearly(time.Hour)(state.Grace) {
			t.Errorf("with %d flows a gate that was closed says %+v, %v", sizes.Flows, state, err)
		}
	}
}
