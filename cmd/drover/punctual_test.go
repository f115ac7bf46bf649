package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drover/bench/testbed"
)

// punctualServices is how many virtual servers there are, each with a real server that is checked every second.
const punctualServices = 1000

// Whatever else the daemon and the machine do: here that is one thing more after the other, until it is all of it. The timers
// of the other node, which has less to do on the same processors, are tried in the end.
func TestAdvertsAndTimersKeepTheirSchedule(t *testing.T) {
	// Alone: milliseconds count.
	if _, err := exec.LookPath("chrt"); err != nil {
		skip(t, "chrt is not installed (util-linux)")
	}
	for _, interval := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond} {
		t.Run("of "+interval.String(), func(t *testing.T) {
			p := newPunctual(t, interval)
			p.mustBePunctual("while 1000 checks run and the log stalls", p.high, p.watchMaster)
			p.keepProcessorsBusy()
			p.mustBePunctual("and while the processors are busy", p.high, p.watchMaster)
			p.keepReloading()
			p.mustBePunctual("and while 1000 virtual servers change again and again", p.high, p.watchMaster)
			p.mustBePunctual("and the backup, which takes over again and again", p.low, p.watchTakeovers)
		})
	}
}

// punctual is a pair of balancers of which the better one has much to do.
type punctual struct {
	*network
	interval time.Duration
	adverts  *adverts
	loads    context.Context // ends before all that they load
	running  sync.WaitGroup  // the loads
}

func newPunctual(t *testing.T, interval time.Duration) *punctual {
	t.Helper()
	p := &punctual{network: newBalancers(t), interval: interval}
	p.serveWeb(p.high)
	p.must(p.high.WriteFile(defaultConfig, p.config(12)+p.manyChecked(1)))
	p.must(p.low.WriteFile(defaultConfig, p.config(11)))
	_, unread := p.startUnread(p.high)
	t.Cleanup(func() { unread.Close() })
	p.untilState(p.high, "MASTER")
	p.start(p.low)
	p.untilState(p.low, "BACKUP")
	p.untilUpIn(p.high, punctualServices-1, 1)
	p.adverts = p.watchAdverts()
	loads, unload := context.WithCancel(context.Background())
	p.loads = loads
	t.Cleanup(func() {
		unload()
		p.running.Wait()
	})
	return p
}

func (p *punctual) config(priority int) string {
	return fmt.Sprintf("global_defs {\n  vrrp_version 3\n}\nvrrp_instance SERVICE {\n  state BACKUP\n  interface enp1s0\n"+
		"  virtual_router_id 110\n  priority %d\n  advert_int %g\n  virtual_ipaddress {\n    %s/24\n  }\n}\n",
		priority, p.interval.Seconds(), vip)
}

// manyChecked are virtual servers of one real server each, with a weight: the better balancer itself, so that its checks
// leave those in peace who watch the LAN.
func (p *punctual) manyChecked(weight int) string {
	var text strings.Builder
	for n := range punctualServices {
		fmt.Fprintf(&text, "virtual_server %s %d {\n  delay_loop 1\n  lb_algo rr\n  lb_kind DR\n  protocol TCP\n"+
			"  real_server %s %d {\n    weight %d\n    HTTP_GET {\n      url {\n        path /\n        status_code 200\n      }\n"+
			"      connect_port 80\n      connect_timeout 5\n    }\n  }\n}\n", vip, 1000+n, p.high.Address(), 1000+n, weight)
	}
	return text.String()
}

// keepProcessorsBusy has two processes want each processor.
func (p *punctual) keepProcessorsBusy() {
	for range 2 * runtime.NumCPU() {
		busy := exec.CommandContext(p.loads, "sh", "-c", "while :; do :; done")
		p.must(busy.Start())
		p.running.Go(func() { busy.Wait() })
	}
}

