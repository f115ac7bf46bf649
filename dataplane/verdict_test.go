package dataplane

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// TestNotBalanced has the frames that go to the kernel as they came, whatever version of IP.
func TestNotBalanced(t *testing.T) { inBoth(t, notBalanced) }

func notBalanced(f family) []story {
	opening, datagram := tcp(f.client, f.web, syn), udp(f.client, f.dns)
	return []story{
		{"another MAC is another host", one(with(opening, atDestination, routerMAC[:]...), PassOtherHost)},
		{"one bit off in the MAC is another host", then(f.established(), oneBitOff(tcp(f.client, f.web, ack))...)},
		{"broadcast is for another host", one(with(datagram, atDestination, broadcast[:]...), PassOtherHost)},
		{"multicast is for another host", one(with(datagram, atDestination, 0x33, 0x33, 0, 0, 0, 1), PassOtherHost)},
		{"another host's is not looked at", one(with(opening[:20], atDestination, routerMAC[:]...), PassOtherHost)},
		{"another address has no service", one(tcp(f.client, portOf(f.host, 80), syn), PassNoService)},
		{"another port has no service", one(tcp(f.client, portOf(f.vip, 81), syn), PassNoService)},
		{"port 0 has no service", one(tcp(f.client, portOf(f.vip, 0), syn), PassNoService)},
		{"another protocol has no service", one(udp(f.client, f.web), PassNoService)},
		{"the source port is not the service's", one(tcp(f.another, portOf(f.vip, 40000), syn), PassNoService)},
		{"the source address is not the service's", one(tcp(f.web, f.client, syn|ack), PassNoService)},
		{"VRRP is not balanced", one(f.ofProtocol(112), PassProtocol)},
		{"another tunnel is not balanced", one(f.ofProtocol(4), PassProtocol)},
		{"SCTP is not balanced", one(f.ofProtocol(132), PassProtocol)},
		{"an IP header of another version is malformed", one(with(opening, atIP, 0x55), PassMalformed)},
		{"a service that was taken away is gone", []step{
			{nil, tcp(f.client, f.tls, syn), opened(5)},
			{func(p *plane) {
				p.change(func(want *Tables) {
					delete(want.Services, tcpService(f.tls))
					want.Reals[5] = Real{}
				})
			}, tcp(f.client, f.tls, ack), ends(PassNoService)},
		}},
	}
}

// oneBitOff sends a frame to hosts whose MAC addresses differ from the balancer's in one bit of each byte.
func oneBitOff(frame []byte) (steps []step) {
	for n, b := range ownMAC {
		steps = append(steps, step{nil, with(frame, atDestination+n, b^0x10), ends(PassOtherHost)})
	}
	return steps
}

// one is a single frame that ends with a verdict.
func one(frame []byte, v Verdict) []step { return []step{{frame: frame, want: ends(v)}} }

// TestOtherProtocols has frames that are no IP, or a kind of their own.
func TestOtherProtocols(t *testing.T) {
	opening := tcp(client, web, syn)
	tell(t, []story{
		{"LLDP is no IP", one(ethernet(ownMAC, 0x88cc, make([]byte, 46)), PassNotIP)},
		{"an Ethernet header alone is of its type", one(ethernet(ownMAC, 0x88cc, nil), PassNotIP)},
		{"a length in place of a type is no IP", one(ethernet(ownMAC, 46, make([]byte, 46)), PassNotIP)},
		{"PPPoE is no IP", one(ethernet(ownMAC, 0x8864, opening[atIP:]), PassNotIP)},
		{"another host's LLDP is no IP either", one(ethernet(routerMAC, 0x88cc, nil), PassNotIP)},
		{"IPv6 that says it is IPv4 is malformed", one(with(opening, atEtherType, 0x86, 0xdd), PassMalformed)},
		{"IPv4 that says it is IPv6 is malformed",
			one(with(tcp(families[1].client, families[1].web, syn), atEtherType, 0x08, 0x00), PassMalformed)},
	})
}

// TestForwarded has the frames that go to a real server: the MACs change and not a bit else.
func TestForwarded(t *testing.T) { inBoth(t, forwarded) }

