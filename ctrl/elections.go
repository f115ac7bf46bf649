package ctrl

import (
	"context"
	"errors"
	"runtime"
	"time"

	"drover/ctrl/vrrp"
)

// elections runs the VRRP of all instances on one thread, which does nothing else: it hears adverts, keeps the timers,
// sends adverts and moves the gates. Whatever may take long, as everything that the kernel does under a lock that others
// hold for long, is an errand.
type elections struct {
	bell    *bell
	ears    *ears
	mail    *mailbox
	errands *errands

	// The rest belongs to run.
	routers map[routerKey]*router
	wanted  []set // of the configuration
	groups  []*group
	on      map[string]int // how many routers are on an interface
	// patience is how many more adverts are heard in this turn: a flood must not keep the timers from being looked at.
	patience int
}

// patienceOfATurn is some milliseconds' worth of adverts.
const patienceOfATurn = 1024

func newElections(e *errands) (*elections, error) {
	bell, err := newBell()
	if err != nil {
		return nil, err
	}
	ears, err := newEars(e.log)
	if err != nil {
		return nil, errors.Join(err, bell.close())
	}
	all := &elections{bell: bell, ears: ears, mail: newMailbox(), errands: e, routers: make(map[routerKey]*router)}
	ears.lost = func(ifname string, count uint64) { all.post(func() { all.lose(ifname, count) }) }
	return all, nil
}

// post has run do something. It does not wait.
func (e *elections) post(do func()) {
	e.mail.put(do)
	e.bell.ring()
}

// run elects until ctx ends, which leaves everything as a crash would.
func (e *elections) run(ctx context.Context) error {
	runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
	stop := context.AfterFunc(ctx, e.bell.ring)
	defer stop()
	for ctx.Err() == nil {
		if err := e.wait(time.Until(e.next())); err != nil {
			return err
		}
		if err := e.turn(); err != nil {
			return err
		}
	}
	return nil
}

// wait waits until somebody posts or an advert comes, for no longer than a time.
func (e *elections) wait(most time.Duration) error { return e.bell.wait(most, e.ears.fd) }

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
	// stall is a lateness that says that the machine has not run: what it missed may still be on its way to the sockets.
	stall = 10 * time.Millisecond
	// catchUp is how long the kernel has then to bring it.
	catchUp = 2 * time.Millisecond
)

// turn does what has come up. Adverts come before time: a daemon that slept must not take over from a master whose adverts
// wait in its queue.
func (e *elections) turn() error {
	e.patience = patienceOfATurn
	if err := e.receiveWaiting(); err != nil {
		return err
	}
	for _, do := range e.mail.take() {
		do()
	}
	if time.Since(e.next()) > stall {
		if err := e.wait(catchUp); err != nil {
			return err
		}
	}
	return e.tick()
}

// receiveWaiting hears the adverts that have come.
func (e *elections) receiveWaiting() error {
	for e.patience > 0 {
		ready, err := e.ears.ready()
		if err != nil || len(ready) == 0 {
			return err
		}
		for _, one := range ready {
			e.patience -= max(1, e.ears.take(one, e.patience, e.on[one.ifname], e.hear))
		}
	}
	return nil
}

func (e *elections) hear(h heard) {
	if r := e.routers[h.by]; r != nil {
		r.receive(h.packet)
	}
}

// tick does what is due. Before each group that has something to do it hears what has come, until the last moment: a
// MASTER that advertises beside the advert of a higher one that it could have heard makes a claim that is no longer true.
func (e *elections) tick() error {
	for _, g := range e.groups {
		if !g.due(time.Now()) {
			continue
		}
		if err := e.receiveWaiting(); err != nil {
			return err
		}
		if now := time.Now(); g.due(now) {
			g.tick(now)
		}
	}
	now := time.Now()
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
	return nil
}

// close gives up what the elections wait in. They must have ended.
func (e *elections) close() error { return errors.Join(e.bell.close(), e.ears.close()) }

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
	e.groups, e.on = nil, make(map[string]int)
	for key := range e.routers {
		e.on[key.ifname]++
	}
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
