package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"drover/bench/testbed"
)

// punctualServices is how many virtual servers there are, each with a real server that is checked every second.
const punctualServices = 1000

// Whatever else the daemon and the machine do: here that is one thing more after the other, until it is all of it.
func TestAdvertsAndTimersKeepTheirSchedule(t *testing.T) {
	// Alone: milliseconds count.
	if _, err := exec.LookPath("chrt"); err != nil {
		skip(t, "chrt is not installed (util-linux)")
	}
	for _, interval := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond} {
		t.Run("of "+interval.String(), func(t *testing.T) {
			p := newPunctual(t, interval)
			p.mustBePunctual("while 1000 checks run and the log stalls")
			p.keepProcessorsBusy()
			p.mustBePunctual("and while the processors are busy")
			p.keepReloading()
			p.mustBePunctual("and while 1000 virtual servers change again and again")
			p.mustTellLateness()
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

// mustBePunctual holds the master to its schedule for some seconds: nobody takes its place. When a plain timer of the same
// priority is as late as the interval, the machine is to blame, and there is another chance.
func (p *punctual) mustBePunctual(when string) {
	p.t.Helper()
	const during, chances, tolerable = 2 * time.Second, 4, 10 * time.Millisecond
	for chance := 1; ; chance++ {
		begun := p.adverts.next(p.high).at
		floor := p.watchTimer(during)
		watched := func(h *testbed.Host) []advert {
			end := begun.Add(during)
			return slices.DeleteFunc(of(p.adverts.seen(), h, begun), func(a advert) bool { return a.at.After(end) })
		}
		sent, rivals := watched(p.high), watched(p.low)
		var pause time.Duration
		for n := 1; n < len(sent); n++ {
			pause = max(pause, sent[n].at.Sub(sent[n-1].at))
		}
		p.t.Logf("%s: at most %s between two of %d adverts; a plain timer is at most %s late", when, pause, len(sent), floor)
		if len(rivals) == 0 && pause < 3*p.interval && len(sent) > 1 {
			return
		}
		if floor < tolerable || chance == chances {
			p.t.Errorf("%s: %d adverts of the backup, %s between two of %d of the master", when, len(rivals), pause, len(sent))
			return
		}
	}
}

// mustTellLateness finds the histogram of it all.
func (p *punctual) mustTellLateness() {
	p.t.Helper()
	s, err := p.status(p.high)
	p.must(err)
	var all uint64
	for _, class := range s.Instances[0].Lateness.Classes {
		all += class.Count
	}
	if sent := s.Instances[0].AdvertsSent; all+s.Instances[0].Lateness.Over < sent/2 {
		p.t.Errorf("of %d adverts the lateness of %d is told", sent, all)
	}
	p.t.Logf("lateness: %+v", s.Instances[0].Lateness)
}

// asTimer makes the test binary be a plain timer, which tells how late it was at most.
const asTimer = "DROVER_TEST_AS_TIMER"

// watchTimer is the greatest lateness of a timer of 10 ms with VRRP's real-time priority.
func (p *punctual) watchTimer(during time.Duration) time.Duration {
	p.t.Helper()
	self, err := os.Executable()
	p.must(err)
	cmd := exec.CommandContext(p.t.Context(), "chrt", "--rr", "10", self)
	cmd.Env = append(os.Environ(), asTimer+"="+during.String())
	out, err := cmd.Output()
	p.must(err)
	worst, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	p.must(err)
	return time.Duration(worst)
}

// timer is the program.
func timer(during string) error {
	const period = 10 * time.Millisecond
	left, err := time.ParseDuration(during)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	var worst time.Duration
	for due := time.Now().Add(period); left > 0; left -= period {
		for wait := time.Until(due); wait > 0; wait = time.Until(due) {
			timeout := unix.NsecToTimespec(int64(wait))
			if _, err := unix.Ppoll(nil, &timeout, nil); err != nil && !errors.Is(err, unix.EINTR) {
				return err
			}
		}
		worst = max(worst, time.Since(due))
		due = due.Add(period)
	}
	_, err = fmt.Println(int64(worst))
	return err
}
