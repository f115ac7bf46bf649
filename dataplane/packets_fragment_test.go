package dataplane

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"drover/bpf"
)

// TestFragments has datagrams and segments in pieces: the first one has the ports, and the later ones follow it.
func TestFragments(t *testing.T) {
	inBoth(t, piecesThatFollow, piecesThatDoNot, piecesOfOthers, piecesWhenThingsChange)
}

// datagramOf is a datagram of the client's with 40 bytes, which is three pieces if the first two hold 16.
func (f family) datagramOf(client, to string) []byte {
	return udpOf(netip.MustParseAddrPort(client), netip.MustParseAddrPort(to), make([]byte, 40))
}

// pieces are those of a datagram to the name service.
func (f family) pieces(client string, id uint32) [][]byte {
	return f.split(f.datagramOf(client, f.dns), id, 16, 16)
}

func piecesThatFollow(f family) (stories []story) {
	ours, theirs := f.pieces(f.client, 7), f.pieces(f.other, 8)
	for _, in := range tags {
		stories = append(stories, story{"later fragments follow the first, " + in.name, []step{
			{nil, in.wrap(ours[0]), opened(3)},
			{nil, in.wrap(ours[1]), follows(3)},
			{nil, in.wrap(ours[2]), follows(3)},
		}})
	}
	segment := sized(append(tcp(f.client, f.web, psh|ack), make([]byte, 100)...))
	ofTCP := f.split(segment, 11, 24, 40)
	return append(stories, []story{
		{"each datagram has its own real server", []step{
			{nil, ours[0], opened(3)},
			{nil, theirs[0], opened(4)},
			{nil, theirs[1], follows(4)},
			{nil, ours[1], follows(3)},
			{nil, ours[2], follows(3)},
			{nil, theirs[2], follows(4)},
		}},
		{"a connection goes on with fragments", []step{
			{nil, udp(f.client, f.dns), opened(3)},
			{nil, udp(f.other, f.dns), opened(4)},
			{nil, theirs[0], kept(4)},
			{nil, theirs[1], follows(4)},
			{nil, udp(f.other, f.dns), kept(4)},
		}},
		{"segments of TCP are no different", []step{
			{nil, tcp(f.another, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, syn), opened(2)},
			{nil, ofTCP[0], kept(2)},
			{nil, ofTCP[1], follows(2)},
			{nil, ofTCP[2], follows(2)},
			{nil, tcp(f.client, f.web, ack), kept(2)},
		}},
		{"fragments that come twice go twice", []step{
			{nil, ours[0], opened(3)}, {nil, ours[0], kept(3)}, {nil, ours[1], follows(3)}, {nil, ours[1], follows(3)},
		}},
		{"padding is no part of a fragment", []step{{nil, padded(ours[0]), opened(3)}, {nil, padded(ours[2]), follows(3)}}},
	}...)
}

func piecesThatDoNot(f family) []story {
	ours := f.pieces(f.client, 7)
	return []story{
		{"a later fragment before its first goes to the kernel", []step{
			{nil, ours[1], ends(PassFragment)},
			{nil, ours[2], ends(PassFragment)},
			{nil, ours[0], opened(3)},
			{nil, ours[1], follows(3)},
		}},
		{"another datagram is another", []step{
			{nil, ours[0], opened(3)},
			{nil, f.pieces(f.client, 8)[1], ends(PassFragment)},
		}},
		{"another client's datagram of the same id is another", []step{
			{nil, ours[0], opened(3)},
			{nil, f.pieces(f.another, 7)[1], ends(PassFragment)},
		}},
		{"a datagram of the same id for another address is another", []step{
			{nil, ours[0], opened(3)},
			{nil, f.split(f.datagramOf(f.client, portOf(f.host, 53)), 7, 16, 16)[1], ends(PassFragment)},
			{nil, f.split(f.datagramOf(f.client, f.tls), 7, 16, 16)[1], ends(PassFragment)},
		}},
		{"a first fragment is forgotten when the others cannot come any more", []step{
			{nil, ours[0], opened(3)},
			{fragmentsFor(29 * time.Second), ours[1], follows(3)},
			{fragmentsFor(31 * time.Second), ours[2], ends(PassFragment)},
		}},
		{"a first fragment too short for its header goes to the kernel, and the others after it", []step{
			{nil, fragment{id: 7, more: true}.of(sized(tcp(f.client, f.web, ack)[:atIP+f.header+16])), ends(PassMalformed)},
			{nil, ours[1], ends(PassFragment)},
		}},
		{"a fragment of another host's is not looked at", []step{
			{nil, with(ours[0], atDestination, routerMAC[:]...), ends(PassOtherHost)},
			{nil, ours[1], ends(PassFragment)},
		}},
	}
}

// piecesOfOthers has traffic that is not the balancer's: fragments are no reason to touch it.
func piecesOfOthers(f family) (stories []story) {
	for name, c := range map[string]struct {
		frame []byte
		first Verdict
	}{
		"for the host":             {f.datagramOf(f.client, portOf(f.host, 53)), PassNoService},
		"for another port":         {f.datagramOf(f.client, portOf(f.vip, 54)), PassNoService},
		"of a ping":                {append(f.echoRequest(), make([]byte, 44)...), PassProtocol},
		"of an unknown protocol":   {append(f.ofProtocol(132), make([]byte, 24)...), PassProtocol},
		"of what a client answers": {f.datagramOf(f.dns, f.client), PassNoService},
	} {
		pieces := f.split(c.frame, 7, 16, 16)
		stories = append(stories, story{"fragments " + name + " pass", []step{
			{nil, pieces[0], ends(c.first)}, {nil, pieces[1], ends(PassFragment)}, {nil, pieces[2], ends(PassFragment)},
			{nil, pieces[1], ends(PassFragment)},
		}})
	}
	return stories
}

