package main

import (
	"strings"
	"testing"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// The trap of the tutorial's section 6.1.1: a web server whose cable was pulled and put back has lost the VIP. It answers
// checks of its own address, while clients get nothing from it.
func TestARealServerThatHasLostTheVIPIsDownAndTheCureIsNamed(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for h, priority := range map[*testbed.Host]int{n.low: 11, n.high: 12} {
		n.must(h.WriteFile(defaultConfig, throughVIPs(priority)))
	}
	low, high := n.startPair()
	web := n.webs[0]
	n.run(web, "ip addr del 192.168.100.221/32 dev lo")
	for _, d := range []*runningDaemon{low, high} {
		s := n.untilStatus(d.host, "the lost VIP", func(s api.Status) bool {
			r := realServerOf(s, web)
			return !r.Up && r.Check.OwnAddress != nil
		})
		r := realServerOf(s, web)
		if own := r.Check.OwnAddress; !own.Up || r.Check.Path != "vip" || !strings.Contains(own.Cause, "has lost the VIP 192.168.100.221") ||
			!strings.Contains(own.Cure, "ip addr add 192.168.100.221/32 dev lo") {
			t.Errorf("on %s the check is %+v, %+v", d.host.Name(), r.Check, own)
		}
		if !strings.HasPrefix(r.Reason, "address ok, VIP fails: ") {
			t.Errorf("on %s the reason is %q", d.host.Name(), r.Reason)
		}
		d.untilLogged("the real server answers at its own address and not through the VIP: the real server has lost the VIP")
		found, code := n.doctor(d.host)
		if f := found["vip-fails"]; !strings.Contains(f.Cure, "ip addr add") || code != exitFailed {
			t.Errorf("on %s the doctor exits with %d and finds %+v", d.host.Name(), code, found)
		}
	}
	n.mustShare(10, map[string]int{"web151": 10})

	n.run(web, "ip addr add 192.168.100.221/32 dev lo")
	n.untilUp(n.high, 2)
	n.untilUp(n.low, 2)
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
	if found, _ := n.doctor(n.high); found["vip-fails"].Kind != "" {
		t.Errorf("the doctor still finds %+v", found)
	}

	// A packet filter, in whose place there is a rule of routing, leaves pings of the VIP alone.
	n.run(web, "ip rule add pref 10 lookup local", "ip rule del pref 0",
		"ip rule add pref 0 to 192.168.100.221 ipproto tcp dport 80 blackhole")
	n.reload(n.low, tutorialConfig(11)) // which asks both ways
	for _, d := range []*runningDaemon{low, high} {
		s := n.untilStatus(d.host, "the packet filter", func(s api.Status) bool {
			r := realServerOf(s, web)
			return !r.Up && r.Check.OwnAddress != nil && r.Check.OwnAddress.Up
		})
		if own := realServerOf(s, web).Check.OwnAddress; !strings.Contains(own.Cause, "has the VIP 192.168.100.221 and does not answer at port 80") {
			t.Errorf("on %s the cause is %+v", d.host.Name(), own)
		}
	}
	n.run(web, "ip rule del pref 0")
	n.untilUp(n.high, 2)
	n.untilUp(n.low, 2)

	stop := n.serveWebOn(web, "192.168.100.150:81") // the service answers at its own address alone
	defer stop()
	for h, priority := range map[*testbed.Host]int{n.low: 11, n.high: 12} {
		n.reload(h, strings.ReplaceAll(throughVIPs(priority), "connect_timeout 1", "connect_timeout 1\n connect_port 81"))
		s := n.untilStatus(h, "the service that is bound to one address", func(s api.Status) bool {
			r := realServerOf(s, web)
			return !r.Up && r.Check.OwnAddress != nil && r.Check.OwnAddress.Up
		})
		if own := realServerOf(s, web).Check.OwnAddress; !strings.Contains(own.Cause, "nobody listens on port 81 of the VIP") {
			t.Errorf("the cause is %+v", own)
		}
	}
}
