package ctrl

import (
	"context"
	"sync"
	"time"

	"drover/dataplane"
)

// sweepInterval is how often idle connections are looked for: a count is true within it.
const sweepInterval = time.Second

// sweeper has the data plane forget idle connections, on a goroutine of its own, and keeps what it found.
type sweeper struct {
	sweep func() (dataplane.Swept, error)
	tell  *teller

	mu   sync.Mutex
	last dataplane.Swept
}

// run sweeps until ctx ends.
func (s *sweeper) run(ctx context.Context) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		found, err := s.sweep()
		s.tell.about("idle connections are not forgotten", err)
		if err == nil {
			s.mu.Lock()
			s.last = found
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// found is what the last sweep has found.
func (s *sweeper) found() dataplane.Swept {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}
