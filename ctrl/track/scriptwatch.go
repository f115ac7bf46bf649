package track

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// watch runs the script every Interval, counted from start to start. One that runs beyond the next start misses it.
func (o ScriptOptions) watch(ctx context.Context, t *Tracker, last Result, tell func(Result)) {
	w := &scriptWatch{ScriptOptions: o, tracker: t, tell: tell, last: last}
	if last.State == Unknown && o.InitFail {
		w.last.State, w.last.Reason = Down, "init_fail"
		tell(w.last)
	}
	w.threshold = threshold{rise: o.Rise, fall: o.Fall, state: w.last.State}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		w.once(ctx)
		for now := time.Now(); !next.After(now); {
			next = next.Add(o.Interval)
		}
		timer.Reset(time.Until(next))
	}
}

// scriptWatch is a script that is watched.
type scriptWatch struct {
	ScriptOptions
	tracker   *Tracker
	tell      func(Result)
	threshold threshold
	last      Result
	broken    string // why the script could not be started the last time, or empty
}

// once runs the script once. One that takes too long counts as failed at that moment, though it may take a while more
// until it has ended.
func (w *scriptWatch) once(ctx context.Context) {
	limit := w.Timeout
	if limit == 0 {
		limit = w.Interval
	}
	timedOut := fmt.Errorf("timed out after %v", limit)
	run, cancel := context.WithTimeoutCause(ctx, limit, timedOut)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- w.tracker.config.Run(run, w.Command, w.User, w.Group) }()
	select {
	case err := <-ended:
		if run.Err() == nil {
			w.observe(err)
			return
		}
	case <-run.Done():
		defer func() { <-ended }()
	}
	if ctx.Err() == nil { // a run that was cut off by the tracker's end says nothing
		w.failed(timedOut.Error())
	}
}

// observe takes how a run ended.
func (w *scriptWatch) observe(err error) {
	switch {
	case err == nil:
		w.broken = ""
		w.report(w.threshold.observe(true), "")
	case errors.As(err, new(*exec.ExitError)):
		w.broken = ""
		w.failed(err.Error())
	default:
		w.unstartable(err)
	}
}

func (w *scriptWatch) failed(reason string) { w.report(w.threshold.observe(false), reason) }

// unstartable takes that the script could not be started. That says nothing of what it checks: keepalived's verdict is
// that all is well, Drover's that all is as it was, and well if nothing is known.
func (w *scriptWatch) unstartable(err error) {
	if reason := err.Error(); reason != w.broken {
		w.broken = reason
		w.tracker.config.Log.Warn("a track script cannot be run; what it checks counts as unchanged",
			"script", w.Name, "error", err)
	}
	if w.threshold.state == Unknown {
		w.report(w.threshold.observe(true), "")
	}
}

// report tells how the script stands after a run. The reason is that of the run's failure.
func (w *scriptWatch) report(state State, reason string) {
	if state != Down {
		reason = ""
	} else if reason == "" {
		reason = w.last.Reason // it has passed, but not often enough
	}
	w.last.State, w.last.Reason = state, reason
	w.tell(w.last)
}
