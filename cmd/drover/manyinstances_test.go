package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
	"drover/ctrl/vrrp"
)

// All virtual routers that a LAN can have live in one process, each in its rhythm, and cost little on either node.
func TestTwoHundredFiftyFiveInstancesLiveInOneProcess(t *testing.T) {
	// Alone: it counts the time of the processors.
	const count, settling, during = 255, 2 * time.Second, 3 * time.Second
	n := newBalancers(t)
	n.must(n.high.WriteFile(defaultConfig, manyInstances(count, 200)))
	n.must(n.low.WriteFile(defaultConfig, manyInstances(count, 100)))
	low, high := n.start(n.low), n.start(n.high)
	n.untilAll(n.high, count, "MASTER")
	n.untilAll(n.low, count, "BACKUP")
	if held := n.addressesOf(n.high); len(held) != 1+count {
		t.Errorf("the master holds %d VIPs, want %d", len(held)-1, count)
	}

	adverts := n.watchAdverts()
	adverts.nextFor(n.high, settling)
	used := map[*runningDaemon]time.Duration{high: high.processorTime(), low: low.processorTime()}
	adverts.nextFor(n.high, during)
	for d, before := range used {
		took, memory := d.processorTime()-before, d.memory()>>20
		t.Logf("%s takes %s of a processor in %s and %d MiB", d.host.Name(), took, during, memory)
		if took > during/6 || memory > 128 {
			t.Errorf("that is much for %s", d.host.Name())
		}
	}
	adverts.mustComeFrom(n.high, count)
	high.stop()
	if held := n.addressesOf(n.high); len(held) != 1 {
		t.Errorf("after the stop the host holds %v", held)
	}
}

// manyInstances are instances with the virtual router ids from 1 on.
func manyInstances(count, priority int) string {
	var config strings.Builder
	for id := 1; id <= count; id++ {
		fmt.Fprintf(&config, "vrrp_instance VI_%d {\n  interface enp1s0\n  virtual_router_id %d\n  priority %d\n"+
			"  garp_master_delay 0\n  virtual_ipaddress {\n    10.1.0.%d\n  }\n}\n", id, id, priority, id)
	}
	return config.String()
}

// untilAll waits until so many instances are all in a state.
func (n *network) untilAll(h *testbed.Host, count int, state string) {
	n.t.Helper()
	n.untilStatus(h, "all "+state, func(s api.Status) bool {
		return len(s.Instances) == count && !slices.ContainsFunc(s.Instances, func(i api.Instance) bool { return i.State != state })
	})
}

// nextFor waits for the adverts of a host for some time.
func (a *adverts) nextFor(h *testbed.Host, during time.Duration) {
	a.n.t.Helper()
	for begun := a.next(h).at; a.next(h).at.Sub(begun) < during; {
	}
}

// mustComeFrom holds the adverts of so many virtual routers, one a second each, to one host and to their rhythm.
func (a *adverts) mustComeFrom(h *testbed.Host, count int) {
	a.n.t.Helper()
	last := make(map[uint8]time.Time)
	for _, f := range a.watch.Seen() {
		payload, _ := f.VRRP()
		id, _ := vrrp.VirtualRouterID(payload)
		if before, known := last[id]; known && f.Time.Sub(before) > 1500*time.Millisecond || f.Port != h.Name() {
			a.n.t.Errorf("%s of the virtual router %d comes %s after the one before", f, id, f.Time.Sub(before))
		}
		last[id] = f.Time
	}
	if len(last) != count {
		a.n.t.Errorf("%d virtual routers send adverts, want %d", len(last), count)
	}
}

// processorTime is what the processes of the daemon have used of the processors.
func (d *runningDaemon) processorTime() time.Duration {
	d.n.t.Helper()
	own, vrrp := d.processes()
	return d.n.processorTime(own) + d.n.processorTime(vrrp)
}

func (n *network) processorTime(process int) time.Duration {
	n.t.Helper()
	const user, ticks = 11, 100 // fields after the command's name, and their unit, as in proc(5)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	n.must(err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var sum int
	for _, field := range fields[user : user+2] {
		value, err := strconv.Atoi(field)
		n.must(err)
		sum += value
	}
	return time.Duration(sum) * time.Second / ticks
}

// memory is how many bytes of memory the processes of the daemon have now.
func (d *runningDaemon) memory() int {
	d.n.t.Helper()
	own, vrrp := d.processes()
	return d.n.memory(own) + d.n.memory(vrrp)
}

func (n *network) memory(process int) int {
	n.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", process))
	n.must(err)
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	n.must(err)
	return pages * os.Getpagesize()
}
