package main

import (
	"fmt"
	"testing"

	"drover/ctrl/api"
)

func TestAReloadThatGrowsTheFlowTableKeepsConnections(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	sized := func(flows int) string { return tutorialConfig(12) + fmt.Sprintf("drover {\n  flows %d\n}\n", flows) }
	n.must(n.high.WriteFile(defaultConfig, sized(1000)))
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	capacity := func(least, most int) {
		t.Helper()
		n.untilStatus(n.high, fmt.Sprintf("room for %d connections", least), func(s api.Status) bool {
			return s.Flows.IPv4.Capacity >= least && s.Flows.IPv4.Capacity < most && s.Flows.IPv4.Live >= 50
		})
	}
	long := n.exchange(50)
	capacity(1000, 1100)
	n.reload(n.high, sized(100_000))
	d.untilLogged("the tables have other sizes now")
	capacity(100_000, 101_000)
	n.mustShare(20, map[string]int{"web150": 10, "web151": 10})
	n.reload(n.high, sized(200_000)) // the first move may still be under way
	capacity(200_000, 201_000)
	if broken := long.stop(); len(broken) > 0 {
		t.Errorf("%d of 50 connections did not survive: %v", len(broken), broken)
	}
	n.untilState(n.high, "MASTER")
	d.stop()
	n.mustBeClean(n.high)
}
