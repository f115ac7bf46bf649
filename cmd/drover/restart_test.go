package main

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
	"drover/dataplane"
)

func TestARestartWithinTheLeaseLosesNothing(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	_, high := n.startPair()
	adverts := n.watchAdverts()
	adverts.next(n.high)
	long := n.exchange(50)
	client := n.steadily(n.client, vip, 20*time.Millisecond)

	begun := time.Now()
	for range 3 {
		adverts.next(n.high)
		high.kill()
		high = n.start(n.high)
		high.untilLogged("adopted")
		adverts.next(n.high)
	}
	n.untilState(n.high, "MASTER")

	if broken := long.stop(); len(broken) > 0 {
		t.Errorf("%d of 50 connections did not survive: %v", len(broken), broken)
	}
	if failed := failures(client.stop(), begun, time.Now(), time.Second/2); len(failed) > 0 {
		t.Errorf("%d new connections failed: %v", len(failed), failed)
	}
	if rival := of(adverts.seen(), n.low, begun); len(rival) > 0 {
		t.Errorf("the backup took part: %v", rival)
	}
	sent := of(adverts.seen(), n.high, begun)
	for i := 1; i < len(sent); i++ {
		if pause := sent[i].at.Sub(sent[i-1].at); pause > 3*time.Second {
			t.Errorf("no advert for %s", pause)
		}
	}
}

func TestARestartedDaemonKnowsTheRealServersThatItsPredecessorKnew(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	high := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	high.kill()
	for _, web := range n.webs {
		n.must(web.Cut()) // they cannot answer ARP, and their checks take two seconds to fail
	}
	high = n.start(n.high)
	high.untilLogged("adopted")
	s, err := n.status(n.high)
	n.must(err)
	for _, web := range n.webs {
		if r := realServerOf(s, web); !r.Up || r.MAC != web.MAC().String() {
			t.Errorf("right after the restart status shows %+v, which was up before", r)
		}
	}
	n.untilUp(n.high, 0)
}

// exchanges are connections that are held open and keep exchanging data.
type exchanges struct {
	end     atomic.Bool
	running sync.WaitGroup
	mu      sync.Mutex
	broken  []error
}

// exchange opens connections and keeps data going on each, a hundred times a second.
func (n *network) exchange(connections int) *exchanges {
	n.t.Helper()
	x := new(exchanges)
	for range connections {
		c, who := n.hold(vip)
		x.running.Go(func() {
			for !x.end.Load() {
				now, err := c.ask()
				if err == nil && now != who {
					err = &movedError{who, now}
				}
				if err != nil {
					x.mu.Lock()
					defer x.mu.Unlock()
					x.broken = append(x.broken, err)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	n.t.Cleanup(func() { x.stop() })
	return x
}

// movedError is a connection that another web server answers.
type movedError struct{ from, to string }

func (e *movedError) Error() string { return "moved from " + e.from + " to " + e.to }

// stop ends the exchanges and returns why those that broke did.
func (x *exchanges) stop() []error {
	x.end.Store(true)
	x.running.Wait()
	return x.broken
}

func TestSIGTERMLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	if _, err := n.get(); err != nil {
		t.Fatal(err)
	}
	if left := n.leftovers(n.high); len(left) != 4 {
		t.Fatalf("while it runs there are %q: not all of VIP, program, pins and socket", left)
	}
	d.stop()
	n.mustBeClean(n.high)
}

func TestAStopOrReloadAtABadMomentEndsClean(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	t.Run("SIGTERM during the start", func(t *testing.T) {
		n.t = t
		for _, wait := range []time.Duration{0, 5, 20, 50, 100} {
			d := n.start(n.high)
			time.Sleep(wait * time.Millisecond) // the moment under test
			d.signal(syscall.SIGTERM)
			d.exitCode()
			n.mustBeClean(n.high)
		}
	})
	t.Run("two SIGHUPs, one right after the other", func(t *testing.T) {
		n.t = t
		d := n.start(n.high)
		n.untilState(n.high, "MASTER")
		d.signal(syscall.SIGHUP)
		d.signal(syscall.SIGHUP)
		d.untilLogged("reloaded")
		_, err := n.get()
		n.must(err)
		n.untilState(n.high, "MASTER")
		d.stop()
		n.mustBeClean(n.high)
	})
	t.Run("SIGHUP that takes the instance away, and SIGTERM", func(t *testing.T) {
		n.t = t
		for _, wait := range []bool{true, false} {
			n.must(n.high.WriteFile(defaultConfig, tutorialConfig(12)))
			d := n.start(n.high)
			n.untilState(n.high, "MASTER")
			n.must(n.high.WriteFile(defaultConfig, virtualServer("192.168.100.221 80", "rr", "TCP",
				realServer("192.168.100.150 80", 1))))
			d.signal(syscall.SIGHUP)
			if wait {
				d.untilLogged("reloaded")
			}
			d.stop()
			n.mustBeClean(n.high)
		}
	})
}

// leftovers lists what a daemon may leave on a host: the VIP, a program, pins, the socket.
func (n *network) leftovers(h *testbed.Host) []string {
	n.t.Helper()
	var left []string
	if n.holds(h, vip) {
		left = append(left, "VIP "+vip.String())
	}
	if program := n.xdpProgram(h); program != 0 {
		left = append(left, "XDP program")
	}
	for _, path := range []string{dataplane.DefaultDir, api.DefaultSocket} {
		if h.Command(n.t.Context(), "test", "-e", path).Run() == nil {
			left = append(left, path)
		}
	}
	return left
}

func (n *network) mustBeClean(h *testbed.Host) {
	n.t.Helper()
	if left := n.leftovers(h); len(left) > 0 {
		n.t.Errorf("left behind on %s: %q", h.Name(), left)
	}
}

func TestAVIPThatLeftTheConfigurationWhileTheDaemonWasDeadIsRemoved(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	kept, dropped := vip, netip.MustParseAddr("192.168.100.222")
	service := virtualServer(vip.String()+" 80", "rr", "TCP", realServer("192.168.100.150 80", 1))
	n.must(n.high.WriteFile(defaultConfig, instance(12, kept.String(), dropped.String())+service))
	daemon := n.start(n.high)
	n.untilState(n.high, "MASTER")
	if !n.holds(n.high, dropped) {
		t.Fatal("the master does not hold its second VIP")
	}
	daemon.kill()
	n.must(n.high.WriteFile(defaultConfig, instance(12, kept.String())+service))
	daemon = n.start(n.high)
	daemon.untilLogged("adopted")
	n.untilState(n.high, "MASTER")
	if n.holds(n.high, dropped) || !n.holds(n.high, kept) {
		t.Errorf("the host holds %v, of the VIPs it must hold only %s", n.addressesOf(n.high), kept)
	}
}

func TestAnAddressOfTheHostThatWasAServicesStaysTheHosts(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	own := n.high.Address()
	n.must(n.high.WriteFile(defaultConfig, virtualServer(own.String()+" 80", "rr", "TCP",
		realServer("192.168.100.150 80", 1), realServer("192.168.100.151 80", 1))))
	high := n.start(n.high)
	n.untilUp(n.high, 2)
	high.kill()
	n.must(n.high.WriteFile(defaultConfig, tutorialConfig(12)))
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	if holds, err := n.high.Holds(own); !holds || err != nil {
		t.Errorf("the host holds its own address: %t, %v", holds, err)
	}
}
