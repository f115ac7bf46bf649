package dataplane

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"drover/bpf"
)

// echoRequest is a ping.
func (f family) echoRequest() []byte {
	kind := byte(8)
	if f.isIPv6() {
		kind = 128
	}
	return icmpError{kind, 0, 1}.about(f, []byte("ping"))
}

// established opens a connection to the web service, and one to the name service, at the first real servers.
func (f family) established() []step {
	return []step{
		{nil, tcp(f.client, f.web, syn), opened(1)},
		{nil, tcp(f.client, f.web, ack), kept(1)},
		{nil, udp(f.client, f.dns), opened(3)},
	}
}

// then continues a story.
func then(steps []step, more ...step) []step { return append(steps, more...) }

// TestErrors has what routers report about packets that real servers have sent: it goes to the real server.
func TestErrors(t *testing.T) {
	inBoth(t, errorsOfEveryKind, errorsAboutMoreThanPlainPackets, errorsAboutNothing)
}

func errorsOfEveryKind(f family) (stories []story) {
	segment, datagram := answer(f.web, f.client, psh|ack), answerUDP(f.dns, f.client)
	for _, e := range f.errors {
		stories = append(stories, story{fmt.Sprintf("type %d code %d is an error", e.kind, e.code), then(f.established(),
			step{nil, e.about(f, segment), toldOf(1)},
			step{nil, e.about(f, segment[:f.header+8]), toldOf(1)},
			step{nil, e.about(f, datagram), toldOf(3)},
			step{nil, e.about(f, datagram[:f.header+8]), toldOf(3)},
			step{nil, tagged(e.about(f, segment), customerTag), toldOf(1)},
			step{nil, tagged(e.about(f, segment), serviceTag, customerTag), toldOf(1)},
			step{nil, padded(e.about(f, datagram)), toldOf(3)},
			step{nil, with(e.about(f, segment), atDestination, broadcast[:]...), ends(PassOtherHost)},
			step{nil, tcp(f.client, f.web, ack), kept(1)},
		)})
	}
	for _, other := range f.others {
		name := fmt.Sprintf("type %d code %d is none, whatever it holds", other.kind, other.code)
		stories = append(stories, story{name, then(f.established(), step{nil, other.about(f, segment), ends(PassProtocol)})})
	}
	return append(stories, story{"an echo request reaches the kernel", []step{
		{nil, f.echoRequest(), ends(PassProtocol)},
		{nil, padded(f.echoRequest()), ends(PassProtocol)},
		{nil, tagged(f.echoRequest(), customerTag), ends(PassProtocol)},
	}})
}

func errorsAboutMoreThanPlainPackets(f family) []story {
	tooBig := f.errors[0]
	first, later := fragment{id: 9, more: true}, fragment{id: 9, at: 64}
	stories := []story{
		{"an error about a first fragment", then(f.established(),
			step{nil, tooBig.about(f, first.of(tcp(f.web, f.client, ack))[atIP:]), toldOf(1)})},
		{"an error about a later fragment names no connection", then(f.established(),
			step{nil, tooBig.about(f, later.of(tcp(f.web, f.client, ack))[atIP:]), ends(PassProtocol)})},
		{"an error that is fragmented itself goes as far as its first fragment", then(f.established(),
			step{nil, fragment{id: 10, more: true}.of(tooBig.about(f, answer(f.web, f.client, ack))), toldOf(1)},
			step{nil, fragment{id: 10, at: 64}.of(tooBig.about(f, answer(f.web, f.client, ack))), ends(PassFragment)})},
		{"an error as large as the MTU", then(f.established(),
			step{nil, tooBig.about(f, f.quoting(ownMTU)), toldOf(1)},
			step{nil, tooBig.about(f, f.quoting(ownMTU+1)), ends(DropTooBig)})},
	}
	if f.isIPv6() {
		headers := []extension{padding(hopByHop, 1), padding(routing, 3), padding(destination, 1)}
		tooMany := slices.Repeat(headers, 3)
		quoted := extended(tcp(f.web, f.client, ack), headers...)[atIP:]
		return append(stories, []story{
			{"an error about a packet with extension headers", then(f.established(),
				step{nil, tooBig.about(f, quoted), toldOf(1)},
				step{nil, tooBig.about(f, quoted[:40+40+8]), toldOf(1)},
				step{nil, extended(tooBig.about(f, quoted), headers...), toldOf(1)})},
			{"an error about a packet with too many of them", then(f.established(),
				step{nil, tooBig.about(f, extended(tcp(f.web, f.client, ack), tooMany...)[atIP:]), ends(PassProtocol)})},
		}...)
	}
	for words := 1; words <= 10; words++ {
		quoted := withOptions(tcp(f.web, f.client, ack), words)[atIP:]
		name := fmt.Sprintf("an error about a packet with %d words of options", words)
		stories = append(stories, story{name, then(f.established(),
			step{nil, tooBig.about(f, quoted), toldOf(1)},
			step{nil, tooBig.about(f, quoted[:20+4*words+8]), toldOf(1)},
			step{nil, withOptions(tooBig.about(f, quoted), words), toldOf(1)})})
	}
	return stories
}

