package main

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"drover/bench/testbed"
)

// shortestFrame is the length in bytes of the shortest Ethernet frame, without check sequence.
const shortestFrame = 60

// stranger is a client that is nowhere, so that nobody answers its segments: its frames are made by hand, because no host
// here has a VLAN interface.
var stranger, stranger6 = netip.MustParseAddr("192.168.100.99"), netip.MustParseAddr("2001:db8:100::99")

func TestFramesKeepTheirVLANTagsAndTheirPadding(t *testing.T) {
	t.Parallel()
	n := newAlone(t, virtualServer(vip.String()+" 80", "rr", "TCP", bothWebs("80", 1, 1)...)+
		virtualServer(vip6.String()+" 80", "rr", "TCP", bothWebs6("80")...))
	n.startAlone()
	n.untilUpIn(n.high, 1, 2)
	port := layers.TCPPort(40000)
	for name, tags := range map[string]string{
		"no tag":            "",
		"802.1Q":            "\x81\x00\x00\x07",
		"802.1Q in 802.1ad": "\x88\xa8\x00\x64\x81\x00\x60\x07",
		"802.1Q in 802.1Q":  "\x81\x00\x00\x64\x81\x00\x60\x07",
	} {
		t.Run(name, func(t *testing.T) {
			n.t = t
			for _, ends := range [][2]netip.Addr{{stranger, vip}, {stranger6, vip6}} {
				port++
				open := n.mustForward(n.frame(tags, ends, layers.TCP{SrcPort: port, SYN: true}))
				for range 2 { // the first goes the whole way, the second the express lane
					bare := n.frame(tags, ends, layers.TCP{SrcPort: port, ACK: true, Seq: 1, Ack: 1})
					if to := n.mustForward(bare); to != open {
						t.Errorf("an ACK of %d bytes goes to %s, the SYN before it went to %s", len(bare), to, open)
					}
				}
			}
		})
	}
	n.t = t
	s, err := n.status(n.high)
	n.must(err)
	if s.Verdicts["forward-new"] != 8 || s.Verdicts["forward-flow"] != 16 {
		t.Errorf("of 8 connections of 3 frames the verdicts are %v", s.Verdicts)
	}
}

// frame makes a frame for the balancer with a bare segment, padded as a NIC does; but the padding is not zero.
func (n *network) frame(tags string, ends [2]netip.Addr, tcp layers.TCP) []byte {
	n.t.Helper()
	tcp.DstPort, tcp.Window = 80, 1000
	source, destination := ends[0].AsSlice(), ends[1].AsSlice()
	var header gopacket.NetworkLayer = &layers.IPv4{
		Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: source, DstIP: destination,
	}
	etherType := []byte{0x08, 0x00}
	if ends[1].Is6() {
		header = &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: source, DstIP: destination}
		etherType = []byte{0x86, 0xdd}
	}
	n.must(tcp.SetNetworkLayerForChecksum(header))
	packet := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	n.must(gopacket.SerializeLayers(packet, options, header.(gopacket.SerializableLayer), &tcp))
	to, from := n.high.MAC(), n.client.MAC()
	frame := slices.Concat(to[:], from[:], []byte(tags), etherType, packet.Bytes())
	if short := shortestFrame - len(frame); short > 0 {
		frame = append(frame, bytes.Repeat([]byte{0xee}, short)...)
	}
	return frame
}

// mustForward sends a frame to the balancer and returns the web server that it comes to, the same but for the MACs.
func (n *network) mustForward(frame []byte) string {
	n.t.Helper()
	const macs = 12
	sent := n.watch(func(f testbed.Frame) bool { return f.Port == n.high.Name() && bytes.Equal(f.Data[macs:], frame[macs:]) })
	defer sent.Close()
	n.must(n.client.Send(frame))
	ctx, cancel := context.WithTimeout(n.t.Context(), answerTime)
	defer cancel()
	f, err := sent.Next(ctx)
	n.must(err)
	if f.Source() != n.high.MAC() {
		n.t.Errorf("the balancer sends %s, not from its own MAC", f)
	}
	return n.lab.HostByMAC(f.Destination())
}
