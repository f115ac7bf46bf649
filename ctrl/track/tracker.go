package track

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
)

// Run runs a program to its end. It returns nil if that exits with 0, an error that wraps [os/exec.ExitError] if it ends
// otherwise, and another error if it could not be started. When ctx ends it ends the program, with all that the program
// started, before it returns. Empty names mean the default user, and the user's own group.
type Run func(ctx context.Context, command []string, user, group string) error

// Config is what a Tracker needs.
type Config struct {
	// Run runs the scripts.
	Run Run
	// Report is called with each change of a tracker's State or a file's Value, one call at a time, on a goroutine of
	// the Tracker. It must neither wait nor call the Tracker. What Update has removed is not reported on any more.
	Report func(Result)
	Log    *slog.Logger
}

// Tracker watches scripts, files and processes.
type Tracker struct {
	config Config
	table  *processTable

	mu       sync.Mutex
	watchers map[key]*watcher
	ended    sync.WaitGroup
}

// key is what a tracker is known by: names are unique among those of a kind.
type key struct {
	kind Kind
	name string
}

// subject is something to watch. Its watch calls tell with all that it learns and returns when ctx ends.
type subject interface {
	key() key
	check() error
	watch(ctx context.Context, t *Tracker, last Result, tell func(Result))
}

// watcher is a running subject.
type watcher struct {
	subject subject
	last    Result // guarded by the tracker's mutex
	stop    context.CancelFunc
	done    chan struct{}
}

// New returns a tracker that watches nothing yet.
func New(config Config) *Tracker {
	return &Tracker{config: config, table: newProcessTable("/proc"), watchers: make(map[key]*watcher)}
}

// Update watches what options name, from now on. A tracker whose options are unchanged is left alone; one that has
// changed starts anew from the state that it was in; one that is gone is ended, and nothing is reported on it any more.
// If an option is out of range or a name occurs twice, it returns an error and changes nothing. It does not wait.
func (t *Tracker) Update(options Options) error {
	wanted, err := options.subjects()
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, w := range t.watchers {
		if wanted[k] == nil {
			w.stop()
			delete(t.watchers, k)
		}
	}
	for k, s := range wanted {
		if old := t.watchers[k]; old == nil || !reflect.DeepEqual(old.subject, s) {
			t.watchers[k] = t.start(s, old)
		}
	}
	return nil
}

// Results returns how all trackers stand, in no order.
func (t *Tracker) Results() []Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	results := make([]Result, 0, len(t.watchers))
	for _, w := range t.watchers {
		results = append(results, w.last)
	}
	return results
}

// Close ends all trackers and waits until their scripts have ended.
func (t *Tracker) Close() {
	t.mu.Lock()
	for k, w := range t.watchers {
		w.stop()
		delete(t.watchers, k)
	}
	t.mu.Unlock()
	t.ended.Wait()
}

// start watches s, which takes the place of old, if that is not nil. The caller holds the mutex.
func (t *Tracker) start(s subject, old *watcher) *watcher {
	ctx, stop := context.WithCancel(context.Background())
	w := &watcher{subject: s, stop: stop, done: make(chan struct{})}
	w.last = Result{Kind: s.key().kind, Name: s.key().name}
	if old != nil {
		w.last = old.last
		old.stop()
	}
	last := w.last
	t.ended.Go(func() {
		defer close(w.done)
		if old != nil {
			<-old.done // so that a script never runs beside itself
		}
		s.watch(ctx, t, last, func(r Result) { t.tell(w, r) })
	})
	return w
}

// tell records what a watcher has learned, and reports it if it is news.
func (t *Tracker) tell(w *watcher, r Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watchers[w.subject.key()] != w {
		return // removed or replaced meanwhile
	}
	news := w.last.State != r.State || r.Kind == File && w.last.Value != r.Value
	w.last = r
	if !news {
		return
	}
	t.config.Log.Info("a tracker changed",
		"kind", r.Kind, "name", r.Name, "state", r.State, "value", r.Value, "reason", r.Reason)
	t.config.Report(r)
}

// subjects checks all options.
func (o Options) subjects() (map[key]subject, error) {
	subjects := make(map[key]subject)
	var problems []error
	add := func(s subject) {
		k := s.key()
		if err := s.check(); err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", k.kind, k.name, err))
		}
		if subjects[k] != nil {
			problems = append(problems, fmt.Errorf("%s %s occurs twice", k.kind, k.name))
		}
		subjects[k] = s
	}
	for _, s := range o.Scripts {
		add(s)
	}
	for _, f := range o.Files {
		add(f)
	}
	for _, p := range o.Processes {
		add(p)
	}
	return subjects, errors.Join(problems...)
}
