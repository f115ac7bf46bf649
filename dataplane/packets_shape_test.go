package dataplane

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// shape is a way to wrap a packet.
type shape struct {
	name string
	wrap func(frame []byte) []byte
}

// tags are the ways to tag a frame that are balanced.
var tags = []shape{
	{"without tag", slices.Clone[[]byte]},
	{"with an 802.1Q tag", func(frame []byte) []byte { return tagged(frame, customerTag) }},
	{"with an 802.1ad tag", func(frame []byte) []byte { return tagged(frame, serviceTag) }},
	{"in QinQ", func(frame []byte) []byte { return tagged(frame, serviceTag, customerTag) }},
	{"in two 802.1Q tags", func(frame []byte) []byte { return tagged(frame, customerTag, customerTag) }},
}

// TestTags has the life of a connection in frames with VLAN tags, which stay as they came.
func TestTags(t *testing.T) {
	inBoth(t, func(f family) (stories []story) {
		for _, in := range tags {
			stories = append(stories, story{"a connection " + in.name, []step{
				{nil, in.wrap(tcp(f.client, f.web, syn)), opened(1)},
				{nil, in.wrap(tcp(f.client, f.web, ack)), kept(1)},
				{nil, in.wrap(padded(tcp(f.client, f.web, ack))), kept(1)},
				{nil, padded(in.wrap(tcp(f.client, f.web, ack))), kept(1)},
				{nil, in.wrap(udp(f.client, f.dns)), opened(3)},
				{nil, in.wrap(padded(udp(f.client, f.dns))), kept(3)},
				{nil, in.wrap(tcp(f.client, f.web, fin|ack)), kept(1)},
				{nil, in.wrap(tcp(f.client, f.web, syn)), opened(2)},
				{nil, in.wrap(tcp(f.client, portOf(f.vip, 81), syn)), ends(PassNoService)},
				{nil, in.wrap(f.ofProtocol(112)), ends(PassProtocol)},
				{nil, with(in.wrap(tcp(f.client, f.web, ack)), atDestination, routerMAC[:]...), ends(PassOtherHost)},
			}})
		}
		opening := tcp(f.client, f.web, syn)
		return append(stories, []story{
			{"three tags are one too many", one(tagged(opening, serviceTag, customerTag, customerTag), PassNotIP)},
			{"a tag of another kind is no IP", one(tagged(opening, 0x9100), PassNotIP)},
			{"a tagged LLDP frame is no IP", one(tagged(ethernet(ownMAC, 0x88cc, make([]byte, 46)), customerTag), PassNotIP)},
			{"priority tags are tags", single(with(tagged(opening, customerTag), atIP, 0xe0, 0), opened(1))},
		}...)
	})
}

// single is a single frame with its outcome.
func single(frame []byte, want outcome) []step { return []step{{frame: frame, want: want}} }

// TestABarePaddedACKIsOneMorePacket has the shortest packets of connections, which network cards pad to 60 bytes before
// or after they tag them.
func TestABarePaddedACKIsOneMorePacket(t *testing.T) {
	inBoth(t, func(f family) (stories []story) {
		for _, flags := range []byte{ack, fin | ack, rst, rst | ack} {
			bare := padded(tcp(f.client, f.web, flags))
			stories = append(stories, story{fmt.Sprintf("flags %#x", flags), []step{
				{nil, padded(tcp(f.client, f.web, syn)), opened(1)},
				{nil, padded(tcp(f.client, f.web, ack)), kept(1)},
				{nil, bare, kept(1)},
				{nil, tagged(bare, customerTag), kept(1)},
				{nil, padded(tagged(tcp(f.client, f.web, flags), serviceTag, customerTag)), kept(1)},
			}})
		}
		return stories
	})
}

// TestIPOptions has IPv4 headers of every length.
func TestIPOptions(t *testing.T) {
	var stories []story
	for words := 1; words <= 10; words++ {
		stories = append(stories, story{fmt.Sprintf("%d words of options", words), []step{
			{nil, withOptions(tcp(client, web, syn), words), opened(1)},
			{nil, withOptions(tcp(client, web, ack), words), kept(1)},
			{nil, tcp(client, web, ack), kept(1)},
			{nil, tagged(withOptions(tcp(client, web, ack), words), customerTag), kept(1)},
			{nil, withOptions(udp(client, dns), words), opened(3)},
			{nil, withOptions(tcp(client, web, fin|ack), words), kept(1)},
			{nil, withOptions(tcp(client, web, syn), words), opened(2)},
		}})
	}
	for words := range 5 {
		short := with(tcp(client, web, syn), atIP, byte(0x40|words))
		stories = append(stories, story{fmt.Sprintf("a header of %d words is too short to be one", words), []step{
			{nil, short, ends(PassMalformed)},
			{nil, tagged(short, customerTag), ends(PassMalformed)},
		}})
	}
	tell(t, append(stories, []story{
		{"options past the end are malformed", one(with(tcp(client, web, syn), atIP, 0x4f), PassMalformed)},
		{"options up to the end leave no TCP header", one(with(tcp(client, web, syn), atIP, 0x4a), PassMalformed)},
		{"options up to the end leave no UDP header", one(with(udp(client, dns), atIP, 0x48), PassMalformed)},
	}...))
}

