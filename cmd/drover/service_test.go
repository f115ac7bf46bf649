package main

import (
	"net/netip"
	"testing"

	"drover/ctrl/api"
)

func TestAServiceOfAllPortsKeepsAClientOnOneRealServer(t *testing.T) {
	t.Parallel()
	n := newAlone(t, virtualServer(vip.String()+" 80", "rr", "TCP", bothWebs("80", 1, 1)...)+
		with(virtualServer(vip.String(), "rr", "TCP", unchecked("192.168.100.150", 1), unchecked("192.168.100.151", 1)),
			"persistence_timeout 60"))
	for _, web := range n.webs {
		n.serveWebOn(web, ":8001")
		n.serveWebOn(web, ":8002")
	}
	n.startAlone()
	n.untilUpIn(n.high, 1, 2)
	answers := make(map[string]int)
	for range 5 {
		for _, port := range []uint16{8001, 8002} {
			_, who := n.holdPort(netip.AddrPortFrom(vip, port))
			answers[who]++
		}
	}
	if len(answers) != 1 {
		t.Errorf("connections of one client to two ports are answered by %v", answers)
	}
	n.mustAlternate(vip, 6) // a service of one port comes first, and this one has no persistence
	s, err := n.status(n.high)
	n.must(err)
	if all := s.VirtualServers[1]; all.Port != 0 || all.Connections != 10 || all.PersistenceTimeout != 60 {
		t.Errorf("status shows %+v", all)
	}
}

func TestDatagramsThatAreScheduledOneByOneAlternate(t *testing.T) {
	t.Parallel()
	service := netip.AddrPortFrom(vip, 5353)
	n := newAlone(t, with(virtualServer(vip.String()+" 5353", "rr", "UDP", bothWebs("5353", 1, 1)...), "ops"))
	for _, web := range n.webs {
		n.serveUDP(web, service)
	}
	n.startAlone()
	conn := n.dialUDP(service)
	answers := make(map[string]int)
	for range 20 {
		who, err := ping(conn)
		n.must(err)
		answers[who]++
	}
	if answers["web150"] != 10 || answers["web151"] != 10 {
		t.Errorf("20 datagrams of one socket are answered by %v", answers)
	}
	s, err := n.status(n.high)
	n.must(err)
	if s.Flows.Live != 0 || s.VirtualServers[0].Connections != 20 {
		t.Errorf("status shows %d flows, and %d connections", s.Flows.Live, s.VirtualServers[0].Connections)
	}
}

func TestARealServerThatHasEnoughGetsNoMoreUntilItHasLess(t *testing.T) {
	t.Parallel()
	n := newAlone(t, "global_defs {\n  lvs_timeouts tcpfin 1\n}\n"+virtualServer(vip.String()+" 80", "rr", "TCP",
		unchecked("192.168.100.150 80", 1, "uthreshold 2", "lthreshold 1"), unchecked("192.168.100.151 80", 1)))
	n.startAlone()
	held := make(map[string][]*connection)
	for range 6 {
		c, who := n.hold(vip)
		held[who] = append(held[who], c)
	}
	if len(held["web150"]) != 2 {
		t.Fatalf("of 6 connections %d are answered by the one with uthreshold 2", len(held["web150"]))
	}
	n.untilStatus(n.high, "it overloaded", func(s api.Status) bool { return realServerOf(s, n.webs[0]).Overloaded })
	for _, c := range held["web150"] {
		n.must(c.Close())
	}
	n.untilStatus(n.high, "it relieved", func(s api.Status) bool { return !realServerOf(s, n.webs[0]).Overloaded })
	n.mustAlternate(vip, 2)
}
