package main

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// contestant is a program in the benchmark, with tables of its own.
type contestant struct {
	name    string
	program *ebpf.Program
	count   func() (tally, error) // nil for a program that counts nothing
	close   func() error
	// tracked is how many of the connections the program remembers. A table of buckets may have no place for a few.
	tracked uint64
}

// A connection that finds no place in a bucket is sent to a real server all the same. That may be one in so many of the
// connections that the table is sized for, and of those that come on top of them, when some buckets are full.
const (
	oneUntrackedIn    = 50
	oneNewUntrackedIn = 20
)

// openContestants loads all programs, with tables for so many connections.
func openContestants(flows int) (all []*contestant, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, closeContestants(all))
			all = nil
		}
	}()
	capacity := tableCapacity(flows)
	drover, err := openDrover(capacity)
	if err != nil {
		return all, fmt.Errorf("drover: %w", err)
	}
	all = append(all, drover)
	floors, err := openFloors(capacity)
	if err != nil {
		return all, fmt.Errorf("floor and touch: %w", err)
	}
	all = append(all, floors...)
	textbook, err := openTextbook(capacity)
	if err != nil {
		return all, fmt.Errorf("textbook: %w", err)
	}
	return append(all, textbook), nil
}

// tableCapacity is how many connections the tables hold when so many are open: a quarter full, at most.
func tableCapacity(flows int) int { return max(1024, 4*flows) }

func closeContestants(all []*contestant) error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// play gives the program packets from a step of the script on. It returns the nanoseconds per packet and what the
// program counted meanwhile, nothing for a program that does not count.
func (c *contestant) play(p *player, from, packets int) (ns float64, counted tally, err error) {
	if c.count == nil {
		ns, err = p.play(c.program, from, packets)
		return ns, tally{}, err
	}
	before, err := c.count()
	if err != nil {
		return 0, tally{}, err
	}
	if ns, err = p.play(c.program, from, packets); err != nil {
		return 0, tally{}, err
	}
	after, err := c.count()
	return ns, after.minus(before), err
}

// open has every connection open. The player has the script of [openEach].
func (c *contestant) open(p *player, flows int) error {
	if c.count == nil {
		return nil
	}
	_, counted, err := c.play(p, 0, 2*flows)
	if err != nil {
		return err
	}
	c.tracked = counted.placed
	missed := uint64(flows) - c.tracked
	if missed > uint64(flows/oneUntrackedIn) {
		return fmt.Errorf("only %d of %s found a place", c.tracked, countOf(flows, "connection"))
	}
	return counted.expect(wantTally(c.tracked, c.tracked, 2*missed))
}

// established measures the packets of open connections, so many passes of the script of [useEach].
func (c *contestant) established(p *player, passes int) (ns float64, err error) {
	ns, counted, err := c.play(p, 0, passes*p.length)
	if err != nil || c.count == nil {
		return ns, err
	}
	n := uint64(passes)
	return ns, counted.expect(wantTally(n*c.tracked, 0, n*(uint64(p.length)-c.tracked)))
}

// opening measures packets that open a connection, from a step of the script of [openMore] on.
func (c *contestant) opening(p *player, from, packets int) (ns float64, err error) {
	ns, counted, err := c.play(p, from, packets)
	if err != nil || c.count == nil {
		return ns, err
	}
	if counted.untracked > uint64(packets/oneNewUntrackedIn) {
		return 0, fmt.Errorf("%d of %s found no place", counted.untracked, countOf(packets, "new connection"))
	}
	return ns, counted.expect(wantTally(0, uint64(packets)-counted.untracked, counted.untracked))
}