// quoting is what an error quotes so that its packet has a length.
func (f family) quoting(length int) []byte {
	return append(answer(f.web, f.client, ack), make([]byte, length-f.header-8-f.header-20)...)
}

func errorsAboutNothing(f family) []story {
	unreachable := f.errors[1]
	about := func(packet []byte) []byte { return unreachable.about(f, packet) }
	segment := answer(f.web, f.client, ack)
	return []story{
		{"an unknown connection has the real server that a hash says", []step{
			{func(p *plane) { p.setSchedule(tcpService(f.web), 2) }, about(segment), toldOf(2)},
			{nil, about(segment), toldOf(2)},
			{func(p *plane) { p.setSchedule(tcpService(f.web)) }, about(segment), ends(PassNoReal)},
		}},
		{"the host's own connection is the kernel's", []step{
			{nil, about(answer(portOf(f.host, 22), f.client, ack)), ends(PassNoService)},
			{nil, about(answer(portOf(f.host, 40000), f.another, syn)), ends(PassNoService)},
		}},
		{"another port of the VIP is the kernel's", one(about(answer(portOf(f.vip, 81), f.client, ack)), PassNoService)},
		{"what the client sent is not what the real server did", one(about(answer(f.client, f.web, ack)), PassNoService)},
		{"another protocol names no connection", then(f.established(),
			step{nil, about(f.ofProtocol(112)[atIP:]), ends(PassProtocol)})},
		{"a quoted header that is none is malformed", then(f.established(),
			step{nil, about(make([]byte, 2)), ends(PassMalformed)},
			step{nil, about(nil), ends(PassMalformed)})},
		{"a real server that is down is told of its connections", then(f.established(),
			step{func(p *plane) { p.setState(1, RealDown) }, about(segment), toldOf(1)},
			step{func(p *plane) { p.setState(3, RealDown) }, about(answerUDP(f.dns, f.client)), toldOf(3)})},
		{"a real server without MAC is not", then(f.established(),
			step{both(func(p *plane) { p.setState(1, RealAbsent) }, func(p *plane) { p.setSchedule(tcpService(f.web)) }),
				about(segment), ends(PassNoReal)})},
		{"a node in its grace goes on", then(f.established(), step{standDown, about(segment), inGrace(toldOf(1))})},
		{"a node that may not speak does not", then(f.established(), step{closeGate, about(segment), ends(PassClosed)})},
	}
}

// TestAnErrorChangesNoFlow has it that an error about a connection neither ends it nor keeps it alive.
func TestAnErrorChangesNoFlow(t *testing.T) {
	p := newPlane(t, Options{})
	for _, f := range families {
		p.renew(f.tables())
		for n, client := range []string{f.client, f.other, f.third} {
			p.run(tcp(client, f.web, syn))
			for _, flags := range []byte{ack, fin | ack}[:n] {
				p.run(tcp(client, f.web, flags))
			}
		}
		p.run(udp(f.client, f.dns))
		before, start := p.flowTables(), p.now()
		eventually(t, "the clock ticks", func() bool { return p.now().now > start.now })
		for _, e := range f.errors {
			for _, client := range []string{f.client, f.other, f.third, f.fourth} {
				p.run(e.about(f, answer(f.web, client, ack)))
				p.run(e.about(f, answerUDP(f.dns, client)))
			}
		}
		if after := p.flowTables(); !bytes.Equal(before, after) {
			t.Errorf("%s: the flow tables changed", f.name)
		}
		must(t, each(p.objects.Strays, func(at uint32, stray bpf.DroverStray) error {
			if stray != (bpf.DroverStray{}) {
				t.Errorf("%s: an error of an unknown connection was noted at %d, as if it came from the client", f.name, at)
			}
			return nil
		}))
	}
}

// flowTables is the memory of both.
func (p *plane) flowTables() (raw []byte) {
	p.t.Helper()
	p.everySlot(func(set uint32, slot int, flow []byte) { raw = append(append(raw, byte(set), byte(slot)), flow...) })
	return raw
}
