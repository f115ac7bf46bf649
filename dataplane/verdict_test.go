package dataplane

import (
	"slices"
	"testing"
	"time"
)

// TestNotBalanced has the frames that go to the kernel as they came.
func TestNotBalanced(t *testing.T) {
	tell(t, []story{
		{"IPv6 is not IPv4", one(ethernet(ownMAC, 0x86dd, make([]byte, 60)), PassNotIPv4)},
		{"a VLAN tag is not IPv4", one(with(tcp(client, web, syn), atEtherType, 0x81, 0x00), PassNotIPv4)},
		{"an Ethernet header alone is of its type", one(ethernet(ownMAC, 0x88cc, nil), PassNotIPv4)},
		{"another MAC is another host", one(with(tcp(client, web, syn), atDestination, routerMAC...), PassOtherHost)},
		{"one bit off in the MAC is another host", one(with(tcp(client, web, syn), atDestination+5, 0x41), PassOtherHost)},
		{"broadcast is for another host", one(with(udp(client, dns), atDestination, broadcast...), PassOtherHost)},
		{"multicast is for another host",
			one(with(udp(client, dns), atDestination, 0x01, 0, 0x5e, 0, 0, 0x12), PassOtherHost)},
		{"an IP header shorter than 20 bytes is malformed", one(with(tcp(client, web, syn), atIP, 0x44), PassMalformed)},
		{"an IP header length of zero is malformed", one(with(tcp(client, web, syn), atIP, 0x40), PassMalformed)},
		{"IP options past the end are malformed", one(with(tcp(client, web, syn), atIP, 0x4f), PassMalformed)},
		{"IP options up to the end leave no TCP header", one(with(tcp(client, web, syn), atIP, 0x4a), PassMalformed)},
		{"ICMP is not balanced", one(with(tcp(client, web, syn), atProtocol, 1), PassProtocol)},
		{"VRRP is not balanced", one(with(udp(client, dns), atProtocol, 112), PassProtocol)},
		{"a short ICMP message is not malformed", one(with(tcp(client, web, syn), atProtocol, 1)[:atTransport], PassProtocol)},
		{"a first fragment passes", one(with(udp(client, dns), atFragment, 0x20, 0x00), PassFragment)},
		{"a middle fragment passes", one(with(udp(client, dns), atFragment, 0x20, 0xb9), PassFragment)},
		{"a last fragment passes", one(with(udp(client, dns), atFragment, 0x00, 0xb9), PassFragment)},
		{"a TCP fragment too short for its header passes",
			one(with(tcp(client, web, syn), atFragment, 0x00, 0x01)[:atTransport+2], PassFragment)},
		{"another address has no service", one(tcp(client, "192.168.100.220:80", syn), PassNoService)},
		{"another port has no service", one(tcp(client, vip+":81", syn), PassNoService)},
		{"another protocol has no service", one(udp(client, web), PassNoService)},
		{"the source port is not the service's", one(tcp("203.0.113.7:80", vip+":40000", syn), PassNoService)},
		{"a service that was taken away is gone", []step{
			{nil, tcp(client, free, syn), opened(5)},
			{takeAway, tcp(client, free, ack), ends(PassNoService)},
		}},
	})
}

// one is a single frame that ends with a verdict.
func one(frame []byte, v Verdict) []step { return []step{{frame: frame, want: ends(v)}} }

func takeAway(p *plane) {
	p.change(func(want Tables) {
		delete(want.Services, tcpService(free))
		delete(want.Reals, 5)
	})
}

// TestCutShort sends every beginning of good frames. BPF_PROG_TEST_RUN wants an Ethernet header at least.
func TestCutShort(t *testing.T) {
	p := newPlane(t, Options{})
	for name, good := range map[string][]byte{
		"TCP":                 tcp(client, web, syn),
		"TCP with IP options": withOptions(tcp(client, web, syn), 10),
		"UDP":                 udp(client, dns)[:atTransport+8],
		"UDP with IP options": withOptions(udp(client, dns), 1)[:atTransport+4+8],
		"ARP":                 arp(arpRequest, "192.168.100.1", vip),
	} {
		t.Run(name, func(t *testing.T) {
			for length := atIP; length < len(good); length++ {
				if p.expect(good[:length:length], ends(PassMalformed)); p.t.Failed() {
					t.Fatalf("at %d bytes of %d", length, len(good))
				}
			}
		})
	}
}

