package main

import (
	"strings"
	"syscall"
	"testing"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

func TestReloadAppliesTheDifference(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	third := n.addWeb(testbed.RealServer("web152", mac(t, "b8:27:eb:00:00:03"), prefixes("192.168.100.152/24")[0], vip, otherVIP))
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	adverts := n.watchAdverts()
	long, who := n.hold(vip)

	const web150, web151, web152 = "192.168.100.150 80", "192.168.100.151 80", "192.168.100.152 80"
	service := func(scheduler string, realServers ...string) string {
		return virtualServer(vip.String()+" 80", scheduler, "TCP", realServers...)
	}
	t.Run("SIGHUP adds a real server", func(t *testing.T) {
		n.t = t
		n.must(n.high.WriteFile(defaultConfig, instance(12, vip.String())+
			service("rr", realServer(web150, 1), realServer(web151, 1), realServer(web152, 1))))
		d.signal(syscall.SIGHUP)
		d.untilLogged("reloaded")
		n.untilUp(n.high, 3)
		n.mustShare(30, map[string]int{"web150": 10, "web151": 10, third.Name(): 10})
	})
	t.Run("weights 3 to 1 with wrr", func(t *testing.T) {
		n.t = t
		n.reload(n.high, instance(12, vip.String())+service("wrr", realServer(web150, 3), realServer(web151, 1)))
		n.mustShare(40, map[string]int{"web150": 30, "web151": 10})
	})
	t.Run("a real server is removed", func(t *testing.T) {
		n.t = t
		n.reload(n.high, instance(12, vip.String())+service("rr", realServer(web150, 1), realServer(web151, 1)))
		n.mustShare(20, map[string]int{"web150": 10, "web151": 10})
	})
	t.Run("a VIP and a virtual server are added", func(t *testing.T) {
		n.t = t
		n.reload(n.high, instance(12, vip.String(), otherVIP.String())+service("rr", realServer(web150, 1), realServer(web151, 1))+
			virtualServer(otherVIP.String()+" 80", "rr", "TCP", realServer(web151, 1)))
		n.untilStatus(n.high, "the new real server up", func(s api.Status) bool {
			return len(s.VirtualServers) == 2 && s.VirtualServers[1].RealServers[0].Up
		})
		if who, err := n.getFrom(n.client, otherVIP); who != "web151" {
			t.Errorf("the new virtual server answers %q, %v", who, err)
		}
	})
	t.Run("and removed", func(t *testing.T) {
		n.t = t
		n.reload(n.high, tutorialConfig(12))
		n.untilStatus(n.high, "one virtual server", func(s api.Status) bool { return len(s.VirtualServers) == 1 })
		if n.holds(n.high, otherVIP) {
			t.Error("the removed VIP is still on the interface")
		}
	})
	t.Run("the priority changes and the MASTER stays MASTER", func(t *testing.T) {
		n.t = t
		n.reload(n.high, tutorialConfig(20))
		n.until("an advert has the new priority", func() (bool, error) { return adverts.next(n.high).priority == 20, nil })
	})
	n.t = t
	if strings.Contains(d.log.String(), "from=MASTER") {
		t.Error("it did not stay MASTER")
	}
	n.mustStay(long, who)
}

func TestABadFileIsRefusedAndTheRunningConfigurationStays(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	long, who := n.hold(vip)
	n.must(n.high.WriteFile(defaultConfig, strings.Replace(tutorialConfig(12), "priority", "priorty", 1)))

	stdout, stderr, code := n.ask(n.high, "reload")
	if code != exitFailed {
		t.Errorf("drover reload exits with %d, want %d", code, exitFailed)
	}
	if want := defaultConfig + ":7:3: error: "; !strings.Contains(stdout, want) || !strings.Contains(stdout, "priority") {
		t.Errorf("drover reload prints %q, want a finding at %s that names priority", stdout, want)
	}
	if !strings.Contains(stderr, "refused") {
		t.Errorf("drover reload says %q", stderr)
	}
	d.signal(syscall.SIGHUP)
	d.untilLogged("is refused")
	n.must(n.high.WriteFile(defaultConfig, "")) // an editor that truncates first
	if stdout, _, code := n.ask(n.high, "reload"); code != exitFailed || !strings.Contains(stdout, "nothing to do") {
		t.Errorf("drover reload of an empty file prints %q and exits with %d, want %d", stdout, code, exitFailed)
	}

	n.untilState(n.high, "MASTER")
	n.mustStay(long, who)
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
}

func TestWeightZeroDrains(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	var long *connection
	for who := ""; who != "web150"; {
		long, who = n.hold(vip)
	}
	n.reload(n.high, instance(12, vip.String())+virtualServer(vip.String()+" 80", "rr", "TCP",
		realServer("192.168.100.150 80", 0), realServer("192.168.100.151 80", 1)))
	n.mustShare(20, map[string]int{"web151": 20})
	n.mustStay(long, "web150")
	s, err := n.status(n.high)
	n.must(err)
	if r := realServerOf(s, n.webs[0]); !r.Draining || !r.Up || r.ActiveConnections != 1 {
		t.Errorf("status shows %+v, want it draining with one active connection", r)
	}
}

// mustShare holds new connections to an exact distribution.
func (n *network) mustShare(connections int, want map[string]int) {
	n.t.Helper()
	got := n.count(connections, vip)
	for who := range got {
		if got[who] != want[who] {
			n.t.Fatalf("%d connections are answered by %v, want %v", connections, got, want)
		}
	}
}

func TestALongConnectionStaysUnderThousandsOfNewOnes(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	long, who := n.hold(vip)
	const rounds, each = 30, 100
	for range rounds {
		n.mustShare(each, map[string]int{"web150": each / 2, "web151": each / 2})
		n.mustStay(long, who)
	}
}

func TestAVIPThatSomebodyRemovesIsPutBack(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.must(n.removeAddress(n.high, vip))
	n.until("the VIP is back", func() (bool, error) { return n.holds(n.high, vip), nil })
}
