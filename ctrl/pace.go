package ctrl

import (
	"context"
	"sync"
	"time"
)

// pacer keeps the announcements on one interface apart (vrrp_garp_interval, vrrp_gna_interval). Those that must wait are
// sent by a goroutine, so that whoever announces never waits.
type pacer struct {
	mu       sync.Mutex
	interval time.Duration
	waiting  []func()
	free     time.Time // when the next one may be sent
	busy     bool      // the goroutine runs
}

// do does something now, or when its turn comes, unless ctx ends before.
func (p *pacer) do(ctx context.Context, interval time.Duration, send func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.interval = interval
	if now := time.Now(); !p.busy && !now.Before(p.free) {
		p.free = now.Add(interval)
		send()
		return
	}
	p.waiting = append(p.waiting, send)
	if !p.busy {
		p.busy = true
		go p.run(ctx)
	}
}

// run sends what waits until nothing does.
func (p *pacer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(p.wait()):
		}
		if !p.sendOne() {
			return
		}
	}
}

func (p *pacer) wait() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.free)
}

// sendOne tells whether there was something to send.
func (p *pacer) sendOne() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.busy = false
		return false
	}
	send := p.waiting[0]
	p.waiting = p.waiting[1:]
	p.free = time.Now().Add(p.interval)
	send()
	return true
}
