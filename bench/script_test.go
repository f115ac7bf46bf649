package main

import (
	"testing"

	"drover/bench/yardstick"
)

func TestScripts(t *testing.T) {
	const flows, more = 1000, 5000
	opened := make(map[yardstick.PlayerStep]bool)
	for i, s := range openEach(flows) {
		if syn := s.Flags == rawPort(tcpSYN); syn != (i%2 == 0) {
			t.Fatalf("step %d: SYN is %v", i, syn)
		}
		opened[s] = true
	}
	if len(opened) != 2*flows {
		t.Errorf("%d different packets open %d connections", len(opened), flows)
	}
	used := make(map[yardstick.PlayerStep]bool)
	for _, s := range useEach(flows) {
		if !opened[s] {
			t.Fatalf("%+v belongs to no connection that was opened", s)
		}
		used[s] = true
	}
	if len(used) != flows {
		t.Errorf("%d of %d connections are used", len(used), flows)
	}
	fresh := make(map[yardstick.PlayerStep]bool)
	for _, s := range openMore(flows, more) {
		if opened[s] {
			t.Fatalf("%+v was opened before", s)
		}
		fresh[s] = true
	}
	if len(fresh) != more {
		t.Errorf("%d different connections of %d are opened on top", len(fresh), more)
	}
}

func TestForwarded(t *testing.T) {
	good := IPv4.frame()
	copy(good, realMACs()[1])
	copy(good[6:], balancerMAC())
	if err := forwarded(xdpTX, good); err != nil {
		t.Errorf("a packet to a real server: %v", err)
	}
	if forwarded(xdpTX-1, good) == nil {
		t.Error("a packet that was passed counts as forwarded")
	}
	copy(good[6:], routerMAC())
	if forwarded(xdpTX, good) == nil {
		t.Error("a packet that keeps its source counts as forwarded")
	}
	if forwarded(xdpTX, IPv4.frame()) == nil {
		t.Error("a packet to no real server counts as forwarded")
	}
}
