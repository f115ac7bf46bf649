package ctrl

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"drover/ctrl/netif"
)

// errands does one after the other what the elections must not wait for: addresses, routes, virtual MACs, sockets.
type errands struct {
	log  *slog.Logger
	mail *mailbox
	done chan struct{} // closed when run has ended
	// remove takes an address away.
	remove func(remain) error

	// The rest belongs to run.
	grounds map[*ground]bool
	wires   map[string]*wire // by the interface
	vmacs   netif.VMACs
	remains remains
	// doomed are devices of virtual MACs that are to go, and closed what is to be called when they have.
	doomed []int
	closed []func()
}

func newErrands(log *slog.Logger) *errands {
	return &errands{
		log: log, mail: newMailbox(), done: make(chan struct{}), grounds: make(map[*ground]bool), wires: make(map[string]*wire),
		remove: remain.remove, remains: make(remains),
	}
}

// post has run do something. It does not wait.
func (e *errands) post(do func()) { e.mail.put(do) }

// run does errands until ctx ends.
func (e *errands) run(ctx context.Context) {
	defer close(e.done)
	repair := time.NewTicker(repairInterval)
	defer repair.Stop()
	for {
		select {
		case <-ctx.Done():
			for name := range e.wires {
				e.closeWire(name)
			}
			e.removeRemains()
			return
		case <-e.mail.ready:
			for _, do := range e.mail.take() {
				do()
			}
			e.finish()
		case <-repair.C:
			for g := range e.grounds {
				g.repair()
			}
			e.removeRemains()
		}
	}
}

// finish removes the virtual MACs of all instances that were closed just now, for all cost as much time as one.
func (e *errands) finish() {
	if len(e.doomed) > 0 {
		if err := e.vmacs.Remove(e.doomed); err != nil {
			e.log.Error("virtual MACs could not be removed", "error", err)
		}
	}
	for _, call := range e.closed {
		call()
	}
	e.doomed, e.closed = nil, nil
}

// link follows a change of an interface.
func (e *errands) link(event netif.LinkEvent) {
	e.post(func() {
		name := event.Link.Name
		if w := e.wires[name]; w != nil && (event.Removed || w.index != event.Link.Index) {
			e.closeWire(name)
		}
		for g := range e.grounds {
			g.link(event)
		}
	})
}

// address follows a change of an interface's addresses.
func (e *errands) address(event netif.AddressEvent) {
	e.post(func() {
		vip := e.isVIP(event.Prefix.Addr())
		for g := range e.grounds {
			g.address(event, vip)
		}
	})
}

// isVIP tells whether an address is a VIP of any instance.
func (e *errands) isVIP(addr netip.Addr) bool {
	for g := range e.grounds {
		if g.isVIP(addr) {
			return true
		}
	}
	return false
}
