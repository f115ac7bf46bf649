package ctrl

import (
	"log/slog"
	"sync"
)

// teller logs what goes wrong over and over only when it changes.
type teller struct {
	log  *slog.Logger
	mu   sync.Mutex
	last map[string]string // the error, by what is wrong
}

func newTeller(log *slog.Logger) *teller { return &teller{log: log, last: make(map[string]string)} }

// about logs an error that is another one than the last of its kind, and that it is over.
func (t *teller) about(what string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was, wrong := t.last[what]
	switch {
	case err == nil && wrong:
		delete(t.last, what)
		t.log.Info("over: "+what, "error", was)
	case err != nil && (!wrong || was != err.Error()):
		t.last[what] = err.Error()
		t.log.Error(what+"; trying again, and silent until it changes", "error", err)
	}
}
