package main

import "time"

// answer is an echo that came back. Times are since the beginning of the repetition.
type answer struct {
	echo int // its number, in the order of sending
	at   time.Duration
}

// echoes is what a client sent and got.
type echoes struct {
	sent    []time.Duration // by number
	answers []answer        // in the order of their coming
}

// echoPeriod is the time from one echo to the next, and so the shortest outage that is one.
const echoPeriod = time.Millisecond

// outage is what an event between its time and the end cost the client.
type outage struct {
	gap   time.Duration // the longest between two answers, less the period and what the client cannot know
	lost  int           // echoes without an answer
	stall time.Duration // the longest in which the client did not ask, as the machine had no time for it
	taken time.Duration // from the event to the first advert of the node that is master at the end
}

// between finds the outage of an event. The end must be one at which the client was served for a while.
func (e echoes) between(event, end time.Duration) outage {
	o := outage{lost: e.lostBetween(event, end)}
	stalls := e.stalls()
	for _, s := range stalls {
		o.stall = max(o.stall, s.within(event, end))
	}
	o.gap = e.longestGap(event, end, stalls)
	return o
}

// stall is a time in which echoes were due and not sent.
type stall struct{ from, to time.Duration }

// within is how much of it is in between.
func (s stall) within(from, to time.Duration) time.Duration {
	return max(0, min(s.to, to)-max(s.from, from))
}

// stalls lists those in which at least one echo was left out.
func (e echoes) stalls() (all []stall) {
	for i := 1; i < len(e.sent); i++ {
		if e.sent[i]-e.sent[i-1] >= 2*echoPeriod {
			all = append(all, stall{e.sent[i-1] + echoPeriod, e.sent[i]})
		}
	}
	return all
}

// longestGap counts a gap that began before the event and ended after it.
func (e echoes) longestGap(event, end time.Duration, stalls []stall) (longest time.Duration) {
	before := event
	for _, a := range e.answers {
		if a.at > end {
			break
		}
		if a.at > event {
			longest = max(longest, a.at-before-echoPeriod-e.unknown(before, a, stalls))
		}
		before = a.at
	}
	return longest
}

// unknown is how long the client cannot tell of the time before an answer whether it would have got one: the stalls at
// either end. One with lost echoes before and after it is part of their outage.
func (e echoes) unknown(before time.Duration, a answer, stalls []stall) (sum time.Duration) {
	for _, s := range stalls {
		if first, last := s.from-echoPeriod <= before, s.to == e.sent[a.echo]; first || last {
			sum += s.within(before, a.at)
		}
	}
	return sum
}

// lostBetween counts the echoes that were on their way at the event or sent later, and had the time to come back.
func (e echoes) lostBetween(event, end time.Duration) (lost int) {
	const back = 100 * time.Millisecond
	answered := make([]bool, len(e.sent))
	for _, a := range e.answers {
		answered[a.echo] = true
	}
	for echo, at := range e.sent {
		if at >= event-echoPeriod && at <= end-back && !answered[echo] {
			lost++
		}
	}
	return lost
}

// servedSince is when the client began to get answers without a pause until now; now, if it gets none.
func (e echoes) servedSince(now time.Duration) time.Duration {
	const pause = 10 * time.Millisecond
	since := now
	for i := len(e.answers) - 1; i >= 0 && since-e.answers[i].at <= pause; i-- {
		since = min(since, e.answers[i].at)
	}
	return since
}
