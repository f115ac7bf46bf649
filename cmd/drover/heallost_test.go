package main

import (
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
		})
	}
}
