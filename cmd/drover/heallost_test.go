package main

import (
	"slices"
	"testing"
	"time"

	"drover/ctrl/api"
)

// A master that was cut off has lost its real servers when the split heals. It must not take the clients back before one
// answers it again.
func TestClientsStayWithTheOneThatReachesRealServersWhenASplitHeals(t *testing.T) {
	// Alone: a tenth of a second counts.
	const interval = 100 * time.Millisecond
	for name, webs := range map[string][]string{
		"that fell silent":         bothWebs("80", 1, 1),
		"that failed their checks": {realServer("192.168.100.150 80", 1), realServer("192.168.100.151 80", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			p := newServedPair(t, agreement{
				version: 3, interval: interval, vips: prefixes("192.168.100.221/24"),
				beside: virtualServer("192.168.100.221 80", "rr", "TCP", webs...),
			})
			p.start(p.high)
			p.start(p.low)
			p.untilServed(p.high, p.low, vip)
			p.must(p.high.Cut())
			p.untilServed(p.low, p.high, vip)
			client := p.steadily(p.client, vip, 10*time.Millisecond)
			p.untilStatus(p.high.Host, "no real server up", func(s api.Status) bool { return upIn(s, 0) == 0 })
			healed := time.Now()
			p.must(p.high.Mend())
			p.until("the client went on", func() (bool, error) { return time.Since(healed) > 2*time.Second, nil })
			p.mustHardlyNotice(client.stop(), healed, healed.Add(time.Second))
			p.untilServed(p.high, p.low, vip) // by the client's own table: it was told
		})
	}
}

// A MASTER whose checks all fail on a LAN without clients hears next to nothing, and is not cut off: the other node would do no better.
func TestAMasterWhoseServicesHangKeepsTheRole(t *testing.T) {
	t.Parallel()
	n := newHungServices(t)
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.start(n.low)
	n.untilState(n.low, "BACKUP")
	n.untilStatus(n.high, "no real server up", func(s api.Status) bool { return upIn(s, 0) == 0 })
	adverts := n.watchAdverts()
	begun := adverts.next(n.high)
	n.until("eight more adverts have come", func() (bool, error) { return len(of(adverts.seen(), n.high, begun.at)) > 8, nil })
	if other := slices.DeleteFunc(adverts.seen(), func(a advert) bool {
		return a.from == begun.from && a.priority == begun.priority
	}); len(other) > 0 || begun.priority == 1 {
		t.Errorf("after %+v: %+v", begun, other)
	}
}