// TestForwarded has the frames that go to a real server: the MACs change and not a bit else.
func TestForwarded(t *testing.T) {
	tell(t, []story{
		{"SYN opens a connection", []step{{nil, tcp(client, web, syn), opened(1)}}},
		{"a datagram opens a connection", []step{{nil, udp(client, dns), opened(3)}}},
		{"an empty datagram is whole", []step{{nil, udp(client, dns)[:atTransport+8], opened(3)}}},
		{"trailing padding stays and counts", []step{{nil, padded(tcp(client, web, syn)), opened(1)}}},
		{"a long frame stays whole", []step{
			{nil, append(tcp(client, web, syn), make([]byte, 1460)...), opened(1)},
		}},
		{"TOS and ECN stay", []step{{nil, with(tcp(client, web, syn), atTOS, 0xb9), opened(1)}}},
		{"a wrong IP checksum is not the balancer's to judge", []step{
			{nil, with(tcp(client, web, syn), atIP+10, 0xde, 0xad), opened(1)},
		}},
		{"IP options stay", []step{
			{nil, withOptions(tcp(client, web, syn), 10), opened(1)},
			{nil, withOptions(tcp(client, web, ack), 1), kept(1)},
			{nil, withOptions(udp(client, dns), 3), opened(3)},
		}},
		{"a frame that may be fragmented is no fragment", []step{
			{nil, with(tcp(client, web, syn), atFragment, 0, 0), opened(1)},
		}},
		{"SYN with ECN flags opens", []step{{nil, tcp(client, web, syn|0xc0), opened(1)}}},
	})
}

// TestConnections has the lives of connections.
func TestConnections(t *testing.T) {
	other := "203.0.113.7:40001"
	tell(t, []story{
		{"a connection stays from its SYN to its last ACK", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{nil, tcp(client, web, syn), kept(1)},
			{nil, tcp(client, web, ack), kept(1)},
			{nil, tcp(client, web, psh|ack), kept(1)},
			{nil, tcp(client, web, fin|ack), kept(1)},
			{nil, tcp(client, web, ack), kept(1)},
		}},
		{"SYN after FIN opens the next connection", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{nil, tcp(client, web, ack), kept(1)},
			{nil, tcp(client, web, fin|ack), kept(1)},
			{nil, tcp(client, web, syn), opened(2)},
			{nil, tcp(client, web, ack), kept(2)},
		}},
		{"SYN after RST opens the next connection", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{nil, tcp(client, web, rst), kept(1)},
			{nil, tcp(client, web, syn), opened(2)},
		}},
		{"SYN in an established connection stays", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{nil, tcp(client, web, ack), kept(1)},
			{nil, tcp(client, web, syn), kept(1)},
		}},
		{"a SYN after the timeout opens the next connection", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{idleFor(time.Minute + time.Second), tcp(client, web, syn), opened(2)},
		}},
		{"a segment after the timeout still finds its flow", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{nil, tcp(client, web, ack), kept(1)},
			{idleFor(time.Hour), tcp(client, web, ack), kept(1)},
		}},
		{"clients take turns", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{nil, tcp(other, web, syn), opened(2)},
			{nil, tcp("203.0.113.8:40000", web, syn), opened(1)},
			{nil, tcp(client, web, ack), kept(1)},
			{nil, tcp(other, web, ack), kept(2)},
		}},
		{"datagrams of a client stay together", []step{
			{nil, udp(client, dns), opened(3)},
			{nil, udp(other, dns), opened(4)},
			{nil, udp(client, dns), kept(3)},
			{nil, udp(other, dns), kept(4)},
		}},
		{"the same client of two services has two flows", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{nil, udp(client, dns), opened(3)},
			{nil, tcp(client, free, syn), opened(5)},
			{nil, tcp(client, web, ack), kept(1)},
		}},
		{"SYN with ACK opens nothing", []step{
			{func(p *plane) { p.setSchedule(tcpService(web), 2) }, tcp(client, web, syn|ack), untracked(2)},
			{nil, tcp(client, web, syn|ack), untracked(2)},
		}},
		{"FIN or RST of an unknown connection opens nothing", []step{
			{nil, tcp(client, free, fin|ack), untracked(5)},
			{nil, tcp(client, free, rst), untracked(5)},
			{nil, tcp(client, free, rst), untracked(5)},
		}},
	})
}

