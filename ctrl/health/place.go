package health

import "time"

// place is a checker's place among the others, which it keeps.
//
// As in keepalived the wait for the next check counts from the end of the one before. That alone would carry on whatever
// made it long: checks that wait for each other, because this process or the way to the servers was busy for a moment, end
// together, and come together again, with those whose turn it is. Of thousands a second ever more do, and each takes ever
// longer. So what a check that passed was late, and what it took beyond the usual, the next ones make up for. They cannot
// tell whether it was the server that took its time. That is why a check comes forward by a fraction of its wait at most,
// and why what is usual follows what checks take.
type place struct {
	interval time.Duration // between two checks that pass
	usual    time.Duration // what a check takes that passes
	known    bool          // usual is
	owed     time.Duration // what the checks are still behind
}

// timing is when a check was due, and when it was made.
type timing struct {
	due, begun, ended time.Time
	passed            bool
}

// keep returns when the next check is to come, which keepalived's count has at next. One that failed has a new place.
func (p *place) keep(check timing, next time.Time) time.Time {
	const fraction = 8
	behind := check.begun.Sub(check.due)
	if check.passed {
		// A wait that counts from the start of a check carries nothing on.
		carried := max(0, next.Sub(check.begun)-p.interval)
		behind += p.owed + p.unusual(carried)
	}
	wait := next.Sub(check.ended)
	forward := min(behind, wait/fraction)
	p.owed = 0
	if check.passed && wait > 0 {
		p.owed = (behind - forward) % wait // who is behind by a whole turn has missed it
	}
	return next.Add(-forward)
}

// unusual is how much more than usual a check took; or the one before, if this one shows that it did.
func (p *place) unusual(took time.Duration) time.Duration {
	const memory = 16 // checks
	switch {
	case !p.known:
		p.usual, p.known = took, true
		return 0
	case took < p.usual:
		more := p.usual - took
		p.usual = took
		return more
	}
	more := took - p.usual
	p.usual += more / memory
	return more
}
