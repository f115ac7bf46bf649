package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// judged is a web server whose health is told by its port 8080 alone.
type judged struct {
	*testbed.Host
	n    *network
	stop func()
}

// newJudged boots two of them and, as web159, one more that is no real server.
func newJudged(t *testing.T) (n *network, webs []*judged) {
	t.Helper()
	n = newNetwork(t)
	n.addWeb(testbed.RealServer("web159", mac(t, "b8:27:eb:00:00:59"), prefixes("192.168.100.159/24")[0], vip))
	for _, web := range n.webs[:2] {
		webs = append(webs, &judged{Host: web, n: n})
		webs[len(webs)-1].rise()
	}
	return n, webs
}

func (j *judged) rise() { j.stop = j.n.serveWebOn(j.Host, ":8080") }

// portCheck is a real server that is as its port 8080 is.
func portCheck(address string, settings ...string) string {
	return unchecked(address, 1, append(settings, "TCP_CHECK {\n connect_port 8080\n connect_timeout 1\n retry 0\n delay_loop 0.2\n warmup 0\n }")...)
}

// noting has an event written down by a script.
func noting(keyword, what string) string {
	return fmt.Sprintf("%s \"/bin/sh /etc/note.sh %s\" root", keyword, what)
}

// noted waits until a script has written down so many lines, and returns them.
func (n *network) noted(h *testbed.Host, lines int) []string {
	n.t.Helper()
	var got []string
	n.until(fmt.Sprintf("%d notes are made", lines), func() (bool, error) {
		text, err := h.Command(n.t.Context(), "cat", "/run/notes").Output()
		got = strings.Fields(string(text))
		return err == nil && len(got) >= lines, nil
	})
	return got
}

