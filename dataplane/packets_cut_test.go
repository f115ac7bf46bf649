package dataplane

import (
	"slices"
	"testing"
)

// form is a kind of packet in a connection, up to where its headers end.
type form struct {
	name  string
	frame []byte
	// headers is how many bytes at the beginning must be there, and want becomes of the packet when they are.
	headers int
	want    outcome
}

// forms are all that the program reads. The connections are there.
func (f family) forms() []form {
	segment, datagram := tcp(f.client, f.web, ack), udp(f.client, f.dns)
	ip, first := atIP+f.header, fragment{id: 21, more: true}
	forms := []form{
		{"TCP", segment, ip + 20, kept(1)},
		{"UDP", datagram, ip + 8, kept(3)},
		{"an error about TCP", f.errors[0].about(f, answer(f.web, f.client, ack)), ip + 8 + f.header + 4, toldOf(1)},
		{"an error about UDP", f.errors[0].about(f, answerUDP(f.dns, f.client)), ip + 8 + f.header + 4, toldOf(3)},
		{"an error about a fragment", f.errors[0].about(f, first.of(tcp(f.web, f.client, ack))[atIP:]),
			ip + 8 + f.header + f.fragmentHeader + 4, toldOf(1)},
		{"a first fragment of TCP", first.of(segment), ip + f.fragmentHeader + 20, kept(1)},
		{"a first fragment of UDP", first.of(datagram), ip + f.fragmentHeader + 8, kept(3)},
		{"a later fragment", fragment{id: 22, at: 64}.of(segment), ip + f.fragmentHeader, ends(PassFragment)},
		{"ARP", arp(arpRequest, "192.168.100.1", vip), atIP + 28, ends(PassNeighbor)},
	}
	return append(forms, f.longForms()...)
}

// longForms have what only one of the families has.
func (f family) longForms() []form {
	if !f.isIPv6() {
		return []form{
			{"TCP with IP options", withOptions(tcp(f.client, f.web, ack), 10), atIP + 60 + 20, kept(1)},
			{"UDP with IP options", withOptions(udp(f.client, f.dns), 1), atIP + 24 + 8, kept(3)},
			{"an error about TCP with IP options",
				f.errors[0].about(f, withOptions(tcp(f.web, f.client, ack), 3)[atIP:]), atIP + 20 + 8 + 32 + 4, toldOf(1)},
		}
	}
	headers := []extension{padding(hopByHop, 1), padding(routing, 3), padding(destination, 2)} // 48 bytes
	return []form{
		{"TCP behind extension headers", extended(tcp(f.client, f.web, ack), headers...), atIP + 88 + 20, kept(1)},
		{"UDP behind extension headers", extended(udp(f.client, f.dns), headers...), atIP + 88 + 8, kept(3)},
		{"an error behind extension headers",
			extended(f.errors[0].about(f, answer(f.web, f.client, ack)), headers...), atIP + 88 + 8 + 40 + 4, toldOf(1)},
		{"an error about TCP behind extension headers",
			f.errors[0].about(f, extended(tcp(f.web, f.client, ack), headers...)[atIP:]), atIP + 40 + 8 + 88 + 4, toldOf(1)},
	}
}

// TestCutShort sends every beginning of every form of packet, in and without tags: as it was cut, and then so that the
// IP packet says itself that it is that short. BPF_PROG_TEST_RUN wants an Ethernet header at least.
func TestCutShort(t *testing.T) {
	p := newPlane(t, Options{})
	for _, f := range families {
		p.renew(f.tables())
		p.expect(tcp(f.client, f.web, syn), opened(1))
		p.expect(tcp(f.client, f.web, ack), kept(1))
		p.expect(udp(f.client, f.dns), opened(3))
		for _, form := range f.forms() {
			for _, in := range tags {
				t.Run(f.name+" "+form.name+" "+in.name, func(t *testing.T) {
					frame := in.wrap(form.frame)
					p.in(t).cutShort(frame, len(frame)-len(form.frame)+form.headers, form.want)
				})
			}
		}
	}
}

func (p *plane) cutShort(frame []byte, headers int, want outcome) {
	p.t.Helper()
	for length := atIP; length < headers; length++ {
		p.expect(slices.Clip(frame[:length]), ends(PassMalformed))
		if p.expect(sized(frame[:length]), ends(PassMalformed)); p.t.Failed() {
			p.t.Fatalf("at %d bytes of %d", length, headers)
		}
	}
	p.expect(sized(frame[:headers]), want)
	p.expect(frame, want)
}
