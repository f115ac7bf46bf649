package ctrl

import (
	"context"
	"sync"
	"time"

	"drover/dataplane"
)

// A count is true within countsTrueWithin: that long after a connection has been idle for its timeout it is counted no more.
// A sweep begins every sweepInterval; what is left is for the sweep itself, some 10 ms for a million connections.
const (
	countsTrueWithin = time.Second
	sweepInterval    = countsTrueWithin * 3 / 4
)

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
