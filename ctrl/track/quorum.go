package track

import "time"

// quorum says whether as many processes run as should, and rides out short changes.
type quorum struct {
	minimum, maximum          int
	forkDelay, terminateDelay time.Duration

	state State
	count int
	due   time.Time // when a change of the state that waits is made; zero if none waits
}

// observe takes how many processes run now. It returns the state, and when to observe again at the latest to learn of a
// change that waits; zero if none does.
func (q *quorum) observe(now time.Time, count int) (state State, due time.Time) {
	outcome := Down
	if count >= q.minimum && count <= q.maximum {
		outcome = Up
	}
	delay := q.terminateDelay
	if count > q.count {
		delay = q.forkDelay
	}
	q.count = count
	switch {
	case outcome == q.state:
		q.due = time.Time{}
	case q.state == Unknown:
		q.state = outcome
	default:
		q.change(now, outcome, delay)
	}
	return q.state, q.due
}

// change makes a change of the state, now or later.
func (q *quorum) change(now time.Time, outcome State, delay time.Duration) {
	if q.due.IsZero() {
		q.due = now.Add(delay)
	}
	if !now.Before(q.due) {
		q.state, q.due = outcome, time.Time{}
	}
}
