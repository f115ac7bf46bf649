package dataplane

import "testing"

// peerMAC is that of the other balancer of a pair, which has its share of the packets brought here.
var peerMAC = MAC{0x00, 0x0d, 0xb9, 0x41, 0xe5, 0x41}

// localTables have this host as the first real server of the web service and of the name service, and a peer that knows
// of it in the web service.
func (f family) localTables() Tables {
	want := f.tables()
	for id, key := range map[RealID]ServiceKey{1: tcpService(f.web), 3: udpService(f.dns)} {
		want.Reals[id].Port, want.Reals[id].MAC = PortLocal, MAC{}
		service := want.Services[key]
		service.HasLocal = true
		want.Services[key] = service
	}
	want.Peers[Peer{Service: tcpService(f.web), MAC: peerMAC}] = true
	return want
}

// fromPeer is a frame that the peer has sent on.
func fromPeer(frame []byte) []byte { return with(frame, atSource, peerMAC[:]...) }

// TestThisHostAsRealServer has IPVS's local node: what is for this host passes to the kernel as it came.
func TestThisHostAsRealServer(t *testing.T) {
	inBothOf(t, family.localTables, localStories, peerStories, loopStories)
}

func localStories(f family) (stories []story) {
	for _, in := range tags {
		stories = append(stories, story{"it has its turn, " + in.name, []step{
			{nil, in.wrap(tcp(f.client, f.web, syn)), locally(opened(1))},
			{nil, in.wrap(tcp(f.other, f.web, syn)), opened(2)},
			{nil, in.wrap(tcp(f.client, f.web, ack)), locally(kept(1))},
			{nil, in.wrap(tcp(f.other, f.web, ack)), kept(2)},
			{nil, in.wrap(tcp(f.client, f.web, psh|ack)), locally(kept(1))},
			{nil, in.wrap(tcp(f.other, f.web, psh|ack)), kept(2)},
			{nil, in.wrap(udp(f.client, f.dns)), locally(opened(3))},
			{nil, in.wrap(udp(f.client, f.dns)), locally(kept(3))},
			{nil, in.wrap(udp(f.other, f.dns)), opened(4)},
		}})
	}
	ours := f.pieces(f.client, 7)
	open := step{nil, tcp(f.client, f.web, syn), locally(opened(1))}
	return append(stories, []story{
		{"it gets its fragments", []step{{nil, ours[0], locally(opened(3))}, {nil, ours[1], locally(follows(3))}}},
		{"it is told of errors",
			[]step{open, {nil, f.errors[0].about(f, answer(f.web, f.client, ack)), locally(toldOf(1))}}},
		{"no MTU matters to it", []step{open, {nil, f.ofLength(ack, ownMTU+1), locally(kept(1))}}},
		{"it serves in its grace", []step{{standDown, open.frame, open.want}}},
		{"it is not chosen while it is down", []step{
			{func(p *plane) { p.setLocal(1, RealDown) }, tcp(f.client, f.web, syn), opened(2)},
		}},
		{"an opening connection leaves it when it goes down", []step{
			open, {func(p *plane) { p.setLocal(1, RealDown) }, open.frame, rescheduled(2)},
		}},
	}...)
}

// setLocal changes the state of this host as a real server.
func (p *plane) setLocal(id RealID, state RealState) {
	p.t.Helper()
	p.change(func(want *Tables) { want.Reals[id].State = state })
}

// peerStories have frames that a balancer has sent on already: they are never sent on again.
func peerStories(f family) []story {
	ours := f.pieces(f.client, 7)
	return []story{
		{"what a peer brings is for this host, whoever has its turn", []step{
			{nil, fromPeer(tcp(f.client, f.web, syn)), ends(PassPeer)},
			{nil, fromPeer(tcp(f.other, f.web, syn)), ends(PassPeer)},
			{nil, fromPeer(tcp(f.client, f.web, ack)), ends(PassPeer)},
			{nil, tagged(fromPeer(tcp(f.client, f.web, ack)), customerTag), ends(PassPeer)},
			{nil, tcp(f.third, f.web, syn), locally(opened(1))},
		}},
		{"what a peer brings is for this host, also of a connection that is elsewhere", []step{
			{nil, tcp(f.client, f.web, syn), locally(opened(1))},
			{nil, tcp(f.other, f.web, syn), opened(2)},
			{nil, tcp(f.other, f.web, ack), kept(2)},
			{nil, fromPeer(tcp(f.other, f.web, ack)), ends(PassPeer)},
			{nil, tcp(f.other, f.web, ack), kept(2)},
		}},
		{"an error that a peer brings is for this host", []step{
			{nil, fromPeer(f.errors[0].about(f, answer(f.web, f.client, ack))), ends(PassPeer)},
		}},
		{"what a peer of another service brings is balanced", []step{
			{nil, fromPeer(udp(f.client, f.dns)), locally(opened(3))},
			{nil, fromPeer(udp(f.other, f.dns)), opened(4)},
			{nil, fromPeer(tcp(f.client, f.tls, syn)), opened(5)},
		}},
		{"fragments that a peer brings pass, all of them", []step{
			{peerOfNames(f), fromPeer(ours[0]), ends(PassPeer)},
			{nil, fromPeer(ours[1]), ends(PassFragment)},
			{nil, fromPeer(ours[2]), ends(PassFragment)},
		}},
		{"a peer that is none any more is a client like others", []step{
			{func(p *plane) { p.change(func(want *Tables) { clear(want.Peers) }) },
				fromPeer(tcp(f.client, f.web, syn)), locally(opened(1))},
			{nil, fromPeer(tcp(f.other, f.web, syn)), opened(2)},
		}},
		{"a node that may not speak passes a peer's, too", []step{
			{closeGate, fromPeer(tcp(f.client, f.web, syn)), ends(PassClosed)},
		}},
	}
}

// loopStories have frames that come from the very real server that they would be sent to.
func loopStories(f family) []story {
	fromReal := func(id RealID, frame []byte) []byte {
		mac := realMAC(id)
		return with(frame, atSource, mac[:]...)
	}
	return []story{
		{"a real server that sends its packets on does not get them back", []step{
			{nil, tcp(f.client, f.web, syn), locally(opened(1))},
			{nil, tcp(f.other, f.web, syn), opened(2)},
			{nil, tcp(f.other, f.web, ack), kept(2)},
			{nil, fromReal(2, tcp(f.other, f.web, ack)), ends(DropLoop)},
			{nil, fromReal(2, tcp(f.other, f.web, syn)), ends(DropLoop)},
			{nil, tagged(fromReal(2, tcp(f.other, f.web, ack)), customerTag), ends(DropLoop)},
			{nil, fromReal(4, tcp(f.other, f.web, ack)), kept(2)},
			{nil, fromReal(2, tcp(f.client, f.web, ack)), locally(kept(1))},
		}},
		{"nor in a service that this host is not in", []step{
			{nil, fromReal(5, tcp(f.client, f.tls, syn)), ends(DropLoop)},
			{nil, tcp(f.client, f.tls, ack), kept(5)},
			{nil, fromReal(5, tcp(f.client, f.tls, ack)), ends(DropLoop)},
		}},
	}
}

// peerOfNames makes the peer one of the name service as well.
func peerOfNames(f family) func(*plane) {
	return func(p *plane) {
		p.change(func(want *Tables) { want.Peers[Peer{Service: udpService(f.dns), MAC: peerMAC}] = true })
	}
}
