package main

import (
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// step is a configuration to reload into, and when it is in force.
type step struct {
	name, config string
	inForce      func(api.Status) bool
}

// Whatever a reload changes, not one connection is lost by it, and no client sends its SYN again.
func TestReloadsUnderTraffic(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.addWeb(testbed.RealServer("web152", mac(t, "b8:27:eb:00:00:03"), prefixes("192.168.100.152/24")[0], vip, otherVIP))
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	long, who := n.hold(vip)
	syns := n.watchSYNs(n.client)
	client := n.steadily(n.client, vip, 25*time.Millisecond)
	began := time.Now()
	other := n.reloadInTurn(stepsOfAReload())
	ended := time.Now()
	n.must(syns.Close())
	n.mustStay(long, who)
	if failed := failures(client.stop(), began, ended, answerTime); len(failed) > 0 {
		t.Errorf("%d requests failed: %v", len(failed), failed)
	}
	if failed := failures(other.stop(), began, ended, answerTime); len(failed) > 0 {
		t.Errorf("%d requests to the VIP that has moved failed: %v", len(failed), failed)
	}
	sent := countSYNs(syns.Seen())
	for syn, times := range sent {
		if times > 1 {
			t.Errorf("%s sent %s its SYN %d times", syn.client, syn.service, times)
		}
	}
	if len(sent) < 100 {
		t.Errorf("the SYNs of %d connections were seen", len(sent))
	}
	for line := range strings.Lines(d.log.String()) {
		if strings.Contains(line, "from=MASTER") && strings.Contains(line, "SERVICE") {
			t.Errorf("it did not stay MASTER: %s", line)
		}
	}
}

func stepsOfAReload() []step {
	const web150, web151, web152 = "192.168.100.150 80", "192.168.100.151 80", "192.168.100.152 80"
	first := func(scheduler string, realServers ...string) string {
		return virtualServer(vip.String()+" 80", scheduler, "TCP", realServers...)
	}
	second := virtualServer(otherVIP.String()+" 80", "rr", "TCP", realServer(web150, 1), realServer(web151, 1))
	two := first("rr", realServer(web150, 1), realServer(web151, 1))
	ports := first("wrr", portCheck80(web150, "retry 2"), portCheck80(web151, "retry 2"), portCheck80(web152, "retry 2"))
	up := func(count int) func(api.Status) bool { return func(s api.Status) bool { return upIn(s, 0) == count } }
	instances := func(count int) func(api.Status) bool {
		return func(s api.Status) bool {
			for _, i := range s.Instances {
				if i.State != "MASTER" {
					return false
				}
			}
			return len(s.Instances) == count && len(s.VirtualServers) == 2 && upIn(s, 1) == 2
		}
	}
	return []step{
		{"an instance is added", instance(12, vip.String()) + secondInstance(200, time.Second) + two + second, instances(2)},
		{"its VIP moves to the other one", instance(12, vip.String(), otherVIP.String()) +
			strings.Replace(secondInstance(200, time.Second), otherVIP.String(), "192.168.100.223", 1) + two + second, instances(2)},
		{"it is removed", instance(12, vip.String(), otherVIP.String()) + two + second, instances(1)},
		{"a real server is added and they get weights", instance(12, vip.String(), otherVIP.String()) +
			first("wrr", realServer(web150, 3), realServer(web151, 2), realServer(web152, 1)) + second, up(3)},
		{"checks are of another kind", instance(12, vip.String(), otherVIP.String()) + ports + second, up(3)},
		{"and have other timers", instance(12, vip.String(), otherVIP.String()) + strings.ReplaceAll(ports, "retry 2", "retry 5") + second, up(3)},
		{"a real server is removed", instance(12, vip.String(), otherVIP.String()) + two + second, up(2)},
		{"the instance has other timers and another priority",
			strings.Replace(instance(20, vip.String(), otherVIP.String()), "advert_int 1", "advert_int 2", 1) + two + second, instances(1)},
	}
}

func portCheck80(address string, settings string) string {
	return unchecked(address, 1, "TCP_CHECK {\n "+settings+"\n connect_timeout 1\n delay_loop 1\n }")
}

// reloadInTurn takes the steps, with another client from the first on.
func (n *network) reloadInTurn(steps []step) (other *steadyClient) {
	n.t.Helper()
	var last time.Time
	for i, step := range steps {
		n.reload(n.high, step.config)
		s := n.untilStatus(n.high, step.name, step.inForce)
		r := s.LastReload
		if r == nil || !r.Applied || !r.At.After(last) || r.Error != "" {
			n.t.Fatalf("%s: the status shows the reload %+v", step.name, r)
		}
		last = r.At
		if i == 0 {
			other = n.steadily(n.client, otherVIP, 25*time.Millisecond)
		}
	}
	n.must(n.high.WriteFile(defaultConfig, strings.Replace(steps[0].config, "priority", "priorty", 1)))
	n.ask(n.high, "reload")
	s, err := n.status(n.high)
	n.must(err)
	if r := s.LastReload; r.Applied || len(r.Findings) == 0 || !strings.Contains(r.Findings[0], "priorty") || !r.At.After(last) {
		n.t.Errorf("the status shows the refused reload as %+v", r)
	}
	text, _, _ := n.ask(n.high, "status")
	if !strings.Contains(text, "refused\n  "+defaultConfig+":") {
		n.t.Errorf("drover status does not show the refused reload:\n%s", text)
	}
	return other
}
