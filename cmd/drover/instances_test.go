package main

import (
	"net/netip"
	"strings"
	"testing"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// activeActive is the configuration of a balancer in two VRRP groups, with a priority for each.
func activeActive(first, second int) string {
	service := func(address netip.Addr) string {
		return virtualServer(address.String()+" 80", "rr", "TCP",
			realServer("192.168.100.150 80", 1), realServer("192.168.100.151 80", 1))
	}
	other := strings.NewReplacer("SERVICE", "OTHER", "virtual_router_id 110", "virtual_router_id 111").
		Replace(instance(second, otherVIP.String()))
	return instance(first, vip.String()) + other + service(vip) + service(otherVIP)
}

func TestTwoInstancesOnOneInterfaceAreMasterEachOnItsOwnNode(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.must(n.low.WriteFile(defaultConfig, activeActive(11, 12)))
	n.must(n.high.WriteFile(defaultConfig, activeActive(12, 11)))
	low := n.start(n.low)
	n.start(n.high)
	n.untilStates(n.high, "MASTER", "BACKUP")
	n.untilStates(n.low, "BACKUP", "MASTER")
	n.mustServeBoth()
	s, err := n.status(n.high)
	n.must(err)
	if !s.VirtualServers[0].Active || s.VirtualServers[1].Active {
		t.Errorf("active on the first node: %t, %t, want only the first virtual server", s.VirtualServers[0].Active, s.VirtualServers[1].Active)
	}

	low.kill()
	n.untilStates(n.high, "MASTER", "MASTER")
	n.mustServeBoth()

	n.reload(n.high, tutorialConfig(12)) // the second instance is gone, the first is not touched
	n.until("the second VIP is gone", func() (bool, error) { return !n.holds(n.high, otherVIP), nil })
	if !n.holds(n.high, vip) {
		t.Error("the first VIP is gone too")
	}
	if who, err := n.get(); err != nil {
		t.Errorf("the first VIP is answered by %q, %v", who, err)
	}
}

// untilStates waits for the states of two instances.
func (n *network) untilStates(h *testbed.Host, first, second string) {
	n.t.Helper()
	n.untilStatus(h, first+" and "+second, func(s api.Status) bool {
		return len(s.Instances) == 2 && s.Instances[0].State == first && s.Instances[1].State == second
	})
}

// mustServeBoth makes connections to both VIPs, which alternate.
func (n *network) mustServeBoth() {
	n.t.Helper()
	for _, address := range []netip.Addr{vip, otherVIP} {
		if answers := n.count(4, address); answers["web150"] != 2 || answers["web151"] != 2 {
			n.t.Errorf("%s is answered by %v, want each web server twice", address, answers)
		}
	}
}
