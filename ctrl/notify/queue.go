package notify

import (
	"context"
	"errors"
	"time"
)

// queue runs the scripts of one subject. It is guarded by the notifier's mutex.
type queue struct {
	backlog backlog
	running bool          // a goroutine empties the backlog
	waiting chan struct{} // holds a token when something was put behind what runs
}

// errOthersWait is why a script is ended that takes too long.
var errOthersWait = errors.New("it took too long while another script waited for it")

// enqueue puts the scripts of e behind those that wait. The caller holds the mutex.
func (n *Notifier) enqueue(e Event, commands []Script) {
	q := n.queues[e.Subject]
	if q == nil {
		q = &queue{waiting: make(chan struct{}, 1)}
		n.queues[e.Subject] = q
	}
	if passed := q.backlog.put(entry{e, commands}); passed != nil {
		n.counts.Passed++
		n.log.Warn("notify scripts are slower than events come; one event was passed over",
			"kind", e.Subject.Kind, "name", e.Subject.Name, "state", passed.event.State)
	}
	if q.running {
		select {
		case q.waiting <- struct{}{}:
		default: // a token is there
		}
		return
	}
	q.running = true
	n.working.Go(func() { n.work(e.Subject, q) })
}

// work empties a queue.
func (n *Notifier) work(subject Subject, q *queue) {
	for {
		e, s, found := n.next(subject, q)
		if !found {
			return
		}
		n.runScript(e, s, q)
	}
}

// next takes the next script. If there is none, or no time for it, the queue is done with.
func (n *Notifier) next(subject Subject, q *queue) (Event, Script, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e, s, found := q.backlog.next()
	if !found || n.ctx.Err() != nil {
		delete(n.queues, subject)
		return e, s, false
	}
	n.counts.Scripts++
	return e, s, true
}

// patienceWith says whether something waits for what runs, and for how long that may go on. Once Close wants an end, a
// newer event has waited after a second; but a stop script whose own notify waits is not cut short for that.
func (n *Notifier) patienceWith(q *queue) (limit time.Duration, waits bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed && q.backlog.newer() {
		return lastPatience, true
	}
	return patience, !q.backlog.empty()
}

// runScript runs a script to its end, or, once another waits for it, so long as patience lasts. keepalived runs them
// side by side, so that the one that is late may undo what the later one did.
func (n *Notifier) runScript(e Event, s Script, q *queue) {
	ctx, cancel := context.WithCancelCause(n.ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() { ended <- n.run(ctx, s.Command, s.User, s.Group) }()
	var impatient <-chan time.Time // nil while nothing waits
	closing := n.closing
	for {
		if limit, waits := n.patienceWith(q); waits && impatient == nil {
			impatient = time.After(limit)
		}
		select {
		case err := <-ended:
			n.finished(e, s, err)
			return
		case <-impatient:
			cancel(errOthersWait)
		case <-q.waiting:
		case <-closing:
			closing, impatient = nil, nil
		}
	}
}

// finished takes how a script ended.
func (n *Notifier) finished(e Event, s Script, err error) {
	if err == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts.Failed++
	if errors.Is(err, errOthersWait) {
		n.counts.Cut++
	}
	n.log.Warn("a notify script failed", "kind", e.Subject.Kind, "name", e.Subject.Name, "state", e.State,
		"script", s.Command[0], "error", err)
}
