package main

import (
	"slices"
	"testing"
	"time"
)

// Beside keepalived, too, clients are soon back with the true master, whichever that is and whoever is heard first.
func TestASplitFromKeepalivedHeals(t *testing.T) {
	// Alone: a part of a second counts.
	for name, high := range map[string]bool{"that took over": true, "from which Drover took over": false} {
		for _, truthFirst := range []bool{true, false} {
			first := ", the pretender is heard first"
			if truthFirst {
				first = ", the true master is heard first"
			}
			t.Run(name+first, func(t *testing.T) { healSplit(t, high, !high, truthFirst) })
		}
	}
}

// healSplit has one of high and low be Drover, the other keepalived.
func healSplit(t *testing.T, high, low, truthFirst bool) {
	t.Helper()
	const interval = 100 * time.Millisecond
	p := newServedPair(t, agreement{
		version: 3, interval: interval, vips: prefixes("192.168.100.221/24"),
		beside: virtualServer("192.168.100.221 80", "rr", "TCP", bothWebs("80", 1, 1)...),
	})
	for m, drover := range map[*member]bool{p.high: high, p.low: low} {
		if !drover {
			m.speak = speakKeepalived
		}
	}
	for _, m := range []*member{p.high, p.low} {
		p.serveWeb(m.Host)
		p.start(m)
	}
	p.untilAnswered(p.high, p.low, high)
	beat := p.adverts.next(p.high.Host).at // in which the master goes on while nobody hears it
	p.must(p.high.Cut())
	p.untilAnswered(p.low, p.high, low)
	client := p.steadily(p.client, vip, 10*time.Millisecond)
	sent := p.watchSent(p.client, vip)
	if truthFirst {
		beat = p.adverts.next(p.low.Host).at
	}
	p.untilAfter(beat, interval) // the other one's advert is next
	healed := time.Now()
	p.must(p.high.Mend())
	p.untilAlone(p.high, p.low)
	first := p.adverts.next(p.high.Host).at
	p.until("the client went on", func() (bool, error) { return time.Since(first) > time.Second, nil })
	requests := client.stop()
	// Connections to keepalived's host end with its role. New ones waited for 4 to 7 s where nobody announced the VIP.
	const soon = 500 * time.Millisecond
	if gap, at := longestGap(requests, healed, first.Add(2*soon)); gap >= soon {
		t.Errorf("no new connection is answered for %s from %s on", gap, at.Format("15:04:05.000"))
	}
	p.mustSendTo(sent, p.high.Host, first.Add(soon))
}

// longestGap is the longest time between the beginnings of two requests that were answered at once, and when it began.
func longestGap(requests []request, from, to time.Time) (longest time.Duration, at time.Time) {
	byBegin := slices.SortedFunc(slices.Values(requests), func(a, b request) int { return a.begun.Compare(b.begun) })
	last := from
	for _, r := range byBegin {
		if r.begun.Before(from) || r.begun.After(to) || r.err != nil || r.ended.Sub(r.begun) > 50*time.Millisecond {
			continue
		}
		if gap := r.begun.Sub(last); gap > longest {
			longest, at = gap, last
		}
		last = r.begun
	}
	if gap := to.Sub(last); gap > longest {
		return gap, last
	}
	return longest, at
}

// untilAnswered waits until a member alone adverts and a client is answered there: by Drover's web servers or keepalived's
// host itself.
func (p *pair) untilAnswered(master, other *member, drover bool) {
	p.t.Helper()
	if drover {
		p.untilServed(master, other, vip)
		return
	}
	p.untilAlone(master, other)
	p.until(master.Name()+" answers", func() (bool, error) {
		who, err := p.get()
		return who == master.Name(), err
	})
}
