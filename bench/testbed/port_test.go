package testbed_test

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, text := range list {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

func TestHostsOfTwoLANsReachEachOtherOnlyByARouter(t *testing.T) {
	lab := newLab(t)
	add := func(spec testbed.HostSpec) *testbed.Host {
		h, err := lab.AddHost(spec)
		check(t, err)
		return h
	}
	gateways := func(list ...string) (out []netip.Addr) {
		for _, text := range list {
			out = append(out, netip.MustParseAddr(text))
		}
		return out
	}
	near := add(testbed.HostSpec{
		Name: "near", Addresses: prefixes("192.0.2.1/24", "2001:db8:1::1/64"), Gateways: gateways("192.0.2.9", "2001:db8:1::9"),
	})
	far := add(testbed.HostSpec{
		Name: "far", LAN: "other", Addresses: prefixes("198.51.100.1/24", "2001:db8:2::1/64"),
		Gateways: gateways("198.51.100.9", "2001:db8:2::9"),
	})
	serveEcho(t, far)
	if echo(t, near, far, 200*time.Millisecond) {
		t.Error("the switch forwards from one LAN to another")
	}
	add(testbed.HostSpec{
		Name: "router", Interface: "eth0", Addresses: prefixes("192.0.2.9/24", "2001:db8:1::9/64"),
		More:    []testbed.Port{{Interface: "eth1", LAN: "other", Addresses: prefixes("198.51.100.9/24", "2001:db8:2::9/64")}},
		Sysctls: map[string]string{"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"},
	})
	awaitEcho(t, near, far)
	frames, err := lab.Watch(func(f testbed.Frame) bool { _, udp := f.UDP(); return udp })
	check(t, err)
	if !echo(t, near, far, 5*time.Second) {
		t.Error("no answer by way of the router")
	}
	check(t, frames.Close())
	var path []string
	for _, f := range frames.Seen() {
		path = append(path, f.Port+"@"+f.LAN)
	}
	if want := "near@ router@other far@other router@"; strings.Join(path, " ") != want {
		t.Errorf("a datagram and its answer enter the switch by %v, want %s", path, want)
	}
}

func TestAFrameKeepsItsVLANTagsOnItsWayThroughTheSwitch(t *testing.T) {
	p := newPair(t)
	to, from := p.right.MAC(), p.left.MAC()
	for _, tags := range []string{"", "\x81\x00\x00\x07", "\x88\xa8\x00\x64\x81\x00\x60\x07", "\x81\x00\x00\x64\x81\x00\x60\x07"} {
		frame := slices.Concat(to[:], from[:], []byte(tags), []byte("\x88\xb5"), bytes.Repeat([]byte{0xee}, 46)) // for experiments
		watch, err := p.lab.Watch(nil)
		check(t, err)
		check(t, p.left.Send(frame))
		seen, err := watch.Find(within(t), func(f testbed.Frame) bool { return bytes.HasSuffix(f.Data, frame[len(frame)-46:]) })
		check(t, err)
		if !bytes.Equal(seen.Data, frame) {
			t.Errorf("tags %x: sent %x, seen %x", tags, frame, seen.Data)
		}
		check(t, watch.Close())
	}
}

func TestAPortThatCannotBe(t *testing.T) {
	lab := newLab(t)
	for want, port := range map[string]testbed.Port{
		`interface name ""`:       {LAN: "b"},
		"name of LAN":             {Interface: "eth1", LAN: "much-too-long"},
		"a group address":         {Interface: "eth1", LAN: "b", MAC: testbed.Broadcast},
		"an address is not valid": {Interface: "eth1", LAN: "b", Addresses: []netip.Prefix{{}}},
	} {
		_, err := lab.AddHost(testbed.HostSpec{Name: "host", More: []testbed.Port{port}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", port, err, want)
		}
	}
}
