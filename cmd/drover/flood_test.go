package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"drover/ctrl/api"
	"drover/ctrl/vrrp"
)

// Whoever floods the LAN with adverts takes no CPU away: the process of VRRP has real-time priority, so the rest of the
// daemon would stand still, and the node with it.
func TestAFloodOfAdvertsTakesAPartOfACPUAtMost(t *testing.T) {
	// Alone: CPU time counts.
	n := newNetwork(t)
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	_, process := d.processes()
	payload, err := vrrp.Advert{ // without the password
		Version: 2, VirtualRouterID: 110, Priority: 5, Interval: time.Second, Addresses: []netip.Addr{vip},
	}.Marshal(n.client.Address(), netip.MustParseAddr("224.0.0.18"))
	n.must(err)
	send := n.rawVRRP()
	flooding, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	begun, before, sent := time.Now(), n.cpuTime(process), 0
	for flooding.Err() == nil {
		for range 100 {
			send(255, payload)
		}
		sent += 100
	}
	took, used := time.Since(begun), n.cpuTime(process)-before
	t.Logf("%.0f adverts a second, %s of CPU time in %s", float64(sent)/took.Seconds(), used, took)
	if used > took/2 {
		t.Errorf("%d adverts in %s took %s of CPU time", sent, took, used)
	}
	n.untilStatus(n.high, "all of them counted", func(s api.Status) bool {
		dropped := s.Instances[0].Dropped
		return s.Instances[0].State == "MASTER" && dropped["flood"] > 0 && dropped["auth_type"]+dropped["flood"] >= uint64(sent)
	})
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
}

// cpuTime is what a process has used of all CPUs.
func (n *network) cpuTime(process int) time.Duration {
	n.t.Helper()
	const user, system, tick = 11, 12, 10 * time.Millisecond // fields after the command's name, as in proc(5)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	n.must(err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int
	for _, field := range []int{user, system} {
		count, err := strconv.Atoi(fields[field])
		n.must(err)
		ticks += count
	}
	return time.Duration(ticks) * tick
}
