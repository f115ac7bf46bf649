package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// Of two nodes the one that reaches no real server leaves the VIP to the one that does, whatever its priority, and says
// why.
func TestANodeThatReachesNoRealServerLeavesTheVIPToAnotherOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		end  func(p *pair, far *testbed.Host)
	}{
		{"until it reaches one", func(p *pair, far *testbed.Host) { p.must(far.Plug()) }},
		{"until there is no other one", func(p *pair, _ *testbed.Host) { p.low.end(syscall.SIGTERM) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, far := newPairApart(t)
			p.must(far.Pull())
			p.start(p.low)
			p.untilUp(p.low.Host, 1)
			p.untilAlone(p.low, p.high)
			p.start(p.high)
			p.untilStatus(p.high.Host, "why it is not MASTER", func(s api.Status) bool {
				return s.Instances[0].State == "FAULT" && strings.Contains(s.Instances[0].Reason, "no real server")
			})
			p.untilAlone(p.low, p.high)
			if who, err := p.get(); err != nil {
				t.Errorf("the VIP is answered by %q, %v", who, err)
			}
			c.end(p, far)
			p.untilAlone(p.high, p.low)
			p.untilState(p.high.Host, "MASTER")
		})
	}
}

// A MASTER that loses all its real servers hands over to another node, although that has a lower priority, and takes the role
// back when one has answered for a while.
func TestAMasterThatLosesItsRealServersHandsOver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		low  speaker
	}{{"to Drover", speakDrover}, {"to keepalived", speakKeepalived}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, far := newPairApart(t)
			p.low.speak = c.low
			p.start(p.low)
			p.untilAlone(p.low, p.high)
			p.start(p.high)
			p.untilAlone(p.high, p.low)
			p.untilUp(p.high.Host, 1)
			p.must(far.Pull())
			p.untilAlone(p.low, p.high)
			p.untilStatus(p.high.Host, "why it is not MASTER", func(s api.Status) bool {
				return s.Instances[0].State == "FAULT" && strings.Contains(s.Instances[0].Reason, "no real server")
			})
			p.must(far.Plug())
			p.untilState(p.high.Host, "BACKUP")
			p.untilAlone(p.high, p.low)
			p.untilState(p.high.Host, "MASTER")
			if got := p.adverts.seen(); got[len(got)-1].priority != 200 {
				t.Errorf("it is MASTER with %+v", got[len(got)-1])
			}
		})
	}
}

// When both lose all real servers nothing changes hands.
func TestAMasterStaysWhenNobodyReachesARealServer(t *testing.T) {
	t.Parallel()
	p, _ := newPairApart(t)
	p.interval = 400 * time.Millisecond // a loaded machine must not make one fall silent
	p.start(p.low)
	p.untilUp(p.low.Host, 1)
	p.start(p.high)
	p.untilAlone(p.high, p.low)
	p.untilUp(p.high.Host, 1)
	for _, web := range p.webs {
		p.must(web.Pull())
	}
	offered := p.untilPriority(p.high, 1)
	for range 10 { // thrice the time that the other one waits for
		p.adverts.next(p.high.Host)
	}
	p.must(p.webs[1].Plug()) // that of the MASTER
	p.untilPriority(p.high, 200)
	if rival := of(p.adverts.seen(), p.low.Host, offered); len(rival) > 0 {
		t.Errorf("the other one took part: %v", rival)
	}
}

// untilPriority waits for an advert of a member with a priority.
func (p *pair) untilPriority(m *member, priority uint8) (at time.Time) {
	p.t.Helper()
	p.until(fmt.Sprintf("%s adverts priority %d", m.Name(), priority), func() (bool, error) {
		a := p.adverts.next(m.Host)
		at = a.at
		return a.priority == priority, nil
	})
	return at
}

// newPairApart boots a pair of which each node has a LAN and a web server of its own, that of high is far; the addresses
// are the same.
func newPairApart(t *testing.T) (p *pair, far *testbed.Host) {
	t.Helper()
	p = newPair(t, agreement{
		version: 3, interval: 100 * time.Millisecond, vips: prefixes("192.168.100.221/24"),
		beside: virtualServer("192.168.100.221 80", "rr", "TCP", unchecked("10.0.2.152 80", 1)),
	}, speakDrover, speakDrover,
		testbed.Port{Interface: "enp2s0", LAN: "near", Addresses: prefixes("10.0.2.1/24")},
		testbed.Port{Interface: "enp2s0", LAN: "far", Addresses: prefixes("10.0.2.1/24")})
	p.client = p.addHost(memberSpec(t, "client", "00:21:cc:00:00:04", "192.168.100.4/24"))
	for i, lan := range []string{"near", "far"} {
		web := testbed.RealServer("web-"+lan, testbed.MAC{}, prefixes("10.0.2.152/24")[0], vip)
		web.LAN = lan
		web.More = []testbed.Port{{Interface: "eth1", Addresses: prefixes(fmt.Sprintf("192.168.100.%d/24", 152+i))}}
		far = p.addWeb(web)
	}
	return p, far
}
