package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"

	"drover/bench/testbed"
)

// In keepalived's place, with its file, Drover sends what keepalived sends: the same adverts, announcements and
// goodbye, to the last byte.
func TestDroverSendsTheFramesThatKeepalivedSends(t *testing.T) {
	t.Parallel()
	const fast = 100 * time.Millisecond
	ipv4 := prefixes("192.168.100.221/24", "192.168.100.222/24")
	ipv6 := prefixes("fe80::110/64", "2001:db8:100::221/64")
	for _, c := range []struct {
		name      string
		agreement agreement
	}{
		{"version 2", agreement{version: 2, interval: time.Second, vips: ipv4}},
		{"version 3 of IPv4", agreement{version: 3, interval: fast, vips: ipv4}},
		{"version 3 of IPv6", agreement{version: 3, interval: fast, vips: ipv6}},
		{"other multicast group", agreement{version: 3, interval: fast, vips: ipv4, more: []string{"mcast_dst_ip 224.0.0.19"}}},
		{"unicast", agreement{version: 3, interval: fast, vips: ipv4, unicast: true, more: []string{"unicast_ttl 64"}}},
		{"unicast of IPv6", agreement{version: 3, interval: fast, vips: ipv6, unicast: true, more: []string{"unicast_ttl 64"}}},
		{"virtual MAC", agreement{version: 3, interval: fast, vips: ipv4, vmac: true}},
		{"virtual MAC, adverts without it", agreement{version: 3, interval: fast, vips: ipv4, vmac: true, more: []string{"vmac_xmit_base"}}},
		{"virtual MAC of IPv6", agreement{version: 3, interval: fast, vips: ipv6, vmac: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, c.agreement, speakKeepalived, speakDrover)
			want := p.lifeOf(speakKeepalived)
			got := p.lifeOf(speakDrover)
			if !slices.Equal(got, want) {
				t.Errorf("drover sends\n%s\nand keepalived\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// lifeOf runs a program on the host high until it is master, ends it, and returns each frame that it sent once, in the
// order of the first times.
func (p *pair) lifeOf(speak speaker) []string {
	p.t.Helper()
	watch := p.watch(func(f testbed.Frame) bool { return f.Port == p.high.Name() && ofVRRP(f) })
	p.high.speak = speak
	p.start(p.high)
	announced := func() (bool, error) { return p.announced(watch.Seen()), nil }
	p.until("the addresses are announced", announced)
	p.high.end(syscall.SIGTERM)
	p.must(watch.Close())
	var frames []string
	for _, f := range watch.Seen() {
		if text := fmt.Sprintf("%x", onTheWire(f)); !slices.Contains(frames, text) {
			frames = append(frames, text)
		}
	}
	return frames
}

// ofVRRP tells what a master sends from what its kernel does.
func ofVRRP(f testbed.Frame) bool {
	_, is := f.VRRP()
	_, says := announcement(f)
	return is || says
}

// announcement is the address that a gratuitous ARP packet or an unsolicited neighbor advertisement announces.
func announcement(f testbed.Frame) (netip.Addr, bool) {
	if arp, is := f.ARP(); is {
		return arp.Sender, arp.Gratuitous()
	}
	const target = 8 // RFC 4861 section 4.4
	ip, is := f.IP()
	if !is || ip.Protocol != uint8(layers.IPProtocolICMPv6) || len(ip.Payload) < target+16 ||
		ip.Payload[0] != layers.ICMPv6TypeNeighborAdvertisement || !ip.Destination.IsMulticast() {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(ip.Payload[target : target+16])
}

// announced tells whether every address was announced.
func (p *pair) announced(frames []testbed.Frame) bool {
	return !slices.ContainsFunc(p.vips, func(address netip.Prefix) bool {
		return !slices.ContainsFunc(frames, func(f testbed.Frame) bool {
			told, is := announcement(f)
			return is && told == address.Addr()
		})
	})
}

// onTheWire is a frame as long as the shortest that Ethernet allows, without the field of the IPv4 header that numbers
// packets and without its checksum, which depends on that.
func onTheWire(f testbed.Frame) []byte {
	const shortest, ethernet, identification, checksum = 60, 14, 4, 10
	data := slices.Concat(f.Data, make([]byte, max(0, shortest-len(f.Data))))
	if ip, is := f.IP(); is && ip.Source.Is4() {
		clear(data[ethernet+identification:][:2])
		clear(data[ethernet+checksum:][:2])
	}
	return data
}
