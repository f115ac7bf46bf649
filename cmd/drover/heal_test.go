package main

import (
	"testing"
	"time"
)

// Whoever is heard first when a split heals, clients are back with the true master at once.
func TestAHealedSplitCostsClientsHardlyAnything(t *testing.T) {
	// Alone: a tenth of a second counts.
	const interval = 100 * time.Millisecond
	for _, c := range []struct {
		name       string
		truthFirst bool
	}{
		{"when the true master is heard first", true},
		{"when the pretender is heard first", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newServedPair(t, agreement{
				version: 3, interval: interval, vips: prefixes("192.168.100.221/24"),
				beside: virtualServer("192.168.100.221 80", "rr", "TCP", bothWebs("80", 1, 1)...),
			})
			p.start(p.high)
			p.start(p.low)
			p.untilServed(p.high, p.low, vip)
			beat := p.adverts.next(p.high.Host).at // in which the master goes on while nobody hears it
			p.must(p.high.Cut())
			p.untilServed(p.low, p.high, vip)
			client := p.steadily(p.client, vip, 10*time.Millisecond)
			sent := p.watchSent(p.client, vip)
			if c.truthFirst {
				beat = p.adverts.next(p.low.Host).at
			}
			p.untilAfter(beat, interval) // the other one's advert is next
			healed := time.Now()
			p.must(p.high.Mend())
			p.untilAlone(p.high, p.low)
			first := p.adverts.next(p.high.Host).at
			p.until("the client went on", func() (bool, error) { return time.Since(first) > time.Second, nil })
			p.mustHardlyNotice(client.stop(), healed, first.Add(500*time.Millisecond))
			p.mustSendTo(sent, p.high.Host, first)
		})
	}
}
