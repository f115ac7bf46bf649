package dataplane

import (
	"fmt"
	"net"
	"testing"
)

// Interfaces that real servers are behind, by the ids that the tables have for them. The kernel sends nothing in these
// tests, so the loopback stands for all of them.
const (
	nearPort PortID = 1
	farPort  PortID = 2
	farMTU          = 1400
)

var farMAC = MAC{0x00, 0x0d, 0xb9, 0x41, 0xe5, 0x99}

// portTables have the first real server of every service behind the far port, and the others behind the near one.
func (f family) portTables(t *testing.T) func() Tables {
	loopback, err := net.InterfaceByName("lo")
	must(t, err)
	return func() Tables {
		want := f.tables()
		want.Ports[nearPort] = Port{Interface: loopback.Index, MAC: ownMAC, MTU: ownMTU}
		want.Ports[farPort] = Port{Interface: loopback.Index, MAC: farMAC, MTU: farMTU}
		for id := range want.Reals[1:] {
			want.Reals[1+id].Port = []PortID{farPort, nearPort}[id%2]
		}
		return want
	}
}

// TestPorts has real servers behind other interfaces than the one that the packet came by.
func TestPorts(t *testing.T) {
	p := newPlane(t, Options{})
	p.attachedTo(Interface{MAC: ownMAC, MTU: ownMTU, Port: nearPort})
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) { p.in(t).tell(f.portTables(t), portStories(f)) })
	}
}

func portStories(f family) (stories []story) {
	for _, in := range tags {
		stories = append(stories, story{"connections live here and there, " + in.name, []step{
			{nil, in.wrap(tcp(f.client, f.web, syn)), opened(1)},
			{nil, in.wrap(tcp(f.other, f.web, syn)), opened(2)},
			{nil, in.wrap(tcp(f.client, f.web, ack)), kept(1)},
			{nil, in.wrap(tcp(f.other, f.web, ack)), kept(2)},
			{nil, in.wrap(tcp(f.client, f.web, psh|ack)), kept(1)},
			{nil, in.wrap(tcp(f.other, f.web, psh|ack)), kept(2)},
			{nil, in.wrap(udp(f.client, f.dns)), opened(3)},
			{nil, in.wrap(udp(f.client, f.dns)), kept(3)},
			{nil, in.wrap(tcp(f.client, f.web, fin|ack)), kept(1)},
		}})
	}
	ours, segment := f.pieces(f.client, 7), answer(f.web, f.client, ack)
	move := func(id RealID, port PortID) func(*plane) {
		return func(p *plane) { p.change(func(want *Tables) { want.Reals[id].Port = port }) }
	}
	return append(stories, []story{
		{"fragments follow to another port", []step{{nil, ours[0], opened(3)}, {nil, ours[1], follows(3)}}},
		{"errors go to another port", then(f.established(), step{nil, f.errors[0].about(f, segment), toldOf(1)})},
		{"an unknown segment goes to another port", []step{
			{func(p *plane) { p.setSchedule(tcpService(f.web), 1) }, tcp(f.client, f.web, ack), untracked(1)},
		}},
		{"the grace holds on another port", then(f.established(),
			step{standDown, tcp(f.client, f.web, ack), inGrace(kept(1))})},
		{"a real server that moves is followed", then(f.established(),
			step{move(1, nearPort), tcp(f.client, f.web, ack), kept(1)},
			step{move(1, farPort), tcp(f.client, f.web, ack), kept(1)})},
		{"each port has its own MTU", then(f.established(),
			step{nil, f.ofLength(ack, farMTU), kept(1)},
			step{nil, f.ofLength(ack, farMTU+1), ends(DropTooBig)},
			step{nil, tagged(f.ofLength(ack, farMTU), customerTag), kept(1)},
			step{move(1, nearPort), f.ofLength(ack, ownMTU), kept(1)},
			step{nil, f.ofLength(ack, ownMTU+1), ends(DropTooBig)})},
		{"a real server behind a port that is not there is none", then(f.established(),
			step{move(1, 9), tcp(f.client, f.web, ack), ends(PassNoReal)},
			step{move(1, farPort), tcp(f.client, f.web, ack), kept(1)})},
		{"a port that was taken away takes nothing", then(f.established(),
			step{func(p *plane) { p.change(func(want *Tables) { delete(want.Ports, farPort) }) },
				tcp(f.client, f.web, ack), ends(PassNoReal)})},
	}...)
}

func TestAPortThatThereIsNoRoomForIsRefused(t *testing.T) {
	d := openPlane(t, Options{})
	for _, id := range []PortID{PortID(MaxPorts), PortLocal} {
		t.Run(fmt.Sprint(id), func(t *testing.T) {
			want := testTables()
			want.Ports[id] = Port{Interface: 1, MAC: ownMAC, MTU: ownMTU}
			if err := d.Apply(want); err == nil {
				t.Error("it is taken")
			}
		})
	}
}
