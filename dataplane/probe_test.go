package dataplane

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
)

// Where probes through a VIP come from in these tests.
const (
	firstProbePort = 1024
	lastProbePort  = 32767
)

var probeMAC = MAC{0x06, 0x11, 0x22, 0x33, 0x44, 0x55}

func probeAnswers() ProbeAnswers {
	return ProbeAnswers{MAC: probeMAC, FirstPort: firstProbePort, LastPort: lastProbePort}
}

// TestProbeAnswers has what comes back from a real server, and what looks like it.
func TestProbeAnswers(t *testing.T) {
	p := newPlane(t, Options{})
	must(t, p.SetProbeAnswers(probeAnswers()))
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			for _, stories := range [][]story{f.probeAnswers(), f.probeErrors(), f.noProbeAnswers()} {
				p.in(t).tell(f.tables, stories)
			}
		})
	}
}

func (f family) probeAnswers() (stories []story) {
	first, last := portOf(f.host, firstProbePort), portOf(f.host, lastProbePort)
	for _, in := range tags {
		stories = append(stories, story{"answers are for the probes, " + in.name, []step{
			{nil, in.wrap(tcp(f.web, first, syn|ack)), ends(PassProbe)},
			{nil, in.wrap(tcp(f.web, last, ack|psh)), ends(PassProbe)},
			{nil, in.wrap(tcp(f.web, first, rst|ack)), ends(PassProbe)},
			{nil, in.wrap(udp(f.dns, last)), ends(PassProbe)},
			{nil, in.wrap(f.echoReply(f.vip, firstProbePort, 0x8000)), ends(PassProbe)},
			{nil, in.wrap(f.echoReply(f.vip, lastProbePort, 0xffff)), ends(PassProbe)},
		}})
	}
	datagram := udpOf(netip.MustParseAddrPort(f.dns), netip.MustParseAddrPort(first), make([]byte, 2000))
	answer := f.split(datagram, 7, 800, 800)
	return append(stories, []story{
		{"an answer in fragments follows its first one", []step{
			{nil, answer[0], ends(PassProbe)}, {nil, answer[1], ends(PassProbe)}, {nil, answer[2], ends(PassProbe)},
		}},
		{"a later fragment that comes first is the kernel's", single(answer[1], ends(PassFragment))},
		{"another port of the VIP may be asked, too", single(tcp(portOf(f.vip, 8080), first, syn|ack), ends(PassProbe))},
		{"a VIP without VRRP is one", single(tcp(f.tls, first, syn|ack), ends(PassProbe))},
		{"a node that is not MASTER hears them as well", []step{{closeGate, tcp(f.web, first, syn|ack), ends(PassProbe)}}},
		{"a VIP that is gone is none", []step{
			{func(p *plane) { p.change(func(want *Tables) { delete(want.VIPs, netip.MustParseAddr(f.vip)) }) },
				tcp(f.web, first, syn|ack), ends(PassNoService)},
		}},
	}...)
}

// probeErrors are what is reported about the probes themselves.
func (f family) probeErrors() (stories []story) {
	ours := tcp(portOf(f.host, firstProbePort), f.web, syn)[atIP:]
	for _, e := range f.errors {
		stories = append(stories, story{"an error about a probe is for the probes", []step{
			{nil, e.about(f, ours), ends(PassProbe)},
			{nil, e.about(f, ours[:f.header+8]), ends(PassProbe)},
			{nil, e.about(f, udp(portOf(f.host, lastProbePort), f.dns)[atIP:]), ends(PassProbe)},
			{nil, e.about(f, f.probeEcho(0x8000)), ends(PassProbe)},
			{nil, e.about(f, f.probeEcho(0x8000)[:f.header+8]), ends(PassProbe)},
			{nil, e.about(f, tcp(portOf(f.host, lastProbePort+1), f.web, syn)[atIP:]), ends(PassNoService)},
			{nil, e.about(f, f.probeEcho(1)), ends(PassProtocol)},
		}})
	}
	return stories
}

// noProbeAnswers are the host's own.
func (f family) noProbeAnswers() []story {
	first := portOf(f.host, firstProbePort)
	return []story{
		{"ports below and above are the host's", []step{
			{nil, tcp(f.web, portOf(f.host, firstProbePort-1), syn|ack), ends(PassNoService)},
			{nil, tcp(f.web, portOf(f.host, lastProbePort+1), syn|ack), ends(PassNoService)},
			{nil, udp(f.dns, portOf(f.host, lastProbePort+1)), ends(PassNoService)},
		}},
		{"what does not come from a VIP is the host's", []step{
			{nil, tcp(f.client, first, syn), ends(PassNoService)},
			{nil, tcp(portOf(f.router, 80), first, syn|ack), ends(PassNoService)},
			{nil, f.echoReply(f.router, firstProbePort, 0x8000), ends(PassProtocol)},
		}},
		{"a ping of the host's own is answered to it", []step{
			{nil, f.echoReply(f.vip, firstProbePort, 1), ends(PassProtocol)},
			{nil, f.echoReply(f.vip, firstProbePort, 0x7fff), ends(PassProtocol)},
			{nil, f.echoReply(f.vip, lastProbePort+1, 0x8000), ends(PassProtocol)},
			{nil, f.echoRequest(), ends(PassProtocol)},
		}},
		{"other hosts get what is theirs", single(with(tcp(f.web, first, syn|ack), atDestination, routerMAC[:]...), ends(PassOtherHost))},
		{"services come first", []step{
			{func(p *plane) {
				p.change(func(want *Tables) {
					want.Services[tcpService(portOf(f.vip, firstProbePort))] = want.Services[tcpService(f.web)]
				})
			}, tcp(f.web, portOf(f.vip, firstProbePort), syn), opened(1)},
		}},
		{"without probes all is the host's", []step{
			{func(p *plane) { must(p.t, p.SetProbeAnswers(ProbeAnswers{})) }, tcp(f.web, first, syn|ack), ends(PassNoService)},
			{func(p *plane) { must(p.t, p.SetProbeAnswers(probeAnswers())) }, tcp(f.web, first, syn|ack), ends(PassProbe)},
		}},
	}
}

