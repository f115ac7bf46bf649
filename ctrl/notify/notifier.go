package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Run runs a program to its end and returns nil if that exits with 0. When ctx ends it ends the program, with all that
// the program started, before it returns. Empty names mean the default user, and the user's own group.
type Run func(ctx context.Context, command []string, user, group string) error

// The time that a running script has to end once another one of the same subject waits, and after Close once a newer
// event does.
const (
	patience     = 30 * time.Second
	lastPatience = time.Second
)

// Options are what a Notifier tells, and to whom.
type Options struct {
	Scripts map[Subject]Scripts
	FIFOs   []FIFO
}

// Counts are totals since the Notifier was made.
type Counts struct {
	// Events is how many there were, Scripts how many scripts were run.
	Events, Scripts uint64
	// Failed is how many scripts did not exit with 0, Cut how many of them were ended because others waited.
	Failed, Cut uint64
	// Passed is how many events' scripts were never run because newer events came faster.
	Passed uint64
	// LostLines is how many lines a FIFO did not take, because nobody reads it.
	LostLines uint64
}

// Notifier tells scripts and FIFOs of events. All methods are safe for concurrent use.
type Notifier struct {
	run Run
	log *slog.Logger

	ctx     context.Context // ends when Close loses its patience
	cancel  context.CancelCauseFunc
	closing chan struct{}
	working sync.WaitGroup

	mu      sync.Mutex
	closed  bool // nothing is let in, and no work begins
	scripts map[Subject]Scripts
	queues  map[Subject]*queue
	fifos   map[string]*fifo // by path
	counts  Counts
}

// New returns a notifier that tells nobody yet.
func New(run Run, log *slog.Logger) *Notifier {
	n := &Notifier{
		run: run, log: log, closing: make(chan struct{}),
		queues: make(map[Subject]*queue), fifos: make(map[string]*fifo),
	}
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	return n
}

// Update makes options what is told from now on. What has been told already still reaches the scripts that were
// configured then. A FIFO that is unchanged stays open and its script running. The error names each FIFO that cannot
// be opened; all else is in force.
func (n *Notifier) Update(options Options) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return errClosed
	}
	n.scripts = options.Scripts
	return n.updateFIFOs(options.FIFOs)
}

// Notify tells of e. It does not wait for anybody. After Close it does nothing.
func (n *Notifier) Notify(e Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.counts.Events++
	scripts := n.scripts[e.Subject]
	if scripts.told(e) {
		n.write(e)
	}
	if commands := scripts.commands(e); len(commands) > 0 {
		n.enqueue(e, commands)
	}
}

// Counts returns the totals.
func (n *Notifier) Counts() Counts {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.counts
}

// Close waits until all that was told has reached its scripts, and removes the FIFOs that it made. A script that a newer
// event waits for has a second to end, as has one that reads a FIFO. When ctx ends, what runs is ended, what waits is
// not run, and the error says so. keepalived gives its scripts a second in all.
func (n *Notifier) Close(ctx context.Context) error {
	if !n.close() {
		return errClosed
	}
	defer context.AfterFunc(ctx, func() { n.cancel(context.Cause(ctx)) })()
	n.working.Wait()
	if err := context.Cause(n.ctx); err != nil {
		return fmt.Errorf("notify scripts were not waited for to their end: %w", err)
	}
	n.cancel(nil)
	return nil
}

var errClosed = errors.New("the notifier is closed")

// close lets nothing more in, and says whether it is the first to do so.
func (n *Notifier) close() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return false
	}
	n.closed = true
	close(n.closing)
	for _, f := range n.fifos {
		n.hangUp(f)
	}
	return true
}