func forwarded(f family) []story {
	long := append(tcp(f.client, f.web, syn), make([]byte, ownMTU-f.header-20)...)
	return []story{
		{"SYN opens a connection", []step{{nil, tcp(f.client, f.web, syn), opened(1)}}},
		{"SYN with ECN flags opens one", []step{{nil, tcp(f.client, f.web, syn|0xc0), opened(1)}}},
		{"SYN with data opens one", []step{{nil, tcp(f.client, f.web, syn|psh), opened(1)}}},
		{"a datagram opens a connection", []step{{nil, udp(f.client, f.dns), opened(3)}}},
		{"an empty datagram is whole", []step{
			{nil, udpOf(netip.MustParseAddrPort(f.client), netip.MustParseAddrPort(f.dns), nil), opened(3)},
		}},
		{"a long frame stays whole", []step{{nil, sized(long), opened(1)}}},
		{"a trailer stays, and counts", []step{
			{nil, append(tcp(f.client, f.web, syn), "trailer"...), opened(1)},
			{nil, append(tcp(f.client, f.web, ack), "trailer"...), kept(1)},
		}},
		{"traffic class and ECN stay", []step{
			{nil, with(tcp(f.client, f.web, syn), atIP+1, 0xb9), opened(1)},
			{nil, with(tcp(f.client, f.web, ack), atIP+1, 0xb9), kept(1)},
		}},
		{"a wrong checksum of TCP is not the balancer's to judge", []step{
			{nil, with(tcp(f.client, f.web, syn), atIP+f.header+16, 0xde, 0xad), opened(1)},
		}},
		{"one hop left is enough", []step{{nil, f.withHops(tcp(f.client, f.web, syn), 1), opened(1)}}},
	}
}

// TestConnections has the lives of connections.
func TestConnections(t *testing.T) { inBoth(t, connectionsThatEnd, connectionsThatGoOn) }

func connectionsThatEnd(f family) []story {
	return []story{
		{"a connection stays from its SYN to its last ACK", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{justNow, tcp(f.client, f.web, syn), kept(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(f.client, f.web, psh|ack), kept(1)},
			{nil, tcp(f.client, f.web, fin|ack), kept(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
		}},
		{"SYN after FIN opens the next connection", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(f.client, f.web, fin|ack), kept(1)},
			{nil, tcp(f.client, f.web, syn), opened(2)},
			{nil, tcp(f.client, f.web, ack), kept(2)},
		}},
		{"SYN after RST opens the next connection", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(f.client, f.web, rst), kept(1)},
			{nil, tcp(f.client, f.web, syn), opened(2)},
		}},
		{"RST of a connection that opens leaves it opening", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, rst), kept(1)},
			{justNow, tcp(f.client, f.web, syn), kept(1)},
		}},
	}
}

func connectionsThatGoOn(f family) []story {
	return []story{
		{"SYN in an established connection stays", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{justNow, tcp(f.client, f.web, syn), kept(1)},
		}},
		{"a SYN after the timeout opens the next connection", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{idleFor(time.Minute + time.Second), tcp(f.client, f.web, syn), opened(2)},
		}},
		{"a segment after the timeout still finds its flow", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{idleFor(time.Hour), tcp(f.client, f.web, ack), kept(1)},
		}},
		{"clients take turns", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.other, f.web, syn), opened(2)},
			{nil, tcp(f.another, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(f.other, f.web, ack), kept(2)},
		}},
		{"datagrams of a client stay together", []step{
			{nil, udp(f.client, f.dns), opened(3)},
			{nil, udp(f.other, f.dns), opened(4)},
			{nil, udp(f.client, f.dns), kept(3)},
			{nil, udp(f.other, f.dns), kept(4)},
		}},
		{"the same client of two services has two flows", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, udp(f.client, f.dns), opened(3)},
			{nil, tcp(f.client, f.tls, syn), opened(5)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
		}},
		{"SYN with ACK opens nothing", []step{
			{func(p *plane) { p.setSchedule(tcpService(f.web), 2) }, tcp(f.client, f.web, syn|ack), untracked(2)},
			{nil, tcp(f.client, f.web, syn|ack), untracked(2)},
		}},
		{"FIN or RST of an unknown connection opens nothing", []step{
			{nil, tcp(f.client, f.tls, fin|ack), untracked(5)},
			{nil, tcp(f.client, f.tls, rst), untracked(5)},
			{nil, tcp(f.client, f.tls, rst), untracked(5)},
		}},
	}
}

// TestRealServers has what becomes of connections when real servers come and go.
func TestRealServers(t *testing.T) {
	inBoth(t, realServersForNewConnections, realServersForOldConnections)
}

