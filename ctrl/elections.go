package ctrl

import (
	"context"
	"runtime"
	"time"

	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

// elections runs the VRRP of all instances on one thread, which does nothing else: it hears adverts, keeps the timers,
// sends adverts and moves the gates. Whatever may take long, as everything that the kernel does under a lock that others
// hold for long, is an errand.
type elections struct {
	bell    *bell
	mail    *mailbox
	packets chan heard
	errands *errands
	done    chan struct{} // closed when run has ended

	// The rest belongs to run.
	routers map[routerKey]*router
	wanted  []set // of the configuration
	groups  []*group
}

// heard is an advert, and the virtual router that it is about.
type heard struct {
	by     routerKey
	packet netif.Packet
}

func newElections(e *errands) (*elections, error) {
	bell, err := newBell()
	if err != nil {
		return nil, err
	}
	return &elections{
		bell: bell, mail: newMailbox(), packets: make(chan heard, 1024), errands: e, done: make(chan struct{}),
		routers: make(map[routerKey]*router),
	}, nil
}

// post has run do something. It does not wait.
func (e *elections) post(do func()) {
	e.mail.put(do)
	e.bell.ring()
}

// deliver hands an advert over, unless the elections have ended. It waits while too many others wait.
func (e *elections) deliver(h heard) {
	select {
	case e.packets <- h:
		e.bell.ring()
	case <-e.done:
	}
}

// run elects until ctx ends, which leaves everything as a crash would.
func (e *elections) run(ctx context.Context) error {
	defer close(e.done)
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	stop := context.AfterFunc(ctx, e.bell.ring)
	defer stop()
	for ctx.Err() == nil {
		if err := e.bell.wait(time.Until(e.next())); err != nil {
			return err
		}
		if err := e.turn(); err != nil {
			return err
		}
	}
	return nil
}

// next is when something is to be done.
func (e *elections) next() time.Time {
	const idle = time.Minute
	next := time.Now().Add(idle)
	for _, g := range e.groups {
		next = sooner(next, g.next)
	}
	for _, r := range e.routers {
		next = sooner(sooner(next, r.leaving), r.yieldsUntil)
	}
	return next
}

// sooner is the first of two times; zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

const (
	// stall is a lateness that says that this process has not run: what it missed may still wait in the sockets.
	stall = 10 * time.Millisecond
	// catchUp is how long whoever reads the sockets has then to deliver it.
	catchUp = 2 * time.Millisecond
)

// turn does what has come up. Adverts come before time: a daemon that slept must not take over from a master whose adverts
// wait in its queue.
func (e *elections) turn() error {
	e.receiveWaiting()
	for _, do := range e.mail.take() {
		do()
	}
	if time.Since(e.next()) > stall {
		if err := e.bell.wait(catchUp); err != nil {
			return err
		}
		e.receiveWaiting()
	}
	e.tick(time.Now())
	return nil
}

func (e *elections) receiveWaiting() {
	for range cap(e.packets) { // and no more: a flood must not keep the timers from being looked at
		select {
		case h := <-e.packets:
			if r := e.routers[h.by]; r != nil {
				r.receive(h.packet)
			}
		default:
			return
		}
	}
}

func (e *elections) tick(now time.Time) {
	for _, g := range e.groups {
		if !g.next.IsZero() && !now.Before(g.next) {
			g.tick(now)
		}
	}
	for key, r := range e.routers {
		if !r.yieldsUntil.IsZero() && !now.Before(r.yieldsUntil) {
			r.yieldsUntil = time.Time{}
			r.judge()
		}
		if r.left(now) {
			delete(e.routers, key)
			r.vacate()
			e.regroup()
		}
	}
}

// set is the instances of a sync group, or one that is in none.
type set struct {
	name    string // empty for one that is in no sync group
	members []*router
}

// follow makes the instances be in these sets from now on.
func (e *elections) follow(wanted []set) {
	e.post(func() {
		e.wanted = wanted
		e.regroup()
	})
}

// regroup makes the groups: of the instances that are wanted, started or not, for a group waits for all its members; one
// that is wanted no more and leaves is by itself.
func (e *elections) regroup() {
	told := make(map[string]vrrp.State)
	for _, g := range e.groups {
		told[g.name] = g.told
	}
	e.groups = nil
	placed := make(map[*router]bool)
	for _, s := range e.wanted {
		g := &group{name: s.name, told: told[s.name]}
		for _, r := range s.members {
			if !r.gone {
				placed[r] = true
				g.join(r)
			}
		}
		if len(g.members) > 0 {
			g.form()
			e.groups = append(e.groups, g)
		}
	}
	for _, r := range e.routers {
		if !placed[r] {
			g := new(group)
			g.join(r)
			g.form()
			e.groups = append(e.groups, g)
		}
	}
}
