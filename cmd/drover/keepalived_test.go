package main

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// Drover shares a VRRP group with keepalived, in both roles; the file is the same. keepalived -P runs VRRP alone, so
// it is adverts and addresses that are watched here, and the service only while drover is MASTER.
func TestDroverAndKeepalivedAreAPair(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		roles func(n *network) (drover, keepalived *testbed.Host)
	}{
		{"as the backup", func(n *network) (*testbed.Host, *testbed.Host) { return n.high, n.low }},
		{"as the master", func(n *network) (*testbed.Host, *testbed.Host) { return n.low, n.high }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			drover, keepalived := c.roles(n)
			d, k := n.start(drover), n.startKeepalived(keepalived)
			start := map[*testbed.Host]func(){drover: func() { d = n.start(drover) }, keepalived: func() { k = n.startKeepalived(keepalived) }}
			end := map[*testbed.Host]func(syscall.Signal){
				drover: func(s syscall.Signal) { d.signal(s); d.Wait() }, keepalived: func(s syscall.Signal) { n.endKeepalived(k, s) },
			}
			n.untilHolds(n.high, true)
			n.untilHolds(n.low, false)

			n.mustHandOver("kill -9", 3*time.Second, 4100*time.Millisecond, func() { end[n.high](syscall.SIGKILL) })
			n.mustPreempt(func() { start[n.high]() })
			n.mustHandOver("SIGTERM", 0, 1100*time.Millisecond, func() { end[n.high](syscall.SIGTERM) })
			n.mustPreempt(func() { start[n.high]() })

			s := n.untilStatus(drover, "adverts heard", func(s api.Status) bool { return s.Instances[0].AdvertsReceived > 0 })
			for reason, n := range s.Instances[0].Dropped {
				if n > 0 {
					t.Errorf("drover drops %d adverts of keepalived: %s", n, reason)
				}
			}
			if drover == n.high {
				n.untilUp(n.high, 2)
				if _, err := n.get(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// startKeepalived runs keepalived's VRRP with the host's configuration.
func (n *network) startKeepalived(h *testbed.Host) *testbed.Cmd {
	n.t.Helper()
	path, err := exec.LookPath("keepalived")
	if err != nil {
		skip(n.t, "keepalived is not installed")
	}
	cmd, log := h.Command(n.t.Context(), path, "-P", "-n", "-l", "-D", "-f", defaultConfig), new(logText)
	cmd.Stdout, cmd.Stderr = log, log
	n.must(cmd.Start())
	n.t.Cleanup(func() {
		n.endKeepalived(cmd, syscall.SIGKILL)
		if n.t.Failed() {
			n.t.Logf("log of keepalived on %s:\n%s", h.Name(), log)
		}
	})
	return cmd
}

// endKeepalived signals the parent and, for kill -9, the child that does the work.
func (n *network) endKeepalived(cmd *testbed.Cmd, s syscall.Signal) {
	if s == syscall.SIGKILL {
		syscall.Kill(-cmd.Process.Pid, s)
	} else {
		cmd.Process.Signal(s)
	}
	cmd.Wait()
}

// mustHandOver ends the master and holds the time that it takes the backup to its bounds.
func (n *network) mustHandOver(how string, least, most time.Duration, end func()) {
	n.t.Helper()
	adverts := n.watchAdverts()
	adverts.next(n.high)
	end()
	adverts.next(n.low)
	took := adverts.handover(n.high, n.low)
	n.t.Logf("%s: %s", how, took)
	mustTake(n.t, took, least, most)
	n.untilHolds(n.low, true)
}

// mustPreempt starts the higher priority; it ends as the only master.
func (n *network) mustPreempt(start func()) {
	n.t.Helper()
	adverts := n.watchAdverts()
	start()
	n.mustBeAloneSince(adverts, n.high, n.low, adverts.next(n.high).at)
}

func (n *network) untilHolds(h *testbed.Host, wanted bool) {
	n.t.Helper()
	n.until(h.Name()+" has settled", func() (bool, error) { return n.holds(h, vip) == wanted, nil })
}
