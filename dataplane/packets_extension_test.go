package dataplane

import (
	"fmt"
	"slices"
	"testing"
)

// TestExtensionHeaders has IPv6 packets with headers before that of TCP or UDP.
func TestExtensionHeaders(t *testing.T) {
	tellOf(t, families[1].tables, slices.Concat(extendedConnections(), manyExtensions(), strangeExtensions()))
}

func extendedConnections() (stories []story) {
	f, atomic := families[1], fragment{id: 7}.extension()
	for _, c := range []struct {
		name    string
		headers []extension
	}{
		{"hop-by-hop options", []extension{padding(hopByHop, 1)}},
		{"long hop-by-hop options", []extension{padding(hopByHop, 20)}},
		{"a routing header", []extension{padding(routing, 3)}},
		{"destination options", []extension{padding(destination, 2)}},
		{"the header of a fragment that is the whole", []extension{atomic}},
		{"each kind in the order of RFC 8200", []extension{
			padding(hopByHop, 1), padding(destination, 1), padding(routing, 3), atomic, padding(destination, 2),
		}},
	} {
		in := func(frame []byte) []byte { return extended(frame, c.headers...) }
		stories = append(stories, story{c.name, []step{
			{nil, in(tcp(f.client, f.web, syn)), opened(1)},
			{nil, in(tcp(f.client, f.web, ack)), kept(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tagged(in(tcp(f.client, f.web, ack)), serviceTag, customerTag), kept(1)},
			{nil, in(udp(f.client, f.dns)), opened(3)},
			{nil, udp(f.client, f.dns), kept(3)},
			{nil, in(tcp(f.client, portOf(f.vip, 81), syn)), ends(PassNoService)},
			{nil, in(f.ofProtocol(112)), ends(PassProtocol)},
			{nil, in(f.echoRequest()), ends(PassProtocol)},
			{nil, in(tcp(f.client, f.web, fin|ack)), kept(1)},
			{nil, in(tcp(f.client, f.web, syn)), opened(2)},
		}})
	}
	return stories
}

// manyExtensions has how many headers are walked over, and how far.
func manyExtensions() (stories []story) {
	f := families[1]
	opening := tcp(f.client, f.web, syn)
	for count := 1; count <= 6; count++ {
		stories = append(stories, story{fmt.Sprintf("%d headers are walked over", count), []step{
			{nil, extended(opening, slices.Repeat([]extension{padding(destination, 1)}, count)...), opened(1)},
		}})
	}
	return append(stories, []story{
		{"seven headers are too many",
			one(extended(opening, slices.Repeat([]extension{padding(destination, 1)}, 7)...), PassProtocol)},
		{"seven headers are too many for an ICMP message",
			one(extended(f.echoRequest(), slices.Repeat([]extension{padding(hopByHop, 1)}, 7)...), PassProtocol)},
		{"a header that fills the frame is walked over", []step{
			{nil, extended(opening, padding(hopByHop, 180)), opened(1)}, // 40 + 1440 + 20 is the MTU
		}},
		{"a header that ends beyond what is looked at is not", []step{
			{nil, extended(opening, padding(hopByHop, 256)), ends(PassMalformed)},
			{nil, extended(opening, padding(hopByHop, 128), padding(destination, 128)), ends(PassMalformed)},
		}},
	}...)
}

// strangeExtensions has headers that are not walked over, or lie.
func strangeExtensions() (stories []story) {
	f := families[1]
	opening := tcp(f.client, f.web, syn)
	for _, c := range []struct {
		name string
		kind byte
	}{
		{"an authentication header", authentication}, {"an encrypted payload", 50}, {"a mobility header", 135},
		{"no next header", 59}, {"an unknown header", 253},
	} {
		stories = append(stories, story{c.name + " is not balanced", []step{
			{nil, extended(opening, padding(c.kind, 2)), ends(PassProtocol)},
			{nil, extended(opening, padding(destination, 2), padding(c.kind, 2)), ends(PassProtocol)},
		}})
	}
	lying := func(frame []byte, eights byte) []byte { return with(frame, atTransport6+1, eights-1) }
	one8, two := extended(opening, padding(hopByHop, 1)), extended(opening, padding(hopByHop, 1), padding(destination, 1))
	return append(stories, []story{
		{"a header that ends beyond the frame is malformed", one(lying(one8, 200), PassMalformed)},
		{"a header that ends with the frame leaves no ports",
			one(lying(extended(opening, padding(hopByHop, 2)), 4), PassMalformed)},
		{"a header that takes in part of TCP leaves too little of it", one(lying(one8, 2), PassMalformed)},
		{"a second header that ends beyond the frame is malformed", one(with(two, atTransport6+9, 200), PassMalformed)},
	}...)
}
