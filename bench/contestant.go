package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// contestant is a balancer in a benchmark, with tables of its own.
type contestant struct {
	name    string
	family  Family
	program *ebpf.Program
	count   func() (tally, error) // nil for a program that counts nothing
	close   func() error
	dir     string // where Drover's tables are pinned
	// tracked is how many of the connections the program remembers.
	tracked uint64
}

// A connection that finds no place in a table is sent to a real server all the same. That may be one in so many;
// of those that fill the table some more, as few connections are spread unevenly.
const (
	oneUntrackedIn = 1000
	someUntracked  = 5
)

// opener loads a contestant, with tables for so many connections of a family.
type opener func(family Family, flows int) ([]*contestant, error)

// openContestants loads all that know the family.
func openContestants(family Family, flows int) (all []*contestant, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, closeContestants(all))
			all = nil
		}
	}()
	openers := []opener{openDroverAndFloors}
	if textbookKnows(family) {
		openers = append(openers, openTextbook)
	}
	for _, open := range openers {
		some, err := open(family, flows)
		all = append(all, some...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// openDroverAndFloors gives touch a table as large as Drover's.
func openDroverAndFloors(family Family, flows int) ([]*contestant, error) {
	drover, err := openDrover(family, flows, loopback())
	if err != nil {
		return nil, fmt.Errorf("drover: %w", err)
	}
	floors, err := openFloors(family, drover.lines)
	if err != nil {
		return []*contestant{&drover.contestant}, fmt.Errorf("floor and touch: %w", err)
	}
	return append([]*contestant{&drover.contestant}, floors...), nil
}

func closeContestants(all []*contestant) error {
	var errs []error
	for _, c := range all {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// A drive gives a contestant packets from a step of a script on, and tells how many nanoseconds each took.
type drive func(from, packets int) (ns float64, err error)

// driver has the player drive the contestant's program.
func (c *contestant) driver(p *player) drive {
	return func(from, packets int) (float64, error) { return p.play(c.program, from, packets) }
}

// counting drives the contestant and says what it counted meanwhile, nothing for a program that does not count.
func (c *contestant) counting(d drive, from, packets int) (ns float64, counted tally, err error) {
	if c.count == nil {
		ns, err = d(from, packets)
		return ns, tally{}, err
	}
	before, err := c.count()
	if err != nil {
		return 0, tally{}, err
	}
	if ns, err = d(from, packets); err != nil {
		return 0, tally{}, err
	}
	after, err := c.count()
	return ns, after.minus(before), err
}

// open has every connection open, by the script of [openEach].
func (c *contestant) open(d drive, flows int) error {
	_, counted, err := c.counting(d, 0, 2*flows)
	if err != nil || c.count == nil {
		return err
	}
	c.tracked = counted.placed
	missed := uint64(flows) - c.tracked
	if missed > uint64(flows/oneUntrackedIn+someUntracked) {
		return fmt.Errorf("only %d of %s found a place", c.tracked, countOf(flows, "connection"))
	}
	return counted.expect(c.want(c.tracked, c.tracked, 2*missed))
}

// established measures the packets of open connections, so many passes of the script of [useEach]. Where there are several,
// one goes ahead that does not count: no program shall pay for what the one before it left in the caches.
func (c *contestant) established(d drive, flows, passes int) (ns float64, err error) {
	if passes > 1 {
		if _, err := d(0, flows); err != nil {
			return 0, err
		}
	}
	ns, counted, err := c.counting(d, 0, passes*flows)
	if err != nil || c.count == nil {
		return ns, err
	}
	n := uint64(passes)
	return ns, counted.expect(c.want(n*c.tracked, 0, n*(uint64(flows)-c.tracked)))
}

// opening measures packets that open a connection, from a step of the script of [openMore] on.
func (c *contestant) opening(d drive, from, packets int) (ns float64, err error) {
	ns, counted, err := c.counting(d, from, packets)
	if err != nil || c.count == nil {
		return ns, err
	}
	if counted.untracked > uint64(packets/oneUntrackedIn) {
		return 0, fmt.Errorf("%d of %s found no place", counted.untracked, countOf(packets, "new connection"))
	}
	return ns, counted.expect(c.want(0, uint64(packets)-counted.untracked, counted.untracked))
}

// want is what the contestant must have counted of packets with these outcomes.
func (c *contestant) want(kept, placed, untracked uint64) tally {
	return wantTally(kept, placed, untracked, len(c.family.frame()))
}

// attachNative puts a program on an interface, in its driver.
func attachNative(program *ebpf.Program, ifindex int) (link.Link, error) {
	attached, err := link.AttachXDP(link.XDPOptions{Program: program, Interface: ifindex, Flags: link.XDPDriverMode})
	if err != nil {
		return nil, fmt.Errorf("attach to interface %d: %w", ifindex, err)
	}
	return attached, nil
}

// place is an interface to put a balancer on.
type place struct {
	name   string
	index  int
	native bool
}

// loopback is the interface that every network namespace has. No frame passes it.
func loopback() place { return place{name: "lo", index: 1} }

func placeOf(ifname string) (place, error) {
	device, err := net.InterfaceByName(ifname)
	if err != nil {
		return place{}, err
	}
	return place{name: ifname, index: device.Index, native: true}, nil
}
