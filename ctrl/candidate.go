package ctrl

import (
	"sync"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/notify"
)

// candidate is the controller's end of a router, which lives in the process of VRRP.
type candidate struct {
	id   candidateID
	name string
	to   func(order) // the process; must not wait
	born time.Time
	done chan struct{} // closed when all is done after stop

	mu       sync.Mutex
	snapshot routerStatus
}

func newCandidate(id candidateID, i config.Instance, to func(order)) *candidate {
	now := time.Now()
	return &candidate{
		id: id, name: i.Name, to: to, born: now, done: make(chan struct{}), snapshot: newRouterStatus(i, now),
	}
}

// start is router.start, and so on.
func (c *candidate) start(f fitness) { c.to(order{Start: &fitOrder{c.id, f}}) }
func (c *candidate) fit(f fitness)   { c.to(order{Fit: &fitOrder{c.id, f}}) }
func (c *candidate) reunite()        { c.to(order{Reunite: &candidateNews{c.id}}) }
func (c *candidate) reconfigure(i config.Instance) {
	c.to(order{Reconfigure: &reconfigureOrder{c.id, i}})
}

// status is what was told last. Transitions are told at once, the rest when vrrpProcess.refresh asks for it.
func (c *candidate) status() routerStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snapshot.clone()
}

func (c *candidate) update(s routerStatus) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.snapshot = s
}

func (c *candidate) event(state notify.State) notify.Event {
	return notify.Event{
		Subject: notify.Subject{Kind: notify.Instance, Name: c.name}, State: state, Priority: c.status().priority,
	}
}
