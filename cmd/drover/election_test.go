package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

func TestOfTwoThatSayStateMasterTheHigherPriorityEndsAsMaster(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	adverts := n.watchAdverts()
	n.start(n.low)
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.mustBeAloneSince(adverts, n.high, n.low, adverts.next(n.high).at)
}

func TestTheHigherPriorityPreempts(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.start(n.low)
	n.untilState(n.low, "MASTER")
	adverts := n.watchAdverts()
	client := n.steadily(n.client, vip, 50*time.Millisecond)
	begun := time.Now()
	high := n.start(n.high)
	taken := adverts.next(n.high)
	n.untilState(n.high, "MASTER")
	n.untilState(n.low, "BACKUP")
	n.mustBeAloneSince(adverts, n.high, n.low, taken.at)
	if failed := failures(client.stop(), begun, time.Now(), 500*time.Millisecond); len(failed) > 2 {
		t.Errorf("%d requests failed while the higher priority came back: %v", len(failed), failed)
	}
	if strings.Contains(high.log.String(), "another host answers ARP") {
		t.Error("it takes the one that gave way for a rival")
	}
}

// mustBeAloneSince watches three more adverts of the master: from the first one on the other may answer once, to say
// goodbye, and is silent then. Their addresses tell the same. An advert of the other that was due before it could hear the
// master's would be one too many, so a test has the master come at another time.
func (n *network) mustBeAloneSince(adverts *adverts, master, other *testbed.Host, first time.Time) {
	n.t.Helper()
	for range 3 {
		adverts.next(master)
	}
	rival := of(adverts.seen(), other, first)
	if len(rival) > 1 || len(rival) == 1 && rival[0].at.Sub(first) > 100*time.Millisecond {
		n.t.Errorf("%s is master since %s, but %s adverts: %v", master.Name(), first, other.Name(), rival)
	}
	for _, h := range []*testbed.Host{master, other} {
		if holds := n.holds(h, vip); holds != (h == master) {
			n.t.Errorf("%s holds the VIP: %t", h.Name(), holds)
		}
	}
}

// While a master is cut off it finds its web servers down. It must not take the clients back before their checks pass again.
func TestASilentCutHeals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		cutOffFirst bool // the next advert is that of the one that was cut off
	}{
		{"when the one that was cut off is heard first", true},
		{"when its successor is heard first", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t)
			n.startPair()
			adverts := n.watchAdverts()
			beat := adverts.next(n.high).at
			n.must(n.high.Cut())
			adverts.next(n.low)
			n.untilStatus(n.high, "no web server that has passed its check", func(s api.Status) bool {
				return !slices.ContainsFunc(s.VirtualServers[0].RealServers, func(r api.RealServer) bool {
					return r.Up || strings.HasPrefix(r.Reason, "no answer to ARP") // and nothing of a check, which comes first
				})
			})
			client := n.steadily(n.client, vip, 50*time.Millisecond)
			sent := n.watchSent(n.client, vip)
			adverts.next(n.low) // the client knows where it is by now
			if !c.cutOffFirst {
				n.untilAfter(beat, time.Second)
			}
			healed := time.Now()
			n.must(n.high.Mend())
			n.untilState(n.high, "BACKUP")
			n.mustBeAloneSince(adverts, n.low, n.high, time.Now())
			n.mustSendTo(sent, n.low, healed)
			n.mustServe(client, healed, 2*time.Second)
			n.untilState(n.high, "MASTER")
			n.untilState(n.low, "BACKUP")
			n.mustBeAloneSince(adverts, n.high, n.low, time.Now())
			back := time.Now()
			n.mustServe(n.steadily(n.client, vip, 50*time.Millisecond), back, time.Second)
			n.mustSendTo(sent, n.high, back)
		})
	}
}

// untilAfter waits until just after the next beat of a rhythm.
func (n *network) untilAfter(beat time.Time, every time.Duration) {
	n.t.Helper()
	const after = 30 * time.Millisecond
	next := beat.Add(time.Since(beat).Truncate(every) + every + after)
	n.until("the beat", func() (bool, error) { return time.Now().After(next), nil })
}
