package main

import (
	"context"
	"testing"
	"time"

	"drover/ctrl/api"
)

// TestARealServerThatLosesTheVIPIsSuspected, and no more when it has the VIP again: clients go on trying it.
func TestARealServerThatLosesTheVIPIsSuspected(t *testing.T) {
	t.Parallel()
	n := newAlone(t, virtualServer(vip.String()+" 80", "rr", "TCP", bothWebs("80", 1, 1)...))
	d := n.startAlone()
	client := n.steadily(n.client, vip, 20*time.Millisecond)
	of := func(s api.Status) api.RealServer { return realServerOf(s, n.webs[0]) }
	n.untilStatus(n.high, "some connections", func(s api.Status) bool { return of(s).Connections > 20 })

	ip := func(verb string) {
		n.must(n.webs[0].Command(context.Background(), "ip", "addr", verb, vip.String()+"/32", "dev", "lo").Run())
	}
	ip("del")
	lost := time.Now()
	s := n.untilStatus(n.high, "it is suspected", func(s api.Status) bool { return of(s).Suspected })
	// It takes a second at most, by the simulation in ctrl/suspect; the rest is for a machine that is busy.
	if took := time.Since(lost); took > 3*time.Second {
		t.Errorf("suspected after %s, want within 3s", took)
	}
	if r := of(s); !r.Up || r.Share != 0.125 || r.Reason == "" {
		t.Errorf("the status shows %+v", r)
	}
	d.untilLogged("real server is suspected")
	before := s.VirtualServers[0]
	s = n.untilStatus(n.high, "more connections", func(s api.Status) bool {
		return s.VirtualServers[0].Connections >= before.Connections+45
	})
	// One of nine, and a few that were on their way to it; they are counted when they go to the other as well.
	if got := of(s).Connections - before.RealServers[0].Connections; got == 0 || got > 15 {
		t.Errorf("of %d connections a real server that is suspected got %d", s.VirtualServers[0].Connections-before.Connections, got)
	}
	ip("add")
	n.untilStatus(n.high, "it is suspected no more", func(s api.Status) bool { return !of(s).Suspected && of(s).Share == 1 })
	d.untilLogged("a client has completed a handshake")
	for _, r := range client.stop() {
		if r.err != nil && r.begun.After(lost) {
			t.Errorf("a request failed: %s", r)
		}
	}
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
}

func TestARealServerThatReturnsStartsSlowly(t *testing.T) {
	t.Parallel()
	n := newLAN(t)
	n.high = n.addHost(aloneSpec(t, with(virtualServer(vip.String()+" 80", "rr", "TCP",
		realServer("192.168.100.150 80", 1), realServer("192.168.100.151 80", 1)), "slow_start 6")))
	n.client = n.addHost(clientSpec(t))
	web := n.addHost(webSpec(t, "web150", "b8:27:eb:b3:bb:e1", "192.168.100.150/24"))
	stop := n.serveWeb(web)
	n.addWeb(webSpec(t, "web151", "b8:27:eb:92:a5:e2", "192.168.100.151/24"))
	share := func(s api.Status) float64 { return realServerOf(s, web).Share }
	n.startAlone()
	s, err := n.status(n.high)
	n.must(err)
	if share(s) != 1 {
		t.Errorf("when the daemon starts a real server has a share of %g", share(s))
	}
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})

	stop()
	n.untilUp(n.high, 1)
	n.serveWeb(web)
	n.untilUp(n.high, 2)
	if got := n.count(22, vip); got["web150"] == 0 || got["web150"] > 8 {
		t.Errorf("when a real server has just come back connections are answered by %v", got)
	}
	for last := 0.0; last < 1; {
		s := n.untilStatus(n.high, "a larger share", func(s api.Status) bool { return share(s) > last })
		last = share(s)
	}
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
}
