package main

import (
	"fmt"
	"net/netip"
	"testing"

	"drover/bench/testbed"
)

// eachOther are two balancers that are each other's real servers, and their own.
func eachOther() string {
	return virtualServer(vip.String()+" 80", "rr", "TCP",
		realServer("192.168.100.211 80", 1), realServer("192.168.100.212 80", 1))
}

// newEachOther boots the two, with the VIP on lo as every real server has it, and a client.
func newEachOther(t *testing.T, low, high string) *network {
	t.Helper()
	n := newLAN(t)
	node := func(name, hardware, address, config string) *testbed.Host {
		spec := testbed.HostSpec{
			Name: name, Interface: "enp1s0", MAC: mac(t, hardware), Addresses: prefixes(address), Loopback: []netip.Addr{vip},
			Sysctls: map[string]string{"net.ipv4.conf.enp1s0.arp_ignore": "1", "net.ipv4.conf.enp1s0.arp_announce": "2"},
			Files:   map[string]string{defaultConfig: config},
		}
		return n.addWeb(spec)
	}
	n.low = node("low", "00:0d:b9:41:e0:7c", "192.168.100.211/24", low)
	n.high = node("high", "00:0d:b9:33:12:a4", "192.168.100.212/24", high)
	n.client = n.addHost(testbed.HostSpec{Name: "client", Interface: "eth0", Addresses: prefixes("192.168.100.4/24")})
	return n
}

func TestTwoBalancersThatAreEachOthersRealServersAsMasterAndBackup(t *testing.T) {
	t.Parallel()
	n := newEachOther(t, instance(11, vip.String())+eachOther(), instance(12, vip.String())+eachOther())
	_, high := n.startPair()
	n.mustShareWith(n.high, n.low)
	high.stop()
	n.untilState(n.low, "MASTER")
	n.untilUp(n.low, 2)
	n.mustShareWith(n.low, n.high)
}

func TestTwoBalancersThatAreEachOthersRealServersAndBothServe(t *testing.T) {
	t.Parallel()
	n := newEachOther(t, eachOther(), eachOther()) // without VRRP both are always active
	n.start(n.low)
	n.start(n.high)
	n.untilUp(n.low, 2)
	n.untilUp(n.high, 2)
	for _, way := range [][2]*testbed.Host{{n.high, n.low}, {n.low, n.high}} {
		n.believe(n.client, vip, way[0])
		n.mustShareWith(way[0], way[1])
		s, err := n.status(way[1])
		n.must(err)
		if s.Verdicts["pass-peer"] == 0 {
			t.Errorf("%s does not count what its peer sends it: %v", way[1].Name(), s.Verdicts)
		}
	}
}

// mustShareWith holds that a balancer takes half of the connections itself and sends the other half on to its peer, each
// packet once, and that the peer sends none of them back.
func (n *network) mustShareWith(balancer, peer *testbed.Host) {
	n.t.Helper()
	const connections = 20
	frames := n.watch(func(f testbed.Frame) bool { return isFor(f, vip) })
	n.mustShare(connections, map[string]int{balancer.Name(): connections / 2, peer.Name(): connections / 2})
	n.must(frames.Close())
	sent := make(map[string]int)
	for _, f := range frames.Seen() {
		sent[fmt.Sprintf("%s to %s", f.Port, n.lab.HostByMAC(f.Destination()))]++
	}
	in, on := sent["client to "+balancer.Name()], sent[balancer.Name()+" to "+peer.Name()]
	if len(sent) != 2 || in == 0 || on == 0 || on >= in {
		n.t.Errorf("frames for the VIP: %v; want those from the client, and fewer once from %s to %s", sent,
			balancer.Name(), peer.Name())
	}
}
