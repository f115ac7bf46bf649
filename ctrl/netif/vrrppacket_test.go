package netif

import (
	"bytes"
	"testing"
)

const (
	packet4 = "45c0 0020 0001 0000 ff70 b51d c0a864d4 e0000012 316e0c01000a96f4c0a864dd"
	packet6 = "6c08c3c4 000c 70ff fe80000000000000020db9fffe000002 ff020000000000000000000000000012 316e0c01000a96f4c0a864dd"
)

func TestOnlySoundVRRPIsParsed(t *testing.T) {
	edit := func(at int, to byte) func([]byte) []byte {
		return func(p []byte) []byte {
			p[at] = to
			return p
		}
	}
	cut := func(n int) func([]byte) []byte { return func(p []byte) []byte { return p[:n] } }
	as := func(p []byte) []byte { return p }
	for _, test := range []struct {
		name, packet string
		change       func([]byte) []byte
		ok           bool
	}{
		{"IPv4", packet4, as, true},
		{"IPv4 with padding", packet4, func(p []byte) []byte { return append(p, 0, 0) }, true},
		{"IPv4 with a wrong header checksum", packet4, edit(10, 0), false},
		{"IPv4 longer than the frame", packet4, cut(31), false},
		{"IPv4 with a cut header", packet4, cut(19), false},
		{"IPv4 with too short a header length", packet4, edit(0, 0x44), false},
		{"IPv4 with a header longer than the packet", packet4, edit(0, 0x4f), false},
		{"an IPv4 fragment", "45c0 0020 0001 2000 ff70 951d c0a864d4 e0000012 316e0c01000a96f4c0a864dd", as, false},
		{"IPv4 of another protocol", "45c0 0020 0001 0000 ff11 b57c c0a864d4 e0000012 316e0c01000a96f4c0a864dd", as, false},
		{"IPv6", packet6, as, true},
		{"IPv6 with padding", packet6, func(p []byte) []byte { return append(p, 0, 0) }, true},
		{"IPv6 longer than the frame", packet6, cut(51), false},
		{"IPv6 with a cut header", packet6, cut(39), false},
		{"IPv6 of another protocol", packet6, edit(6, 44), false},
		{"another version", packet4, edit(0, 0x55), false},
		{"nothing", packet4, cut(0), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := parseVRRP(test.change(unhex(t, test.packet)))
			if ok != test.ok {
				t.Fatalf("parsed: %v (%+v), want %v", ok, got, test.ok)
			}
			if ok && !bytes.Equal(got.Payload, unhex(t, "316e0c01000a96f4c0a864dd")) {
				t.Errorf("payload %x", got.Payload)
			}
		})
	}
}

func FuzzParseVRRP(f *testing.F) {
	f.Add(unhex(f, packet4))
	f.Add(unhex(f, packet6))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, ok := parseVRRP(data); ok && p.Source.Is4() != p.Destination.Is4() {
			t.Errorf("two families: %+v", p)
		}
	})
}
