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
			p.untilInOrder(c.name, func() bool {
				p.untilServed(p.high, p.low, vip)
				beat := p.adverts.next(p.high.Host).at
				p.must(p.high.Cut())
				p.untilServed(p.low, p.high, vip)
				client := p.steadily(p.client, vip, 10*time.Millisecond)
				sent := p.watchSent(p.client, vip)
				healed, inOrder := p.heal(p.adverts, c.truthFirst, beat, interval)
				p.untilAlone(p.high, p.low)
				alone := p.adverts.next(p.high.Host).at
				p.until("the client went on", func() (bool, error) { return time.Since(alone) > time.Second, nil })
				p.mustHardlyNotice(client.stop(), healed, alone.Add(500*time.Millisecond))
				p.mustSendTo(sent, p.high.Host, alone)
				return inOrder
			})
		})
	}
}

// heal puts the cable of the better balancer, the true master, back: when its own advert is the next, or that of the other one,
// the pretender. beat is when the true master sent an advert; it goes on in that rhythm while nobody hears it. heal returns when
// that was, and whether the order was right, for the machine may have stood still.
func (n *network) heal(adverts *adverts, truthFirst bool, beat time.Time, interval time.Duration) (healed time.Time, inOrder bool) {
	n.t.Helper()
	if truthFirst {
		adverts.next(n.low)
	} else {
		n.untilAfter(beat, interval)
	}
	healed = time.Now()
	n.must(n.high.Mend())
	whole := time.Now()
	var first time.Time
	n.until("the true master is heard", func() (bool, error) {
		truth := of(adverts.seen(), n.high, healed)
		if len(truth) > 0 {
			first = truth[0].at
		}
		return len(truth) > 0, nil
	})
	claims := func(since time.Time) bool {
		pretender := of(adverts.seen(), n.low, since)
		return len(pretender) > 0 && pretender[0].at.Before(first)
	}
	if truthFirst {
		return healed, !claims(healed)
	}
	return healed, claims(whole)
}

// untilInOrder repeats a split and its end until the adverts came in the order that the test is about.
func (n *network) untilInOrder(order string, split func() bool) {
	n.t.Helper()
	const tries = 5
	for try := 1; !split(); try++ {
		if n.t.Failed() || try == tries {
			n.t.Fatalf("%s: in none of %d tries", order, try)
		}
		n.t.Logf("%s: the adverts crossed, once more", order)
	}
}