// echoReply is the answer to a ping of the balancer's.
func (f family) echoReply(from string, id, sequence uint16) []byte {
	kind := byte(0)
	if f.isIPv6() {
		kind = 129
	}
	return f.echo(kind, from, f.host, id, sequence)
}

// probeEcho is such a ping, without Ethernet header.
func (f family) probeEcho(sequence uint16) []byte {
	kind := byte(8)
	if f.isIPv6() {
		kind = 128
	}
	return f.echo(kind, f.host, f.vip, firstProbePort, sequence)[atIP:]
}

func (f family) echo(kind byte, from, to string, id, sequence uint16) []byte {
	protocol := protocolICMP
	if f.isIPv6() {
		protocol = protocolICMPv6
	}
	message := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{kind, 0, 0, 0}, id), sequence)
	return ip(netip.MustParseAddr(from), netip.MustParseAddr(to), protocol, append(message, "hello"...))
}

func TestPortsThatAreNoRangeAreRefused(t *testing.T) {
	d := openPlane(t, Options{})
	for _, a := range []ProbeAnswers{{FirstPort: 2, LastPort: 1}, {LastPort: 1}, {MAC: probeMAC}} {
		if err := d.SetProbeAnswers(a); err == nil {
			t.Errorf("%+v is taken", a)
		}
	}
}

// Return codes of a classifier.
const (
	tcOK   = 0
	tcShot = 2
)

// markAt is the place of the mark in struct __sk_buff (linux/bpf.h), which is so many bytes long.
const (
	markAt     = 8
	skBuffSize = 192
)

// addressed runs the program for probes on a frame with a mark.
func (p *plane) addressed(frame []byte, mark uint32) (action uint32, out []byte, left uint32) {
	p.t.Helper()
	buffer := make([]byte, skBuffSize)
	binary.NativeEndian.PutUint32(buffer[markAt:], mark)
	opts := &ebpf.RunOptions{Data: frame, DataOut: make([]byte, len(frame)), Context: buffer, ContextOut: make([]byte, skBuffSize)}
	action, err := p.objects.Probe.Run(opts)
	must(p.t, err)
	return action, opts.DataOut, binary.NativeEndian.Uint32(opts.ContextOut.([]byte)[markAt:])
}

func TestProbesAreAddressedToTheRealServerOfTheirMark(t *testing.T) {
	p := newPlane(t, Options{})
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			p := p.in(t)
			p.renew(f.portTables(t)())
			frame := tcp(portOf(f.host, firstProbePort), f.web, syn)
			for what, test := range map[string]struct {
				given func()
				mark  uint32
				from  MAC // zero: it is dropped
			}{
				"a real server that is up":             {func() {}, 2, ownMAC},
				"one behind another interface":         {func() {}, 1, farMAC},
				"one that is down":                     {func() { p.setState(4, RealDown) }, 4, ownMAC},
				"one whose MAC is not known":           {func() { p.setState(3, RealAbsent) }, 3, MAC{}},
				"no mark":                              {func() {}, 0, MAC{}},
				"an id that is not given":              {func() {}, 6, MAC{}},
				"an id beyond the table":               {func() {}, 1 << 23, MAC{}},
				"this host itself":                     {func() { p.change(func(w *Tables) { w.Reals[5].Port = PortLocal }) }, 5, MAC{}},
				"one behind an interface that is gone": {func() { p.change(func(w *Tables) { w.Reals[2].Port = 9 }) }, 2, MAC{}},
			} {
				t.Run(what, func(t *testing.T) {
					p.renew(f.portTables(t)())
					test.given()
					action, out, mark := p.addressed(frame, test.mark)
					if test.from == (MAC{}) {
						if action != tcShot {
							t.Errorf("it is not dropped, but %d", action)
						}
						return
					}
					if want := sentFrom(frame, test.from, realMAC(RealID(test.mark))); action != tcOK || !slices.Equal(out, want) {
						t.Errorf("action %d, the frame became\n  %x, want\n  %x", action, out, want)
					}
					if mark != 0 {
						t.Errorf("the mark %d is left for the interface below", mark)
					}
				})
			}
		})
	}
}

func TestAProgramForProbesReadsTheTablesThatGrowMakes(t *testing.T) {
	p := newPlane(t, Options{})
	before, err := p.ProbeProgram()
	must(t, err)
	must(t, p.Grow(Sizes{Flows: 1, Flows6: 1, Reals: 511}))
	after, err := p.ProbeProgram()
	must(t, err)
	if after.ID == before.ID {
		t.Fatal("the program is still the one of the old tables")
	}
	p.change(func(want *Tables) { *want = families[0].portTables(t)() })
	p.setState(2, RealDown)
	if action, _, _ := p.addressed(tcp(portOf(families[0].host, firstProbePort), web, syn), 2); action != tcOK {
		t.Errorf("action %d", action)
	}
}