func realServersForNewConnections(f family) []story {
	return []story{
		{"an empty schedule has no real server", []step{{f.webSchedule(), tcp(f.client, f.web, syn), ends(PassNoReal)}}},
		{"an empty schedule has none for an unknown segment either", []step{
			{f.webSchedule(), tcp(f.client, f.web, ack), ends(PassNoReal)},
		}},
		{"real servers that are all down take no connection", []step{
			{both(setState(1, RealDown), setState(2, RealDown)), tcp(f.client, f.web, syn), ends(PassNoReal)},
		}},
		{"a real server that is down is passed over", []step{
			{setState(1, RealDown), tcp(f.client, f.web, syn), opened(2)},
			{nil, tcp(f.other, f.web, syn), opened(2)},
		}},
		{"a real server without MAC is passed over", []step{
			{setState(1, RealAbsent), tcp(f.client, f.web, syn), opened(2)},
		}},
		{"a SYN finds nobody when its real server went down and was the last", []step{
			{nil, tcp(f.client, f.tls, syn), opened(5)},
			{setState(5, RealDown), tcp(f.client, f.tls, syn), ends(PassNoReal)},
			{both(setState(5, RealUp), justNow), tcp(f.client, f.tls, syn), kept(5)},
		}},
		{"weights shape the turns", []step{
			{f.webSchedule(1, 1, 2), tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.other, f.web, syn), opened(1)},
			{nil, tcp(f.third, f.web, syn), opened(2)},
			{nil, tcp(f.fourth, f.web, syn), opened(1)},
		}},
	}
}

func realServersForOldConnections(f family) []story {
	return []story{
		{"an empty schedule keeps connections", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{f.webSchedule(), tcp(f.client, f.web, ack), kept(1)},
		}},
		{"a SYN sent again after its real server went down is scheduled again", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{setState(1, RealDown), tcp(f.client, f.web, syn), rescheduled(2)},
			{justNow, tcp(f.client, f.web, syn), kept(2)},
			{nil, tcp(f.client, f.web, ack), kept(2)},
		}},
		{"a datagram whose real server went down is scheduled again", []step{
			{nil, udp(f.client, f.dns), opened(3)},
			{setState(3, RealDown), udp(f.client, f.dns), rescheduled(4)},
			{setState(3, RealUp), udp(f.client, f.dns), kept(4)},
		}},
		{"an established connection stays on a real server that went down", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{setState(1, RealDown), tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(f.client, f.web, fin|ack), kept(1)},
		}},
		{"a SYN whose real server lost its MAC is scheduled again", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{setState(1, RealAbsent), tcp(f.client, f.web, syn), rescheduled(2)},
		}},
		{"a segment whose real server lost its MAC goes by the hash", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{both(setState(1, RealAbsent), f.webSchedule(2)), tcp(f.client, f.web, ack), untracked(2)},
			{setState(1, RealUp), tcp(f.client, f.web, ack), kept(1)},
		}},
		{"weight 0 takes no new connection and keeps old ones", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{f.webSchedule(2), tcp(f.client, f.web, syn), kept(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(f.other, f.web, syn), opened(2)},
			{nil, tcp(f.third, f.web, syn), opened(2)},
		}},
	}
}

// justNow makes all packets so far look as if they had come at this moment: a SYN that is sent again much later says that
// its real server is silent. Their time is ahead, as if another CPU had noted it, so that the machine may stand still before
// the next packet: a second is not much for one that is emulated.
func justNow(p *plane) {
	const standstill = 10 * time.Second
	p.see(p.now().ago(0) + uint32(toJiffies(standstill, p.hz)))
}

// Changes of the tables.
func setState(id RealID, s RealState) func(*plane) { return func(p *plane) { p.setState(id, s) } }

func (f family) webSchedule(ids ...RealID) func(*plane) {
	return func(p *plane) { p.setSchedule(tcpService(f.web), ids...) }
}

func both(first, second func(*plane)) func(*plane) {
	return func(p *plane) { first(p); second(p) }
}

func TestAMACThatChangesIsFollowedByOldConnections(t *testing.T) {
	p := newPlane(t, Options{})
	p.expect(tcp(client, web, syn), opened(1))
	p.expect(tcp(client, web, ack), kept(1))
	p.change(func(want *Tables) { want.Reals[1].MAC = realMAC(77) })
	frame := tcp(client, web, ack)
	if action, out := p.run(frame); action != xdpTX || !slices.Equal(out, sent(frame, realMAC(77))) {
		t.Errorf("%s %x, want XDP_TX %x", actionName(action), out, sent(frame, realMAC(77)))
	}
}
