package main

import (
	"slices"
	"testing"
	"time"
)

// ms is so many milliseconds.
func ms(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// askedUntil is a client whose echoes are sent every millisecond until a time and take a tenth to come back; those that
// are sent while it is away get no answer.
func askedUntil(end int, away func(at int) bool) (e echoes) {
	for at := range end {
		e.sent = append(e.sent, ms(float64(at)))
		if !away(at) {
			e.answers = append(e.answers, answer{echo: at, at: ms(float64(at) + 0.1)})
		}
	}
	return e
}

func TestOutagesAreTheLongestGapAndTheEchoesLost(t *testing.T) {
	within := func(from, to int) func(int) bool { return func(at int) bool { return at >= from && at < to } }
	for _, c := range []struct {
		name       string
		away       func(at int) bool
		event, end float64
		gap        time.Duration
		lost       int
	}{
		{"nothing happens", within(0, 0), 100, 500, 0, 0},
		{"an outage after the event", within(200, 250), 100, 500, ms(50), 50},
		{"one that begins before the event, in the middle of an echo's way", within(100, 150), 100.05, 500, ms(50), 50},
		{"one that is over at the event", within(50, 90), 100, 500, 0, 0},
		{"one that comes after the end", within(450, 490), 100, 300, 0, 0},
		{"two of them: the longer, and all echoes", func(at int) bool { return within(150, 170)(at) || within(200, 203)(at) }, 100, 500, ms(20), 23},
		{"a single echo", within(200, 201), 100, 500, ms(1), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := askedUntil(500, c.away).between(ms(c.event), ms(c.end))
			if got != (outage{gap: c.gap, lost: c.lost}) {
				t.Errorf("got %+v, want %v and %d lost", got, c.gap, c.lost)
			}
		})
	}
}

func TestAnAnswerThatIsLateIsAGapButNotLost(t *testing.T) {
	e := askedUntil(300, func(at int) bool { return at >= 100 })
	for echo := 100; echo < 140; echo++ { // all at once, as from the queue of a neighbour that is not resolved
		e.answers = append(e.answers, answer{echo: echo, at: ms(140.1)})
	}
	for echo := 140; echo < 300; echo++ {
		e.answers = append(e.answers, answer{echo: echo, at: ms(float64(echo) + 0.1)})
	}
	if got := e.between(ms(90), ms(300)); got != (outage{gap: ms(40)}) {
		t.Errorf("got %+v", got)
	}
}

func TestEchoesThatAreStillOnTheirWayAreNotLost(t *testing.T) {
	e := askedUntil(300, func(at int) bool { return at > 290 })
	if got := e.lostBetween(ms(100), ms(300)); got != 0 {
		t.Errorf("%d lost", got)
	}
}

func TestAClientThatNeverGotAnAnswerWaitsSinceTheEvent(t *testing.T) {
	e := askedUntil(300, func(at int) bool { return at < 150 })
	if got := e.longestGap(ms(100), ms(300), nil); got != ms(49.1) {
		t.Errorf("got %v", got)
	}
}

func TestServedSinceTheLastPause(t *testing.T) {
	e := askedUntil(300, func(at int) bool { return at >= 100 && at < 120 || at >= 200 && at < 205 })
	for now, want := range map[float64]time.Duration{
		300: ms(120.1), // the short pause is none
		330: ms(330),   // not any more
	} {
		if got := e.servedSince(ms(now)); got != want {
			t.Errorf("at %v ms: %v, want %v", now, got, want)
		}
	}
	if got := (echoes{}).servedSince(ms(5)); got != ms(5) {
		t.Errorf("without any answer: %v", got)
	}
}

func TestATimeInWhichTheClientDidNotAskIsAnOutageOnlyBetweenLostEchoes(t *testing.T) {
	for _, c := range []struct {
		name string
		away func(at int) bool
		gap  time.Duration
	}{
		{"the service was there", func(int) bool { return false }, 0},
		{"it was away before and after", func(at int) bool { return at >= 190 && at < 260 }, ms(70)},
		{"it was away before", func(at int) bool { return at >= 190 && at < 210 }, ms(10)},
		{"it was away after", func(at int) bool { return at >= 240 && at < 260 }, ms(10)},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := askedUntil(500, c.away)
			e := echoes{answers: asked.answers}
			e.sent = append(append(e.sent, asked.sent[:200]...), asked.sent[250:]...)
			e.answers = slices.DeleteFunc(e.answers, func(a answer) bool { return a.echo >= 200 && a.echo < 250 })
			for i, a := range e.answers {
				if a.echo >= 250 {
					e.answers[i].echo -= 50
				}
			}
			if got := e.between(ms(100), ms(500)); got.gap != c.gap || got.stall != ms(50) {
				t.Errorf("got %+v, want %v and a stall of 50 ms", got, c.gap)
			}
		})
	}
}
