package main

import (
	"os/exec"
	"syscall"
	"testing"

	"drover/bench/testbed"
)

// Drover serves beside keepalived with the tutorial's file, the same on both. How they elect is tried in interop_test.go.
func TestDroverServesBesideKeepalivedWithTheTutorialsFile(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.startKeepalived(n.low)
	n.until("keepalived is master", func() (bool, error) { return n.holds(n.low, vip), nil })
	adverts := n.watchAdverts()
	n.start(n.high)
	n.mustBeAloneSince(adverts, n.high, n.low, adverts.next(n.high).at)
	n.untilUp(n.high, 2)
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
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
