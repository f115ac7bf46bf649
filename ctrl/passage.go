package ctrl

import (
	"context"
	"sync"
	"time"
)

// passage is a proof that checks share on their goroutines.
type passage struct {
	mu    sync.Mutex
	proof proof
	news  chan struct{} // closed, and made anew, when there is some for those who wait
}

func newPassage() *passage {
	return &passage{proof: proof{askers: make(map[checkKey]*asker)}, news: make(chan struct{})}
}

func (p *passage) join(key checkKey, call func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proof.join(key, call)
}

// leave tells whether nobody is left.
func (p *passage) leave(key checkKey) (empty bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell(p.proof.leave(key))
	return len(p.proof.askers) == 0
}

func (p *passage) hear(key checkKey, passed bool, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell(p.proof.hear(key, passed, at))
}

// tell wakes those who wait.
func (p *passage) tell(news bool) {
	if news {
		close(p.news)
		p.news = make(chan struct{})
	}
}

// lastPass is when anybody has passed last; zero for never.
func (p *passage) lastPass() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proof.last
}

// since says what is shown since a check has failed. While somebody may yet pass it has some asked at once, and waits for
// them; but not longer than a time.
func (p *passage) since(ctx context.Context, key checkKey, failure time.Time, patience time.Duration) showing {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(callInterval)
	defer again.Stop()
	for {
		p.mu.Lock()
		said, news := p.proof.since(key, failure), p.news
		var calls []func()
		if said == open {
			calls = p.proof.call(time.Now())
		}
		p.mu.Unlock()
		if said != open {
			return said
		}
		for _, call := range calls {
			call()
		}
		select {
		case <-ctx.Done():
			return open
		case <-news:
		case <-again.C:
		}
	}
}
