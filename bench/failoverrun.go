package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"drover/bench/testbed"
)

// repetition puts one pair through the faults, one after the other.
type repetition struct {
	faults []fault
	number int
	of     int
	found  map[Path]outage
}

// phase is the share of an interval after the master's advert at which an event comes. It differs between the
// repetitions, and is the same for all pairs: luck has no part in who is faster.
func (r *repetition) phase() float64 { return (float64(r.number) + 0.5) / float64(r.of) }

// run returns what each case cost the client.
func (r *repetition) run(ctx context.Context, lan *failoverLAN) error {
	r.found = make(map[Path]outage)
	quiet, err := lan.settle(ctx, lan.better, 0)
	if err != nil {
		return fmt.Errorf("start: %w%s", err, lan.logs())
	}
	const still = 500 * time.Millisecond
	if err := lan.until(ctx, quiet+still); err != nil {
		return err
	}
	r.found[NoEvent] = lan.client.echoes().between(quiet, quiet+still)
	if lan.interval <= busyAdverts && lan.better.kind == lan.second.kind {
		if err := r.measureBusy(ctx, lan); err != nil {
			return fmt.Errorf("%s: %w%s", Busy, err, lan.logs())
		}
	}
	for _, f := range r.faults {
		if err := r.runFault(ctx, lan, f); err != nil {
			return err
		}
	}
	return nil
}

// runFault measures the beginning of a fault and its end.
func (r *repetition) runFault(ctx context.Context, lan *failoverLAN, f fault) error {
	beat := lan.lastBeat(lan.better)
	if err := r.measure(ctx, lan, f.begins, lan.nextBeat(beat, r.phase()), lan.second, f.begin); err != nil {
		return err
	}
	at := lan.client.now()
	if f.split {
		at = lan.nextBeat(r.healAfter(lan, beat), soonAfter)
	}
	return r.measure(ctx, lan, f.ends, at, lan.better, f.end)
}

// soonAfter is the phase at which a split heals.
const soonAfter = 0.01

// healAfter is the beat after which a split heals: in turns, so that now the one master's advert comes first and now
// the other's. The better node goes on in its rhythm, although nobody hears it. At short intervals it is luck who comes
// first: the skew has the second node advert just before the better one.
func (r *repetition) healAfter(lan *failoverLAN, betterBeat time.Duration) time.Duration {
	if r.number%2 == 0 {
		return lan.lastBeat(lan.second)
	}
	return betterBeat
}

// measure has an event happen at a time, to the better node, waits until a node is the only master and the client is
// served, and finds what it cost.
func (r *repetition) measure(
	ctx context.Context, lan *failoverLAN, path Path, at time.Duration, master *node,
	event func(context.Context, *node) error,
) error {
	if err := lan.until(ctx, at); err != nil {
		return err
	}
	happened := lan.client.now()
	if err := event(ctx, lan.better); err != nil {
		return fmt.Errorf("%s: %w%s", path, err, lan.logs())
	}
	end, err := lan.settle(ctx, master, happened)
	if err != nil {
		return fmt.Errorf("%s: %w%s", path, err, lan.logs())
	}
	cost := lan.client.echoes().between(happened, end)
	if first, found := firstOf(lan.client.heard.all(), master.address(), happened); found {
		cost.taken = first - happened
	}
	r.found[path] = cost
	return nil
}

// settle waits until a node is the only master since an event, and the client has been served for a while since that.
// It returns the time.
func (lan *failoverLAN) settle(ctx context.Context, master *node, event time.Duration) (end time.Duration, err error) {
	const patience, served = 30 * time.Second, 300 * time.Millisecond
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var alone time.Duration // since when, if it is
	err = testbed.Until(waiting, func() (bool, error) {
		now, heard := lan.client.told(), lan.client.heard.all()
		sole, found := soleMaster(heard, now, lan.window())
		last, _ := lastOf(heard, master.address())
		if !found || sole != master.address() || last < event {
			alone = 0
			return false, nil
		}
		if alone == 0 {
			alone = now
		}
		end = now
		return now-max(alone, lan.client.echoes().servedSince(now)) >= served, nil
	})
	if err != nil {
		return 0, fmt.Errorf("%s does not become the only master that serves the client: %w", master.host.Name(), err)
	}
	return end, nil
}

// lastBeat is when a node adverted last.
func (lan *failoverLAN) lastBeat(n *node) time.Duration {
	at, _ := lastOf(lan.client.heard.all(), n.address())
	return at
}

func (lan *failoverLAN) nextBeat(beat time.Duration, phase float64) time.Duration {
	return nextBeat(beat, lan.interval, phase, lan.client.now())
}

// until waits for a time, in the end with a timer of the kernel's: those of the Go runtime are up to a millisecond late,
// which is how late the event would be.
func (lan *failoverLAN) until(ctx context.Context, at time.Duration) error {
	const late = 2 * time.Millisecond
	select {
	case <-time.After(at - late - lan.client.now()):
		return sleep(at - lan.client.now())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sleep blocks its thread. A time that has passed is none.
func sleep(d time.Duration) error {
	rest := unix.NsecToTimespec(max(0, d.Nanoseconds()))
	err := error(unix.EINTR) // by the Go runtime, which has threads come to a stop
	for err == unix.EINTR {
		err = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &rest, &rest)
	}
	return os.NewSyscallError("clock_nanosleep", err)
}
