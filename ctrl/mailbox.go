package ctrl

import "sync"

// mailbox hands work to the goroutine that owns some state. Putting never waits, so nobody who reports something is
// held up by whoever acts on it.
type mailbox struct {
	mu    sync.Mutex
	work  []func()
	ready chan struct{} // holds a token while there is work
}

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

func (m *mailbox) put(do func()) {
	m.mu.Lock()
	m.work = append(m.work, do)
	m.mu.Unlock()
	select {
	case m.ready <- struct{}{}:
	default: // the token is there already
	}
}

// take empties the mailbox. It is called after a receive from ready.
func (m *mailbox) take() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	work := m.work
	m.work = nil
	return work
}
