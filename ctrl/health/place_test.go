package health

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestWhatMadeACheckLateDoesNotAddUp(t *testing.T) {
	const ms = time.Millisecond
	due := time.Unix(1000, 0)
	usual := 100 * ms
	tests := []struct {
		name             string
		late, took, wait time.Duration // wait is keepalived's, from the end
		failed           bool
		owed             time.Duration
		want, still      time.Duration // from the end; what is owed then
	}{
		{"a check as usual", 0, usual, 8 * second, false, 0, 8 * second, 0},
		{"a check that was a little late", 100 * ms, usual, 8 * second, false, 0, 7900 * ms, 0},
		{"a check that took a little longer", 0, 300 * ms, 8 * second, false, 0, 7800 * ms, 0},
		{"a check that took more than can be made up for at once", 0, 3100 * ms, 8 * second, false, 0, 7 * second, 2 * second},
		{"a check that shows that the one before took longer", 0, 40 * ms, 8 * second, false, 0, 7940 * ms, 0},
		{"what is owed is made up for by the next", 0, usual, 8 * second, false, 500 * ms, 7500 * ms, 0},
		{"a check that missed some of its turns", 0, 26100 * ms, 8 * second, false, 0, 7 * second, second},
		{"a check that failed is late by its start alone", 100 * ms, 5 * second, 8 * second, true, 0, 7900 * ms, 0},
		{"a check that failed has a new place", 0, 5 * second, 3 * second, true, second, 3 * second, 0},
		{"a check that is due at once", second, second, 0, false, second, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			begun := due.Add(test.late)
			ended := begun.Add(test.took)
			p := place{interval: 8 * second, usual: usual, known: true, owed: test.owed}
			got := p.keep(timing{due, begun, ended, !test.failed}, ended.Add(test.wait)).Sub(ended)
			if got != test.want || p.owed != test.still {
				t.Errorf("the next check is due after %v, and %v is owed; want %v and %v", got, p.owed, test.want, test.still)
			}
		})
	}
}

// As with keepalived the wait counts from the end of a check, be the server as slow as it may.
func TestAServerThatIsSlowHasAllItsWait(t *testing.T) {
	const checks = 100
	now := time.Unix(1000, 0)
	p := place{interval: second}
	for n := range checks {
		took := 10 * time.Millisecond
		if n > 0 {
			took = 3 * second
		}
		ended := now.Add(took)
		now = p.keep(timing{now, now, ended, true}, ended.Add(second))
		if wait := now.Sub(ended); wait < 7*second/8 || n == checks-1 && wait < 99*second/100 {
			t.Fatalf("check %d comes %v after the one before, want 1s", n+1, wait)
		}
	}
}

// MISC_CHECK's wait counts from the start of a check: then only that can be late.
func TestACheckThatCountsFromItsStartIsBehindByItsLateStart(t *testing.T) {
	due := time.Unix(1000, 0)
	p := place{interval: 8 * second, known: true}
	begun := due.Add(second / 2)
	if next := p.keep(timing{due, begun, begun.Add(3 * second), true}, begun.Add(8*second)); !next.Equal(due.Add(8 * second)) {
		t.Errorf("the next check is due %v after this one was, want 8s", next.Sub(due))
	}
}

// Five thousand checks a second wait for each other at a server that is busy most of the time, and often does nothing for
// a moment. What that does to some of them passes: no tenth of the second gets much more or less of them than another.
func TestChecksThatWereHeldUpTogetherComeApart(t *testing.T) {
	const checkers, takes, turns = 5000, 170 * time.Microsecond, 120
	random := rand.New(rand.NewPCG(1, 2))
	start := time.Unix(1000, 0)
	places := make([]place, checkers)
	due := make([]time.Time, checkers)
	order := make([]int, checkers)
	for i := range due {
		places[i].interval = second
		due[i] = start.Add(second * time.Duration(i) / checkers)
		order[i] = i
	}
	free := start // when the server takes the next one
	for turn := range turns {
		slices.SortStableFunc(order, func(a, b int) int { return due[a].Compare(due[b]) })
		stops := random.IntN(checkers)
		for n, i := range order {
			if free.Before(due[i]) {
				free = due[i]
			}
			if n == stops && turn%10 < 5 {
				free = free.Add(50 * time.Millisecond)
			}
			free = free.Add(takes)
			due[i] = places[i].keep(timing{due[i], due[i], free, true}, free.Add(second))
		}
	}
	var tenths [10]int
	for _, at := range due {
		tenths[at.Sub(start)%second*10/second]++
	}
	for _, n := range tenths {
		if n < 400 || n > 600 {
			t.Fatalf("of %d checks these come in each tenth of a second: %v", checkers, tenths)
		}
	}
}
