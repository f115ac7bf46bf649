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
// goodbye, to the last byte. v3_checksum_as_v2 has no row: keepalived 2.2.7, which this is measured with, does not know it.
func TestDroverSendsTheFramesThatKeepalivedSends(t *testing.T) {
	t.Parallel()
	const fast = 100 * time.Millisecond
	ipv4 := prefixes("192.168.100.221/24", "192.168.100.222/24")
	ipv6 := prefixes("fe80::110/64", "2001:db8:100::221/64")
	for _, c := range []struct {
		name      string
		agreement agreement
		announced int // how often each address, at least; 0 is once
	}{
		{"version 2", agreement{version: 2, interval: time.Second, vips: ipv4}, 0},
		{"version 3 of IPv4", agreement{version: 3, interval: fast, vips: ipv4}, 0},
		{"version 3 of IPv6", agreement{version: 3, interval: fast, vips: ipv6}, 0},
		{"excluded addresses", agreement{version: 3, interval: fast, vips: ipv4, excluded: prefixes("192.168.100.231/24", "2001:db8:100::231/64")}, 0},
		{"excluded addresses of IPv6", agreement{version: 3, interval: fast, vips: ipv6, excluded: prefixes("192.168.100.231/24", "2001:db8:100::231/64")}, 0},
		{"excluded addresses of version 2", agreement{version: 2, interval: time.Second, vips: ipv4, excluded: prefixes("192.168.100.231/24")}, 0},
		{"repeated announcements", agreement{version: 3, interval: fast, vips: ipv4, more: []string{"garp_master_refresh 1"}}, 7},
		{"repeated announcements of IPv6", agreement{version: 3, interval: fast, vips: ipv6, more: []string{"garp_master_refresh 1"}}, 7},
		{"other multicast group", agreement{version: 3, interval: fast, vips: ipv4, more: []string{"mcast_dst_ip 224.0.0.19"}}, 0},
		{"other multicast group for all", agreement{version: 3, interval: fast, vips: ipv4, beside: "global_defs {\n  vrrp_mcast_group4 224.0.0.19\n}\n"}, 0},
		{"other multicast group of IPv6 for all", agreement{version: 3, interval: fast, vips: ipv6, beside: "global_defs {\n  vrrp_mcast_group6 ff02::19\n}\n"}, 0},
		{"other source", agreement{version: 3, interval: fast, vips: ipv4, more: []string{"mcast_src_ip 192.168.100.213"}}, 0},
		{"strict mode", agreement{version: 3, interval: fast, vips: ipv4, more: []string{"strict_mode"}}, 0},
		{"strict mode of IPv6", agreement{version: 3, interval: fast, vips: ipv6, more: []string{"strict_mode"}}, 0},
		{"unicast of version 2", agreement{version: 2, interval: time.Second, vips: ipv4, unicast: true, more: []string{"unicast_ttl 64"}}, 0},
		{"unicast", agreement{version: 3, interval: fast, vips: ipv4, unicast: true, more: []string{"unicast_ttl 64"}}, 0},
		{"unicast of IPv6", agreement{version: 3, interval: fast, vips: ipv6, unicast: true, more: []string{"unicast_ttl 64"}}, 0},
		{"unicast with a virtual MAC", agreement{version: 3, interval: fast, vips: ipv4, unicast: true, vmac: true, more: []string{"unicast_ttl 64"}}, 0},
		{"virtual MAC of version 2", agreement{version: 2, interval: time.Second, vips: ipv4, vmac: true}, 0},
		{"virtual MAC", agreement{version: 3, interval: fast, vips: ipv4, vmac: true}, 0},
		{"virtual MAC, adverts without it", agreement{version: 3, interval: fast, vips: ipv4, vmac: true, more: []string{"vmac_xmit_base"}}, 0},
		{"virtual MAC of IPv6", agreement{version: 3, interval: fast, vips: ipv6, vmac: true}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, c.agreement, speakKeepalived, speakDrover)
			want := p.lifeOf(speakKeepalived, max(1, c.announced))
			got := p.lifeOf(speakDrover, max(1, c.announced))
			if !slices.Equal(got, want) {
				t.Errorf("drover sends\n%s\nand keepalived\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// lifeOf runs a program on the host high until it is master and has announced each address so often, ends it, and returns each
// frame that it sent once, in the order of the first times.
func (p *pair) lifeOf(speak speaker, times int) []string {
	p.t.Helper()
	watch := p.watch(func(f testbed.Frame) bool { return f.Port == p.high.Name() && ofVRRP(f) })
	p.high.speak = speak
	p.start(p.high)
	announced := func() (bool, error) { return p.announced(watch.Seen(), times), nil }
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

// announced tells whether every address was announced so often.
func (p *pair) announced(frames []testbed.Frame, times int) bool {
	counts := make(map[netip.Addr]int)
	for _, f := range frames {
		if told, is := announcement(f); is {
			counts[told]++
		}
	}
	return !slices.ContainsFunc(slices.Concat(p.vips, p.excluded), func(address netip.Prefix) bool {
		return counts[address.Addr()] < times
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