// keepReloading has all virtual servers change, as soon as they have.
func (p *punctual) keepReloading() {
	p.running.Go(func() {
		for weight := 2; p.loads.Err() == nil; weight = 3 - weight {
			if err := p.high.WriteFile(defaultConfig, p.config(12)+p.manyChecked(weight)); err != nil {
				p.t.Error(err)
				return
			}
			if out, err := p.drover(p.high, "reload").CombinedOutput(); err != nil {
				p.t.Errorf("reload: %v\n%s", err, out)
				return
			}
		}
	})
}

// mustBePunctual holds the timers of a host to their schedule while something happens that uses them. The histogram in the
// status tells how late they were, what comes to the LAN whether that is true. How late plain timers of the same priority are
// meanwhile is what the machine is to blame for; when that is two intervals, nothing can be told. What they do not notice, such
// as that the kernel has whoever sends a packet work for others as well, is forgiven once.
func (p *punctual) mustBePunctual(when string, h *testbed.Host, happen func() (adverts int, faults []string)) {
	p.t.Helper()
	const forgiven, chances = 1, 3
	for chance, blamed := 1, 0; ; chance++ {
		floorOf := p.watchTimers()
		before := p.latenessOf(h)
		adverts, seen := happen()
		late := p.latenessOf(h).since(before)
		machine := floorOf()
		faults := late.faults(p.interval, machine)
		if late.count() < adverts {
			faults = append(faults, fmt.Sprintf("of %d adverts the lateness of %d is told", adverts, late.count()))
		}
		blind := machine.worst >= 2*p.interval
		if !blind {
			faults = append(faults, seen...)
		}
		p.t.Logf("%s: %s; plain timers are at most %s late, %d times beyond %s", when, late, machine.worst, machine.stalls, usually)
		if len(faults) == 0 && (!blind || chance == chances) {
			return
		}
		if machine.stalls == 0 {
			blamed++
		}
		if blamed > forgiven || chance == chances {
			p.t.Errorf("%s: %s", when, strings.Join(faults, "; "))
			return
		}
		p.t.Logf("again, for %q", faults)
	}
}

// watchMaster lets the master send adverts for some seconds. Nobody must take its place.
func (p *punctual) watchMaster() (adverts int, faults []string) {
	p.t.Helper()
	begun := p.adverts.next(p.high).at
	p.adverts.nextFor(p.high, 2*time.Second)
	list := p.adverts.seen()
	sent, rivals := of(list, p.high, begun), of(list, p.low, begun)
	var pause time.Duration
	for n := 1; n < len(sent); n++ {
		pause = max(pause, sent[n].at.Sub(sent[n-1].at))
	}
	p.t.Logf("at most %s between two of %d adverts", pause, len(sent))
	if len(rivals) > 0 || pause >= 3*p.interval {
		faults = append(faults, fmt.Sprintf("%d adverts of the backup, %s between two of the master", len(rivals), pause))
	}
	return len(sent), faults
}

// watchTakeovers cuts the master off some times, and has its successor take over when its Master_Down_Interval is over.
func (p *punctual) watchTakeovers() (adverts int, faults []string) {
	p.t.Helper()
	const times = 5
	var took []time.Duration
	for range times {
		p.must(p.high.Cut())
		first := p.adverts.next(p.low)
		last := of(p.adverts.seen(), p.high, time.Time{})
		took = append(took, first.at.Sub(last[len(last)-1].at))
		p.must(p.high.Mend())
		p.adverts.next(p.high)
		p.untilState(p.low, "BACKUP")
	}
	down := p.downInterval(11)
	p.t.Logf("the backup takes over after %s, its time is %s", took, down)
	slices.Sort(took)
	if took[0] < 3*p.interval || took[times/2] > down+p.interval {
		faults = append(faults, fmt.Sprintf("the backup takes over after %s to %s", took[0], took[times/2]))
	}
	return times, faults
}

// downInterval is how long a backup waits for a master's advert.
func (p *punctual) downInterval(priority int) time.Duration {
	return 3*p.interval + time.Duration(256-priority)*p.interval/256
}
