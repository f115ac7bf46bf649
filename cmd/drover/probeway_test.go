package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// throughVIPs is the tutorial's configuration with checks that go through the VIP.
func throughVIPs(priority int) string {
	return "drover {\n  check_path vip\n}\n" + tutorialConfig(priority)
}

// byAddresses is the same with checks that go to the real servers' own addresses.
func byAddresses(priority int) string {
	return "drover {\n  check_path address\n}\n" + tutorialConfig(priority)
}

// otherMACs are the addresses beside its own that a host's interface receives for devices above it, wherever those are.
func (n *network) otherMACs(h *testbed.Host) ([]string, error) {
	out, err := h.Command(n.t.Context(), "bridge", "fdb", "show", "dev", h.Interface()).Output()
	if err != nil {
		return nil, fmt.Errorf("bridge fdb: %w", err)
	}
	unicast := regexp.MustCompile(`(?m)^[0-9a-f][02468ace]:[0-9a-f:]+`)
	return unicast.FindAllString(string(out), -1), nil
}

// untilWays waits until a host has so many ways through VIPs, and returns their MAC addresses.
func (n *network) untilWays(h *testbed.Host, count int) (macs []string) {
	n.t.Helper()
	n.until(fmt.Sprintf("%s has %d ways through VIPs", h.Name(), count), func() (done bool, err error) {
		macs, err = n.otherMACs(h)
		return len(macs) == count, err
	})
	return macs
}

func TestTheWaysThroughVIPsComeAndGoWithTheDaemonAndItsConfiguration(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.must(n.high.WriteFile(defaultConfig, throughVIPs(12)))
	high := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	before := n.untilWays(n.high, 1)
	n.reload(n.high, throughVIPs(13))
	if after := n.untilWays(n.high, 1); !slices.Equal(after, before) {
		t.Errorf("a reload has made another way: %v, before it %v", after, before)
	}
	n.reload(n.high, byAddresses(13))
	n.untilWays(n.high, 0)
	n.reload(n.high, throughVIPs(13))
	n.untilWays(n.high, 1)

	high.kill()
	n.untilWays(n.high, 0)
	high = n.start(n.high)
	n.untilUp(n.high, 2)
	n.untilWays(n.high, 1)
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
	high.stop()
	n.untilWays(n.high, 0)
	if strings.Contains(high.log.String(), "cannot go through VIPs") {
		t.Error("the log complains of ways that were there")
	}
}

// TestARealServerThatHasLostTheVIPIsDown is the tutorial's section 6.1.1: at its own address the real server answers as
// before. The BACKUP sees it before it is needed. The tutorial's own configuration has it so, without a word more.
func TestARealServerThatHasLostTheVIPIsDown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode, path string
		config     func(priority int) string
	}{
		{"native", "by default", tutorialConfig}, {"generic", "by default", tutorialConfig},
		{"native", "vip", throughVIPs}, {"generic", "vip", throughVIPs},
	} {
		t.Run(test.mode+", "+test.path, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			for host, priority := range map[*testbed.Host]int{n.low: 11, n.high: 12} {
				n.must(host.WriteFile(defaultConfig, test.config(priority)))
			}
			n.startPair("--xdp-mode", test.mode)
			held := n.exchange(10)
			n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
			n.loopback(n.webs[0], "del")
			for _, balancer := range []*testbed.Host{n.high, n.low} {
				s := n.untilStatus(balancer, "it down", func(s api.Status) bool { return !realServerOf(s, n.webs[0]).Up })
				if r := realServerOf(s, n.webs[1]); !r.Up {
					t.Errorf("on %s the other one is down, too: %s", balancer.Name(), r.Reason)
				}
				if s.Verdicts["pass-probe"] == 0 {
					t.Errorf("on %s no answer was for the checks: %v", balancer.Name(), s.Verdicts)
				}
			}
			n.mustShare(10, map[string]int{"web151": 10})
			n.loopback(n.webs[0], "add")
			n.untilUp(n.high, 2)
			n.untilUp(n.low, 2)
			n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
			if broken := held.stop(); len(broken) > 5 { // those of the one that lost the VIP may
				t.Errorf("%d of 10 connections did not survive: %v", len(broken), broken)
			}
		})
	}
}

// loopback adds the VIP to a web server's lo, or deletes it there.
func (n *network) loopback(web *testbed.Host, what string) {
	n.t.Helper()
	out, err := web.Command(n.t.Context(), "ip", "addr", what, vip.String()+"/32", "dev", "lo").CombinedOutput()
	if err != nil {
		n.t.Fatalf("ip addr %s: %v: %s", what, err, out)
	}
}

func TestADaemonWithoutTheRightToMakeANamespaceAsksTheAddresses(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.must(n.high.WriteFile(defaultConfig, throughVIPs(12)))
	d := n.startWithout("sys_admin", n.high)
	d.untilLogged("cannot go through VIPs")
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
	if remedy := "CAP_SYS_ADMIN is needed"; !strings.Contains(d.log.String(), remedy) {
		t.Errorf("the log does not tell the remedy: no %q", remedy)
	}
	n.untilStatus(n.high, "why there is no way", func(s api.Status) bool {
		if len(s.Interfaces) != 1 {
			return false
		}
		reason := s.Interfaces[0].ProbeReason
		return strings.Contains(reason, "CAP_SYS_ADMIN") && !strings.Contains(reason, "invalid argument")
	})
	d.stop()
}

// startWithout begins `drover run` as a root that lacks a capability.
func (n *network) startWithout(capability string, h *testbed.Host) *runningDaemon {
	n.t.Helper()
	whole := n.drover(h, "run")
	cmd := h.Command(n.t.Context(), "setpriv", append([]string{"--bounding-set", "-" + capability}, whole.Args...)...)
	cmd.Env = whole.Env
	d := &runningDaemon{Cmd: cmd, n: n, host: h, log: new(logText)}
	d.Stdout, d.Stderr = d.log, d.log
	n.launch(d)
	return d
}
