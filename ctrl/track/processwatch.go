package track

import (
	"context"
	"fmt"
	"time"
)

// watch counts the processes every second, and as soon as one of them ends.
func (o ProcessOptions) watch(ctx context.Context, t *Tracker, last Result, tell func(Result)) {
	w := &processWatch{ProcessOptions: o, tracker: t, tell: tell, last: last, exits: newExitWatch()}
	w.quorum = quorum{
		minimum: o.Minimum, maximum: o.Maximum, forkDelay: o.ForkDelay, terminateDelay: o.TerminateDelay,
		state: last.State, count: last.Value,
	}
	defer w.exits.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.exits.heard:
			timer.Reset(w.look(true))
		case <-timer.C:
			timer.Reset(w.look(false))
		}
	}
}

// processWatch is a process that is watched.
type processWatch struct {
	ProcessOptions
	tracker *Tracker
	tell    func(Result)
	quorum  quorum
	exits   *exitWatch
	last    Result
	broken  string // why processes could not be counted at the last look, or empty
}

// look counts the processes, anew or by a list that is fresh, tells how they stand, and returns how long to wait for the
// next look.
func (w *processWatch) look(anew bool) time.Duration {
	found, err := w.tracker.table.matching(w.ProcessOptions, anew)
	if err != nil {
		w.complain(err)
		return lookAgain
	}
	w.broken = ""
	w.exits.watch(found)
	now := time.Now()
	state, due := w.quorum.observe(now, len(found))
	w.last.State, w.last.Value, w.last.Reason = state, len(found), w.reason(state, len(found))
	w.tell(w.last)
	return untilNextLook(now, due)
}

// complain logs why processes say nothing, once.
func (w *processWatch) complain(err error) {
	if reason := err.Error(); reason != w.broken {
		w.broken = reason
		w.tracker.config.Log.Warn("processes cannot be counted; they count as unchanged", "process", w.Name, "error", err)
	}
}

// untilNextLook is how long to wait for the next look, when a change waits until due; zero if none does.
func untilNextLook(now, due time.Time) time.Duration {
	if due.IsZero() {
		return lookAgain
	}
	return min(lookAgain, due.Sub(now))
}

// reason says why the state is Down, or "".
func (o ProcessOptions) reason(state State, count int) string {
	switch {
	case state != Down:
		return ""
	case count < o.Minimum:
		return fmt.Sprintf("%d of %s run, want %d", count, o.Command[0], o.Minimum)
	case count > o.Maximum:
		return fmt.Sprintf("%d of %s run, want at most %d", count, o.Command[0], o.Maximum)
	default:
		return "not for long enough yet"
	}
}
