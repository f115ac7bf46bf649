package dataplane

import (
	"testing"
	"time"

	"drover/bpf"
)

// The gate as the control plane leaves it, and as time does.
func standDown(p *plane)  { must(p.t, p.CloseGate(webGate, time.Hour)) }
func closeGate(p *plane)  { must(p.t, p.CloseGate(webGate, 0)) }
func openGate(p *plane)   { must(p.t, p.OpenGate(webGate, time.Hour, time.Hour)) }
func loseLease(p *plane)  { p.setGate(-time.Second, time.Hour) }
func loseAll(p *plane)    { p.setGate(-time.Minute, -time.Second) }
func loseGate(p *plane)   { p.hang(MaxGates) }
func neverTaken(p *plane) { must(p.t, p.putGate(webGate, bpf.DroverGate{})) }

// setGate sets how far from now the lease and the grace end.
func (p *plane) setGate(lease, grace time.Duration) {
	p.t.Helper()
	now := p.now()
	at := func(d time.Duration) uint64 { return now.now + uint64(d.Milliseconds()*int64(now.hz)/1000) }
	must(p.t, p.putGate(webGate, bpf.DroverGate{OpenUntil: at(lease), ForwardUntil: at(grace)}))
}

// hang hangs the web service and its VIP on another gate.
func (p *plane) hang(gate int) {
	p.t.Helper()
	p.change(func(want Tables) {
		key := tcpService(web)
		want.Services[key] = Service{Gate: GateID(gate), Schedule: want.Services[key].Schedule}
		want.VIPs[key.Address.Addr()] = GateID(gate)
	})
}

func (p *plane) now() clock {
	p.t.Helper()
	now, err := p.clock()
	must(p.t, err)
	return now
}

// TestGatesForPackets has who forwards.
func TestGatesForPackets(t *testing.T) {
	tell(t, []story{
		{"an open gate forwards", []step{{openGate, tcp(client, web, syn), opened(1)}}},
		{"a gate that was closed in good order forwards in its grace", []step{
			{nil, udp(client, dns), opened(3)},
			{standDown, udp(client, dns), inGrace(kept(3))},
			{nil, tcp(client, web, syn), inGrace(opened(1))},
			{nil, tcp(client, web, ack), inGrace(kept(1))},
			{func(p *plane) { p.setState(3, RealDown) }, udp(client, dns), inGrace(rescheduled(4))},
			{openGate, tcp(client, web, ack), kept(1)},
		}},
		{"an unknown segment in the grace counts as grace", []step{
			{both(standDown, func(p *plane) { p.setSchedule(tcpService(web), 2) }), tcp(client, web, ack),
				inGrace(untracked(2))},
		}},
		{"no real server in the grace is still no real server", []step{
			{both(standDown, func(p *plane) { p.setSchedule(tcpService(web)) }), tcp(client, web, syn), ends(PassNoReal)},
		}},
		{"a lease that ran out forwards in its grace", []step{{loseLease, tcp(client, web, syn), inGrace(opened(1))}}},
		{"a closed gate passes to the kernel", []step{
			{closeGate, tcp(client, web, syn), ends(PassClosed)},
			{nil, udp(client, dns), ends(PassClosed)},
		}},
		{"a closed gate passes connections too, and keeps them for later", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{closeGate, tcp(client, web, ack), ends(PassClosed)},
			{openGate, tcp(client, web, ack), kept(1)},
		}},
		{"a lease and grace that ran out pass to the kernel", []step{{loseAll, tcp(client, web, syn), ends(PassClosed)}}},
		{"a gate that was never opened passes to the kernel", []step{{neverTaken, tcp(client, web, syn), ends(PassClosed)}}},
		{"a gate that is not there passes to the kernel", []step{{loseGate, tcp(client, web, syn), ends(PassClosed)}}},
		{"a service without VRRP needs no lease", []step{{closeGate, tcp(client, free, syn), opened(5)}}},
		{"an unknown port of a closed VIP has no service", []step{{closeGate, tcp(client, vip+":81", syn), ends(PassNoService)}}},
	})
}