// TestRealServers has what becomes of connections when real servers come and go.
func TestRealServers(t *testing.T) {
	other := "203.0.113.7:40001"
	state := func(id RealID, s RealState) func(*plane) { return func(p *plane) { p.setState(id, s) } }
	schedule := func(ids ...RealID) func(*plane) {
		return func(p *plane) { p.setSchedule(tcpService(web), ids...) }
	}
	tell(t, []story{
		{"an empty schedule has no real server", []step{{schedule(), tcp(client, web, syn), ends(PassNoReal)}}},
		{"an empty schedule has none for an unknown segment either", []step{
			{schedule(), tcp(client, web, ack), ends(PassNoReal)},
		}},
		{"an empty schedule keeps connections", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{schedule(), tcp(client, web, ack), kept(1)},
		}},
		{"real servers that are all down take no connection", []step{
			{both(state(1, RealDown), state(2, RealDown)), tcp(client, web, syn), ends(PassNoReal)},
		}},
		{"a real server that is down is passed over", []step{
			{state(1, RealDown), tcp(client, web, syn), opened(2)},
			{nil, tcp(other, web, syn), opened(2)},
		}},
		{"a real server without MAC is passed over", []step{
			{state(1, RealAbsent), tcp(client, web, syn), opened(2)},
		}},
		{"a SYN sent again after its real server went down is scheduled again", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{state(1, RealDown), tcp(client, web, syn), rescheduled(2)},
			{nil, tcp(client, web, syn), kept(2)},
			{nil, tcp(client, web, ack), kept(2)},
		}},
		{"a datagram whose real server went down is scheduled again", []step{
			{nil, udp(client, dns), opened(3)},
			{state(3, RealDown), udp(client, dns), rescheduled(4)},
			{state(3, RealUp), udp(client, dns), kept(4)},
		}},
		{"an established connection stays on a real server that went down", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{nil, tcp(client, web, ack), kept(1)},
			{state(1, RealDown), tcp(client, web, ack), kept(1)},
			{nil, tcp(client, web, fin|ack), kept(1)},
		}},
		{"a SYN whose real server lost its MAC is scheduled again", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{state(1, RealAbsent), tcp(client, web, syn), rescheduled(2)},
		}},
		{"a segment whose real server lost its MAC goes by the hash", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{nil, tcp(client, web, ack), kept(1)},
			{both(state(1, RealAbsent), schedule(2)), tcp(client, web, ack), untracked(2)},
			{state(1, RealUp), tcp(client, web, ack), kept(1)},
		}},
		{"a SYN finds nobody when its real server went down and was the last", []step{
			{nil, tcp(client, free, syn), opened(5)},
			{state(5, RealDown), tcp(client, free, syn), ends(PassNoReal)},
			{state(5, RealUp), tcp(client, free, syn), kept(5)},
		}},
		{"weight 0 takes no new connection and keeps old ones", []step{
			{nil, tcp(client, web, syn), opened(1)},
			{schedule(2), tcp(client, web, syn), kept(1)},
			{nil, tcp(client, web, ack), kept(1)},
			{nil, tcp(other, web, syn), opened(2)},
			{nil, tcp("203.0.113.7:40002", web, syn), opened(2)},
		}},
		{"weights shape the turns", []step{
			{schedule(1, 1, 2), tcp(client, web, syn), opened(1)},
			{nil, tcp(other, web, syn), opened(1)},
			{nil, tcp("203.0.113.7:40002", web, syn), opened(2)},
			{nil, tcp("203.0.113.7:40003", web, syn), opened(1)},
		}},
	})
}

func both(first, second func(*plane)) func(*plane) {
	return func(p *plane) { first(p); second(p) }
}

func TestAMACThatChangesIsFollowedByOldConnections(t *testing.T) {
	p := newPlane(t, Options{})
	p.expect(tcp(client, web, syn), opened(1))
	p.expect(tcp(client, web, ack), kept(1))
	p.change(func(want Tables) {
		real := want.Reals[1]
		real.MAC = realMAC(77)
		want.Reals[1] = real
	})
	frame := tcp(client, web, ack)
	if action, out := p.run(frame); action != xdpTX || !slices.Equal(out, sent(frame, realMAC(77))) {
		t.Errorf("%s %x, want XDP_TX %x", actionName(action), out, sent(frame, realMAC(77)))
	}
}