// TestStatedLength has IP packets that say that they are longer or shorter than they are. What the frame has beyond the
// packet is a trailer.
func TestStatedLength(t *testing.T) {
	inBoth(t, func(f family) []story {
		segment, datagram := tcp(f.client, f.web, ack), udp(f.client, f.dns)
		return []story{
			{"more than the frame has is malformed", []step{
				{nil, f.stating(segment, f.header+21), ends(PassMalformed)},
				{nil, f.stating(segment, 65535), ends(PassMalformed)},
				{nil, f.stating(datagram, f.header+13), ends(PassMalformed)},
			}},
			{"more than the frame has is malformed in a connection, too", then(f.established(),
				step{nil, f.stating(segment, f.header+21), ends(PassMalformed)},
				step{nil, tagged(f.stating(segment, f.header+21), customerTag), ends(PassMalformed)},
				step{nil, f.stating(segment, 65535), ends(PassMalformed)},
				step{nil, f.stating(datagram, f.header+13), ends(PassMalformed)},
				step{nil, tagged(f.stating(datagram, f.header+13), serviceTag, customerTag), ends(PassMalformed)})},
			{"a datagram in a longer frame is whole", []step{
				{nil, append(slices.Clone(datagram), 0xff), opened(3)},
				{nil, append(slices.Clone(datagram), make([]byte, 1000)...), kept(3)},
			}},
			{"every length that leaves out a byte of the TCP header is malformed, in a connection too",
				shorter(f, tcp(f.client, f.web, syn), segment, opened(1), kept(1), f.header+20)},
			{"every length that leaves out a byte of the UDP header is malformed, in a connection too",
				shorter(f, datagram, datagram, opened(3), kept(3), f.header+8)},
		}
	})
}

// shorter opens a connection and then sends packets in it that say that they are shorter than they must be.
func shorter(f family, opening, more []byte, open, keep outcome, least int) []step {
	steps := []step{{nil, opening, open}, {nil, more, keep}, {nil, more, keep}}
	first := 0
	if f.isIPv6() {
		first = f.header // the length is that of the payload
	}
	for length := first; length < least; length++ {
		short := f.stating(more, length)
		steps = append(steps, step{nil, short, ends(PassMalformed)},
			step{nil, tagged(short, customerTag), ends(PassMalformed)})
	}
	return append(steps, step{nil, f.stating(more, least), keep})
}

// stating returns the frame with another length of its IP packet.
func (f family) stating(frame []byte, length int) []byte {
	if f.isIPv6() {
		return with(frame, atPayloadLength, binary.BigEndian.AppendUint16(nil, uint16(length-f.header))...)
	}
	return with(frame, atLength, binary.BigEndian.AppendUint16(nil, uint16(length))...)
}

// ofLength is a TCP segment whose IP packet has a length.
func (f family) ofLength(flags byte, length int) []byte {
	return sized(append(tcp(f.client, f.web, flags), make([]byte, length-f.header-20)...))
}

// TestMTU has packets around the largest that the interface takes. Tags and trailers are not part of them.
func TestMTU(t *testing.T) {
	p := newPlane(t, Options{})
	for _, mtu := range []int{576, 1280, 1500, 3000} {
		p.attachedTo(Interface{MAC: ownMAC, MTU: mtu})
		for _, f := range families {
			t.Run(fmt.Sprintf("%s, MTU %d", f.name, mtu), func(t *testing.T) {
				p := p.in(t)
				p.renew(f.tables())
				p.expect(f.ofLength(syn, mtu+1), ends(DropTooBig))
				justNow(p)
				p.expect(f.ofLength(syn, mtu), kept(1))
				for _, in := range tags {
					p.expect(in.wrap(f.ofLength(ack, mtu)), kept(1))
					p.expect(in.wrap(f.ofLength(ack, mtu+1)), ends(DropTooBig))
					p.expect(append(in.wrap(f.ofLength(ack, mtu)), "trailer"...), kept(1))
				}
				p.expect(f.ofLength(fin|ack, mtu+1), ends(DropTooBig))
				p.expect(tcp(f.client, f.web, ack), kept(1))
			})
		}
	}
}

// largest is the longest frame that the kernel takes for a test in one piece: a page of 4096 bytes, less the headroom
// and what stands at the end.
const largest = 3400

// TestJumboFrames has frames as large as can be tried.
func TestJumboFrames(t *testing.T) {
	p := newPlane(t, Options{})
	p.attachedTo(Interface{MAC: ownMAC, MTU: 9000})
	for _, f := range families {
		for _, in := range tags {
			t.Run(f.name+" "+in.name, func(t *testing.T) {
				p := p.in(t)
				p.renew(f.tables())
				p.expect(in.wrap(f.ofLength(syn, largest-atIP-8)), opened(1))
				p.expect(in.wrap(f.ofLength(ack, largest-atIP-8)), kept(1))
				datagram := udpOf(netip.MustParseAddrPort(f.client), netip.MustParseAddrPort(f.dns), make([]byte, 3000))
				p.expect(in.wrap(datagram), opened(3))
				p.expect(in.wrap(datagram), kept(3))
			})
		}
	}
}