// TestGatesForARP has who answers.
func TestGatesForARP(t *testing.T) {
	const router = "192.168.100.1"
	asked, announced := arp(arpRequest, router, vip), arp(arpRequest, vip, vip)
	tell(t, []story{
		{"a request for the VIP is answered while the gate is open", []step{{openGate, asked, ends(PassARP)}}},
		{"the gate's grace answers nothing", []step{{standDown, asked, ends(DropARPSilent)}}},
		{"a closed gate answers nothing", []step{{closeGate, asked, ends(DropARPSilent)}}},
		{"a lease that ran out answers nothing", []step{{loseLease, asked, ends(DropARPSilent)}}},
		{"a lease and grace that ran out answer nothing", []step{{loseAll, asked, ends(DropARPSilent)}}},
		{"a gate that was never opened answers nothing", []step{{neverTaken, asked, ends(DropARPSilent)}}},
		{"a gate that is not there answers nothing", []step{{loseGate, asked, ends(DropARPSilent)}}},
		{"a padded request is read alike", []step{{closeGate, padded(asked), ends(DropARPSilent)}}},
		{"a request by unicast is read alike", []step{{closeGate, with(asked, atDestination, ownMAC...), ends(DropARPSilent)}}},
		{"a probe for the VIP is not answered", []step{{closeGate, arp(arpRequest, "0.0.0.0", vip), ends(DropARPSilent)}}},
		{"a successor's announcement reaches a node that stood down", []step{
			{standDown, announced, ends(PassARP)},
			{closeGate, announced, ends(PassARP)},
		}},
		{"a successor's announcement does not reach a node whose lease ran out", []step{
			{loseLease, announced, ends(DropARPSilent)},
			{loseAll, announced, ends(DropARPSilent)},
		}},
		{"an announcement reaches the master", []step{{openGate, announced, ends(PassARP)}}},
		{"a reply passes, whatever the gate", []step{
			{openGate, arp(arpReply, vip, router), ends(PassARP)},
			{closeGate, arp(arpReply, vip, vip), ends(PassARP)},
			{loseLease, arp(arpReply, vip, vip), ends(PassARP)},
		}},
		{"a request for another address passes", []step{{closeGate, arp(arpRequest, vip, router), ends(PassARP)}}},
		{"a VIP without VRRP is always answered", []step{{closeGate, arp(arpRequest, router, freeVIP), ends(PassARP)}}},
		{"a request of another protocol passes", []step{{closeGate, with(asked, atIP+2, 0x86, 0xdd), ends(PassARP)}}},
		{"a VIP that was taken away is the kernel's", []step{
			{both(closeGate, func(p *plane) {
				p.change(func(want Tables) { delete(want.VIPs, tcpService(web).Address.Addr()) })
			}), asked, ends(PassARP)},
		}},
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
	p.expect(arp(arpRequest, "192.168.100.1", vip), ends(DropARPSilent))
	p.expect(tcp(client, web, syn), inGrace(opened(1)))

	openGate(p)
	p.expect(arp(arpRequest, "192.168.100.1", vip), ends(PassARP))
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
	requireRoot(t)
	for _, over := range []time.Duration{0, -time.Millisecond, -time.Hour} {
		t.Run(over.String(), func(t *testing.T) {
			p := newPlane(t, Options{})
			must(t, p.OpenGate(webGate, over, 0))
			p.expect(arp(arpRequest, "192.168.100.1", vip), ends(DropARPSilent))
			must(t, p.CloseGate(webGate, over))
			p.expect(tcp(client, web, syn), ends(PassClosed))
		})
	}
}

func TestAGateOfAnotherInstanceStartsClosed(t *testing.T) {
	p := newPlane(t, Options{})
	p.change(func(want Tables) { want.Gates[webGate] = GateName{Interface: 2, VirtualRouterID: 111} })
	p.expect(tcp(client, web, syn), ends(PassClosed))
	p.expect(arp(arpRequest, "192.168.100.1", vip), ends(DropARPSilent))
}
