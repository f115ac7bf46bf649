package main

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// A better member that comes back leaves the master be, for ever or for some time, whichever of the two is Drover.
func TestTheHigherPriorityLeavesAMasterBe(t *testing.T) {
	t.Parallel()
	const delay = 4 * time.Second
	for name, speakers := range map[string][2]speaker{
		"Drover beside keepalived": {speakDrover, speakKeepalived}, "keepalived beside Drover": {speakKeepalived, speakDrover},
	} {
		a := agreement{version: 3, interval: 300 * time.Millisecond, vips: prefixes("192.168.100.221/24")}
		t.Run("for ever, "+name, func(t *testing.T) {
			t.Parallel()
			a.more = []string{"nopreempt"}
			newPair(t, a, speakers[0], speakers[1]).mustNotPreempt()
		})
		t.Run("for some time, "+name, func(t *testing.T) {
			t.Parallel()
			a.more = []string{"preempt_delay 4"}
			newPair(t, a, speakers[0], speakers[1]).mustPreemptAfter(delay)
		})
	}
}

// mustNotPreempt has each member be master while the other one comes back. That the other one is there is seen when it takes
// over in its time.
func (p *pair) mustNotPreempt() {
	p.t.Helper()
	p.start(p.low)
	p.untilMaster(p.low, p.high)
	p.mustBeLeftBe(p.low, p.high)
	p.mustTakeOver(p.low, p.high, "kill -9", syscall.SIGKILL, 3*p.interval, 3*p.interval+p.skew(p.high.priority))
	p.mustBeLeftBe(p.high, p.low)
	p.mustTakeOver(p.high, p.low, "priority 0", syscall.SIGTERM, 0, p.skew(p.low.priority))
	p.mustBeLeftBe(p.low, p.high)
	p.mustTakeOver(p.low, p.high, "priority 0", syscall.SIGTERM, 0, p.skew(p.high.priority))
}

// mustBeLeftBe starts the other member, which listens and sends nothing.
func (p *pair) mustBeLeftBe(master, other *member) {
	p.t.Helper()
	begun := time.Now()
	p.start(other)
	p.until(other.Name()+" listens", func() (bool, error) {
		const group = "120000E0" // 224.0.0.18
		joined, err := other.Command(p.t.Context(), "cat", "/proc/net/igmp").Output()
		return strings.Contains(string(joined), group), err
	})
	p.adverts.nextFor(master.Host, 2*time.Second)
	if sent := of(p.adverts.seen(), other.Host, begun); len(sent) > 0 {
		p.t.Errorf("%s is master, %s sends %v", master.Name(), other.Name(), sent)
	}
}

// mustPreemptAfter has the better member wait for a delay and for the usual time behind that, which begins with the last advert
// before; but not when there is no master any more.
func (p *pair) mustPreemptAfter(delay time.Duration) {
	p.t.Helper()
	p.start(p.low)
	p.untilMaster(p.low, p.high)
	begun := time.Now()
	p.start(p.high)
	p.untilMaster(p.high, p.low)
	usual := 3*p.interval + p.skew(p.high.priority)
	least, most := delay+usual-p.interval, delay+usual+2*time.Second // until it has started
	if waited := of(p.adverts.seen(), p.high.Host, begun)[0].at.Sub(begun); waited < least || waited > most {
		p.t.Errorf("the better member preempts after %s, want %s to %s", waited, least, most)
	}
	p.mustTakeOver(p.high, p.low, "kill -9", syscall.SIGKILL, 3*p.interval, 3*p.interval+p.skew(p.low.priority))
	p.mustBeLeftBe(p.low, p.high)
	p.mustTakeOver(p.low, p.high, "kill -9", syscall.SIGKILL, 3*p.interval, usual)
}
