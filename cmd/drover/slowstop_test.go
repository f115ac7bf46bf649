package main

import (
	"syscall"
	"testing"
	"time"

	"drover/ctrl/api"
)

// With adverts far apart a successor follows late: in version 3 Skew_Time is a part of the interval.
func TestAMasterThatStopsServesUntilALateSuccessorFollows(t *testing.T) {
	// Alone: a tenth of a second counts.
	p := newServedPair(t, agreement{
		version: 3, interval: 2 * time.Second, vips: prefixes("192.168.100.221/24"),
		beside: virtualServer("192.168.100.221 80", "rr", "TCP", bothWebs("80", 1, 1)...),
	})
	p.high.priority, p.low.priority = 255, 20 // the owner waits for nobody, and its successor for 1.8 s
	p.start(p.high)
	p.start(p.low)
	p.untilServed(p.high, p.low, vip)
	p.untilState(p.low.Host, "BACKUP")
	p.untilStatus(p.low.Host, "both real servers up", func(s api.Status) bool { return upIn(s, 0) == 2 })
	client := p.steadily(p.client, vip, 20*time.Millisecond)
	begun := time.Now()
	p.high.end(syscall.SIGTERM)
	left := time.Since(begun)
	p.untilServed(p.low, p.high, vip)
	p.mustHardlyNotice(client.stop(), begun, time.Now())
	if skew := p.skew(p.low.priority); left < skew {
		t.Errorf("it was gone after %s, and its successor follows after %s", left, skew)
	}
}
