package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"drover/ctrl/api"
)

// share is a virtual server, connections to it, and how they are to be spread.
type share struct {
	name        string
	scheduler   string
	settings    []string
	weights     [2]int // of web150 and web151
	connections int
	held        bool           // they stay open until all are there
	first       func(int) bool // how many of them web150 may have
}

func exactly(want int) func(int) bool { return func(n int) bool { return n == want } }

func between(least, most int) func(int) bool {
	return func(n int) bool { return n >= least && n <= most }
}

func allOrNone(all int) func(int) bool { return func(n int) bool { return n == 0 || n == all } }

var even = [2]int{1, 1}

var shares = []share{
	{"rr knows no weights", "rr", nil, [2]int{5, 1}, 10, false, exactly(5)},
	{"wrr gives turns by weight", "wrr", nil, [2]int{3, 1}, 40, false, exactly(30)},
	{"lc knows no weights", "lc", nil, [2]int{5, 1}, 6, true, exactly(3)},
	{"wlc fills up by weight", "wlc", nil, [2]int{3, 1}, 8, true, exactly(6)},
	{"sed stays with the fast one", "sed", nil, [2]int{10, 1}, 2, true, exactly(2)},
	{"nq takes the idle one first", "nq", nil, [2]int{10, 1}, 2, true, exactly(1)},
	{"sh knows clients by their address", "sh", nil, even, 10, false, allOrNone(10)},
	{"sh-port by their port, too", "sh", []string{"sh-port"}, even, 64, false, between(12, 52)},
	{"mh knows clients by their address", "mh", nil, even, 10, false, allOrNone(10)},
	{"mh-port by their port, too", "mh", []string{"mh-port"}, [2]int{3, 1}, 64, false, between(31, 63)},
	{"dh sends a VIP to one", "dh", nil, even, 10, false, allOrNone(10)},
	{"fo takes the heaviest", "fo", nil, [2]int{2, 1}, 10, false, exactly(10)},
	{"ovf goes over to the next when one has more than its weight", "ovf", nil, [2]int{4, 3}, 7, true, exactly(5)},
	{"twos spreads", "twos", nil, even, 40, true, between(10, 30)},
	{"persistence keeps a client where it is", "rr", []string{"persistence_timeout 60"}, even, 10, false, allOrNone(10)},
}

// firstPort is that of the first of the shares; each has its own.
const firstPort = 8001

func (s share) config(port int) string {
	server := virtualServer(fmt.Sprintf("%s %d", vip, port), s.scheduler, "TCP",
		bothWebs(fmt.Sprint(port), s.weights[0], s.weights[1])...)
	if len(s.settings) == 0 {
		return server
	}
	return with(server, s.settings...)
}

func TestEverySchedulerSpreadsConnectionsAndTheStatusCountsThem(t *testing.T) {
	t.Parallel()
	var config strings.Builder
	for i, s := range shares {
		config.WriteString(s.config(firstPort + i))
	}
	n := newAlone(t, config.String())
	for _, web := range n.webs {
		for i := range shares {
			n.serveWebOn(web, fmt.Sprintf(":%d", firstPort+i))
		}
	}
	n.startAlone()
	counts := make([][2]int, len(shares))
	for i, s := range shares {
		counts[i] = n.spread(s, firstPort+i)
	}
	n.untilStatus(n.high, "active and inactive connections as they are", func(s api.Status) bool {
		for i, v := range s.VirtualServers {
			for r, real := range v.RealServers {
				want := [2]int{0, counts[i][r]}
				if shares[i].held {
					want = [2]int{counts[i][r], 0}
				}
				if got := [2]int{real.ActiveConnections, real.InactiveConnections}; got != want {
					return false
				}
			}
		}
		return true
	})
	wlc := slices.IndexFunc(shares, func(s share) bool { return s.scheduler == "wlc" })
	n.mustPrint(fmt.Sprintf("-> 192.168.100.150:%d enp1s0 3 up 6 0 6", firstPort+wlc))

	n.reload(n.high, "global_defs {\n  lvs_timeouts tcpfin 1\n}\n"+config.String())
	n.untilStatus(n.high, "no inactive connections a little later", func(s api.Status) bool {
		return inactiveOf(s) == 0 && s.VirtualServers[wlc].RealServers[0].ActiveConnections == 6
	})
}

// spread makes the connections of a share and says how many each web server got.
func (n *network) spread(s share, port int) [2]int {
	n.t.Helper()
	answers := make(map[string]int)
	for range s.connections {
		c, who := n.holdPort(netip.AddrPortFrom(vip, uint16(port)))
		answers[who]++
		if !s.held {
			n.must(c.Close())
		}
	}
	got := [2]int{answers["web150"], answers["web151"]}
	if !s.first(got[0]) || got[0]+got[1] != s.connections {
		n.t.Errorf("%s: %d connections with weights %v are answered by %v", s.name, s.connections, s.weights, answers)
	}
	return got
}

// mustPrint holds that drover status has a line that begins with these words.
func (n *network) mustPrint(line string) {
	n.t.Helper()
	stdout, stderr, code := n.ask(n.high, "status")
	for printed := range strings.Lines(stdout) {
		if strings.HasPrefix(strings.Join(strings.Fields(printed), " ")+" ", line+" ") {
			return
		}
	}
	n.t.Errorf("drover status (exit code %d, %s) has no line %q:\n%s", code, stderr, line, stdout)
}

func inactiveOf(s api.Status) int {
	inactive := 0
	for _, v := range s.VirtualServers {
		for _, r := range v.RealServers {
			inactive += r.InactiveConnections
		}
	}
	return inactive
}