func piecesWhenThingsChange(f family) []story {
	ours := f.pieces(f.client, 7)
	state := func(id RealID, s RealState) func(*plane) { return func(p *plane) { p.setState(id, s) } }
	return []story{
		{"a datagram stays whole when its real server goes down", []step{
			{nil, ours[0], opened(3)},
			{state(3, RealDown), ours[1], follows(3)},
			{nil, udp(f.client, f.dns), rescheduled(4)},
			{nil, ours[2], follows(3)},
		}},
		{"the next datagram of the same id goes its own way", []step{
			{nil, ours[0], opened(3)},
			{state(3, RealDown), ours[0], rescheduled(4)},
			{nil, ours[1], follows(4)},
		}},
		{"a real server that lost its MAC gets no fragments", []step{
			{nil, ours[0], opened(3)},
			{state(3, RealAbsent), ours[1], ends(PassNoReal)},
		}},
		{"without real servers all fragments pass", []step{
			{func(p *plane) { p.setSchedule(udpService(f.dns)) }, ours[0], ends(PassNoReal)},
			{nil, ours[1], ends(PassFragment)},
		}},
		{"a node that may not speak passes all fragments", []step{
			{closeGate, ours[0], ends(PassClosed)},
			{nil, ours[1], ends(PassFragment)},
			{openGate, ours[0], opened(3)},
			{closeGate, ours[1], ends(PassClosed)},
			{openGate, ours[1], follows(3)},
		}},
		{"a node in its grace goes on", []step{
			{standDown, ours[0], inGrace(opened(3))},
			{nil, ours[1], inGrace(follows(3))},
		}},
	}
}

// fragmentsFor makes all first fragments look as if they had come some time ago.
func fragmentsFor(since time.Duration) func(*plane) {
	return func(p *plane) {
		p.t.Helper()
		var (
			key   bpf.DroverFragmentKey
			first bpf.DroverFragment
			noted = make(map[bpf.DroverFragmentKey]bpf.DroverFragment)
			all   = p.objects.Fragments.Iterate()
			now   = p.now()
		)
		for all.Next(&key, &first) {
			first.Seen = now.now - toJiffies(since, now.hz)
			noted[key] = first
		}
		must(p.t, all.Err())
		for key, first := range noted {
			must(p.t, p.objects.Fragments.Put(key, first))
		}
	}
}

// TestFragmentsOfIPv4 has that the protocol is a part of a datagram's name (RFC 791).
func TestFragmentsOfIPv4(t *testing.T) {
	f := families[0]
	tell(t, []story{
		{"a datagram of the same id and another protocol is another", []step{
			{nil, f.pieces(client, 7)[0], opened(3)},
			{nil, with(f.pieces(client, 7)[1], atProtocol, byte(ProtocolTCP)), ends(PassFragment)},
			{nil, f.pieces(client, 7)[1], follows(3)},
		}},
		{"fragments with IP options follow", []step{
			{nil, withOptions(f.pieces(client, 7)[0], 3), opened(3)},
			{nil, withOptions(f.pieces(client, 7)[1], 3), follows(3)},
		}},
		{"a second fragment as short as can be follows", []step{
			{nil, f.pieces(client, 7)[0], opened(3)},
			{nil, fragment{7, 16, false}.of(sized(udp(client, dns)[:atTransport+1])), follows(3)},
		}},
	})
}

// TestFragmentsOfIPv6 has what stands around the header that makes a packet a fragment (RFC 8200, section 4.5).
func TestFragmentsOfIPv6(t *testing.T) {
	f := families[1]
	whole, datagram := fragment{id: 7}.extension(), udp(f.client, f.dns)
	first, later := fragment{7, 0, true}.extension(), fragment{7, 16, false}.extension()
	before := []extension{padding(hopByHop, 1), padding(routing, 3)}
	var stories []story
	for place := range before {
		stories = append(stories, story{fmt.Sprintf("behind %d other headers", place+1), []step{
			{nil, extended(datagram, append(slices.Clone(before[:place+1]), first)...), opened(3)},
			{nil, extended(datagram, append(slices.Clone(before[:place+1]), later)...), follows(3)},
		}})
	}
	tellOf(t, f.tables, append(stories, []story{
		{"a fragment that is the whole is not remembered", []step{
			{nil, extended(datagram, whole), opened(3)},
			{nil, extended(datagram, later), ends(PassFragment)},
		}},
		{"later fragments follow a first one that has destination options", []step{
			{nil, extended(datagram, first, padding(destination, 1)), opened(3)},
			{nil, with(extended(datagram, later), atTransport6, destination), follows(3)},
		}},
		{"the kind of header that a later fragment names does not matter", []step{
			{nil, extended(datagram, first), opened(3)},
			{nil, with(extended(datagram, later), atTransport6, byte(ProtocolTCP)), follows(3)},
		}},
		{"what looks like headers in a later fragment is data", []step{
			{nil, extended(datagram, first), opened(3)},
			{nil, extended(datagram, later, padding(destination, 1), padding(hopByHop, 1)), follows(3)},
			{nil, extended(datagram, later, first), follows(3)},
		}},
	}...))
}