func (n *network) mustNote(h *testbed.Host, want ...string) {
	n.t.Helper()
	if got := n.noted(h, len(want)); !slices.Equal(sorted(got), sorted(want)) {
		n.t.Errorf("scripts were told %q, want %q", got, want)
	}
	n.run(h, "rm -f /run/notes")
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

func TestTheSorryServerServesWhileThereIsNoQuorum(t *testing.T) {
	t.Parallel()
	n, webs := newJudged(t)
	n.must(n.high.WriteFile("/etc/note.sh", "echo $1 >> /run/notes\n"))
	server := with(virtualServer(vip.String()+" 80", "rr", "TCP",
		portCheck("192.168.100.150 80", noting("notify_up", "up150"), noting("notify_down", "down150")),
		portCheck("192.168.100.151 80", noting("notify_up", "up151"), noting("notify_down", "down151"))),
		"quorum 2", "omega", "sorry_server 192.168.100.159 80", noting("quorum_up", "gained"), noting("quorum_down", "lost"))
	n.must(n.high.WriteFile(defaultConfig, instance(12, vip.String())+server+"global_defs {\n  lvs_notify_fifo /run/events\n}\n"))
	n.run(n.high, "mkfifo /run/events")
	reader, events := n.high.Command(t.Context(), "cat", "/run/events"), new(logText)
	reader.Stdout = events
	n.must(reader.Start())
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	n.mustNote(n.high, "gained")
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
	var long *connection
	for who := ""; who != "web150"; {
		long, who = n.hold(vip)
	}

	webs[0].stop() // port 80 still answers: what is established goes on
	n.untilStatus(n.high, "the sorry server serving", func(s api.Status) bool { return s.VirtualServers[0].SorryServer.InUse })
	n.mustNote(n.high, "down150", "lost")
	n.mustShare(10, map[string]int{"web159": 10})
	n.mustStay(long, "web150")

	webs[0].rise()
	s := n.untilStatus(n.high, "the quorum", func(s api.Status) bool { return s.VirtualServers[0].Quorum.Up })
	if sorry := s.VirtualServers[0].SorryServer; sorry.InUse || sorry.Connections != 10 {
		t.Errorf("the sorry server is %+v", sorry)
	}
	n.mustNote(n.high, "up150", "gained")
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
	n.mustStay(long, "web150")

	d.stop()
	n.mustNote(n.high, "down150", "down151", "lost")
	n.must(reader.Wait())
	const vs, rs = "VS [192.168.100.221]:tcp:80 %s\n", "RS [192.168.100.%s]:tcp:80 [192.168.100.221]:tcp:80 %s\n"
	want := fmt.Sprintf(vs+rs+vs+rs+vs+rs+rs+vs, "UP", "150", "DOWN", "DOWN", "150", "UP", "UP", "150", "DOWN", "151", "DOWN", "DOWN")
	if events.String() != want {
		t.Errorf("lvs_notify_fifo got\n%swant\n%s", events, want)
	}
}

func TestASorryServerOnTheBalancerItself(t *testing.T) {
	t.Parallel()
	n, webs := newJudged(t)
	n.serveWeb(n.high)
	n.must(n.high.WriteFile(defaultConfig, instance(12, vip.String())+with(virtualServer(vip.String()+" 80", "wlc", "TCP",
		portCheck("192.168.100.150 80"), portCheck("192.168.100.151 80")), "sorry_server 192.168.100.212 80", "sorry_server_inhibit")))
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	if n.count(10, vip)["high"] > 0 {
		t.Error("the sorry server serves although there is a quorum")
	}
	webs[0].stop()
	webs[1].stop()
	n.untilUp(n.high, 0)
	n.mustShare(10, map[string]int{"high": 10})
	webs[1].rise()
	n.untilUp(n.high, 1)
	n.mustShare(10, map[string]int{"web151": 10})
}

// keepalived takes the real server out, and IPVS then drops what is established; with inhibit_on_failure it goes on. Here
// it goes on in either case.
func TestConnectionsOfARealServerWhoseCheckFailsGoOn(t *testing.T) {
	t.Parallel()
	n, webs := newJudged(t)
	n.must(n.high.WriteFile(defaultConfig, instance(12, vip.String())+virtualServer(vip.String()+" 80", "rr", "TCP",
		portCheck("192.168.100.150 80", "inhibit_on_failure"), portCheck("192.168.100.151 80"))))
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	held := make(map[string]*connection)
	for len(held) < 2 {
		c, who := n.hold(vip)
		held[who] = c
	}
	for i, name := range []string{"web150", "web151"} {
		webs[i].stop()
		n.untilUp(n.high, 1)
		other := []string{"web151", "web150"}[i]
		n.mustShare(10, map[string]int{other: 10})
		n.mustStay(held[name], name)
		webs[i].rise()
		n.untilUp(n.high, 2)
	}
}

func TestChecksOfSeveralKindsMustAllPassAndAddTheirWeights(t *testing.T) {
	t.Parallel()
	n, webs := newJudged(t)
	n.must(n.high.WriteFile("/run/load", "0"))
	n.must(n.high.WriteFile("/etc/weight.sh", "exit $(cat /run/exit)\n"))
	n.must(n.high.WriteFile("/run/exit", "5")) // a weight of 3
	const file = "track_file load {\n  file /run/load\n}\n"
	n.must(n.high.WriteFile(defaultConfig, file+instance(12, vip.String())+virtualServer(vip.String()+" 80", "wrr", "TCP",
		portCheck("192.168.100.150 80",
			"MISC_CHECK {\n misc_path \"/bin/sh /etc/weight.sh\"\n misc_dynamic\n user root\n delay_loop 0.2\n warmup 0\n }",
			"FILE_CHECK {\n track_file load\n weight 1\n }", "PING_CHECK {\n delay_loop 0.2\n warmup 0\n }"),
		portCheck("192.168.100.151 80"))))
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	untilWeight := func(want int) {
		t.Helper()
		n.untilStatus(n.high, fmt.Sprintf("weight %d", want), func(s api.Status) bool {
			return s.VirtualServers[0].RealServers[0].CheckedWeight == want
		})
	}
	untilWeight(3)
	n.mustShare(16, map[string]int{"web150": 12, "web151": 4})
	n.must(n.high.WriteFile("/run/load", "2"))
	untilWeight(5)
	n.mustShare(24, map[string]int{"web150": 20, "web151": 4})
	n.must(n.high.WriteFile("/run/exit", "1"))
	s := n.untilStatus(n.high, "it down", func(s api.Status) bool { return !s.VirtualServers[0].RealServers[0].Up })
	if r := s.VirtualServers[0].RealServers[0]; !strings.HasPrefix(r.Reason, "MISC_CHECK: ") || strings.Contains(r.Reason, ";") {
		t.Errorf("the reason is %q", r.Reason)
	}
	webs[0].stop()
	s = n.untilStatus(n.high, "both reasons", func(s api.Status) bool {
		return strings.Contains(s.VirtualServers[0].RealServers[0].Reason, "TCP_CHECK: ")
	})
	for _, c := range s.VirtualServers[0].RealServers[0].Checks {
		if failing := c.Kind == "TCP_CHECK" || c.Kind == "MISC_CHECK"; c.Up == failing || failing && c.Failed == 0 || c.Next.IsZero() {
			t.Errorf("the status of a check is %+v", c)
		}
	}
	n.mustShare(4, map[string]int{"web151": 4})
}

func TestVirtualServersThatAskTheSameShareACheck(t *testing.T) {
	t.Parallel()
	n, webs := newJudged(t)
	var servers strings.Builder
	for _, port := range []string{" 80", " 443", " 8443"} {
		servers.WriteString(virtualServer(vip.String()+port, "rr", "TCP", portCheck("192.168.100.150 80"), portCheck("192.168.100.151 80")))
	}
	n.must(n.high.WriteFile(defaultConfig, instance(12, vip.String())+servers.String()))
	syns := n.watch(func(f testbed.Frame) bool {
		tcp, is := f.TCP()
		return is && tcp.SYN && !tcp.ACK && tcp.DstPort == 8080 && f.Destination() == webs[0].MAC()
	})
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	s := n.untilStatus(n.high, "some checks", func(s api.Status) bool { return s.VirtualServers[0].RealServers[0].Checks[0].Done > 10 })
	n.must(syns.Close())
	done := int(s.VirtualServers[0].RealServers[0].Checks[0].Done)
	if asked := len(syns.Seen()); asked > done+5 {
		t.Errorf("%d checks are counted, and %d were made: three virtual servers need no more", done, asked)
	}
	webs[0].stop()
	for i := range 3 {
		n.untilUpIn(n.high, i, 1)
	}
}

func TestWithHASuspendOnlyTheMasterChecks(t *testing.T) {
	t.Parallel()
	n, _ := newJudged(t)
	for h, priority := range map[*testbed.Host]int{n.low: 11, n.high: 12} {
		n.must(h.WriteFile(defaultConfig, instance(priority, vip.String())+with(virtualServer(vip.String()+" 80", "rr", "TCP",
			portCheck("192.168.100.150 80"), portCheck("192.168.100.151 80")), "ha_suspend")))
	}
	_, high := n.startPair()
	resting := func(rests bool) func(api.Status) bool {
		return func(s api.Status) bool {
			c := s.VirtualServers[0].RealServers[0].Checks[0]
			return c.Resting == rests && (rests || c.Done > 0)
		}
	}
	n.untilStatus(n.high, "checks under way", resting(false))
	n.untilStatus(n.low, "checks at rest", resting(true))
	high.stop()
	n.untilState(n.low, "MASTER")
	n.untilStatus(n.low, "checks under way", resting(false))
	n.mustShare(4, map[string]int{"web150": 2, "web151": 2})
}
