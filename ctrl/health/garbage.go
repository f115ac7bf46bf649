package health

import (
	"runtime/debug"
	"runtime/metrics"
)

const (
	// room is how much garbage may pile up before it is collected, in bytes. A check makes some kilobytes of it, and while
	// it is collected checks wait for the CPU: with Go's default, which is as much as is in use, thousands of checks a
	// second on one CPU would be late several times a second.
	room = 112 << 20
	// Least and most of the percentage: never less room than Go's default gives, and a process in which little is in use
	// stays small.
	leastPercent, mostPercent = 100, 800
)

// Collector has the garbage of a process that makes checks collected as seldom as its size allows. The zero value is ready;
// it has a single owner. An environment variable GOGC does not count from the first Tune on.
type Collector struct{ percent int }

// Tune follows what is in use now. It is cheap, and to be called now and then: what is in use is known when garbage was
// collected last.
func (c *Collector) Tune() {
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(inUse)
	var bytes uint64
	for _, s := range inUse {
		bytes += s.Value.Uint64()
	}
	// Small changes are passed over: to set it stops all threads for a moment.
	if wanted := percentOf(bytes); wanted < c.percent*9/10 || wanted > c.percent*11/10 {
		c.percent = wanted
		debug.SetGCPercent(wanted)
	}
}

// percentOf is how much garbage there may be for each hundred bytes in use.
func percentOf(inUse uint64) int {
	return int(min(max(leastPercent, room*100/max(inUse, 1)), mostPercent))
}
