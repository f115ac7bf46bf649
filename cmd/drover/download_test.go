package main

import (
	"testing"

	"drover/ctrl/api"
)

func TestConnectionsStayWhereTheyAreWhateverAReloadChanges(t *testing.T) {
	t.Parallel()
	service := func(scheduler string, first, second int) string {
		return virtualServer(vip.String()+" 80", scheduler, "TCP", bothWebs("80", first, second)...)
	}
	n := newAlone(t, service("rr", 1, 1))
	n.startAlone()
	held := make(map[*connection]string)
	for range 20 {
		c, who := n.hold(vip)
		held[c] = who
	}
	load := func(s api.Status) [2]int {
		reals := s.VirtualServers[0].RealServers
		return [2]int{reals[0].ActiveConnections, reals[1].ActiveConnections}
	}
	for _, change := range []struct{ name, config string }{
		{"all weight on the second", service("wrr", 0, 7)},
		{"all weight on the first", service("wrr", 100, 0)},
		{"another scheduler", service("mh", 1, 2)},
		{"a smaller flow table", service("mh", 1, 2) + "drover {\n  flows 1000\n}\n"},
		{"a larger flow table", service("rr", 1, 1) + "drover {\n  flows 200000\n}\n"},
	} {
		for _, who := range []string{"web150", "web151"} {
			n.mustDownloadDuring(held, who, func() { n.reload(n.high, change.config) })
		}
		for c, who := range held {
			n.mustStay(c, who)
		}
		n.untilStatus(n.high, "ten connections each after "+change.name, func(s api.Status) bool { return load(s) == [2]int{10, 10} })
	}
}

// mustDownloadDuring has one of the connections that a web server answers in the middle of a download while something
// happens.
func (n *network) mustDownloadDuring(held map[*connection]string, who string, happens func()) {
	n.t.Helper()
	const size = 16 << 20 // several times what the sockets of a connection hold
	for c, answers := range held {
		if answers == who {
			n.must(c.download(size, happens))
			return
		}
	}
	n.t.Fatalf("no connection is answered by %s", who)
}
