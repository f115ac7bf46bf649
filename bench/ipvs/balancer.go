package ipvs

import (
	"errors"
	"fmt"
)

// balancer is a contender at work on its cable.
type balancer struct {
	name  string
	cable cable
	// connections counts those that it has placed so far; nil for one that places none.
	connections func() (uint64, error)
	close       func() error
}

// A table of sets may have no place for a few connections: one in so many, and some more, as few are spread unevenly.
const (
	oneUntrackedIn = 1000
	someUntracked  = 5
)

// openBalancers opens each with its cable. On an error it returns those that were opened, to be closed.
func openBalancers(s *sender, flows int) (all []balancer, err error) {
	for _, contender := range []struct {
		name string
		open func(cable) (balancer, error)
	}{
		{Drover, func(c cable) (balancer, error) { return openDrover(c, flows) }},
		{IPVS, openIPVS},
		{Wire, func(c cable) (balancer, error) { return openWire(s, c) }},
	} {
		c, err := newCable(contender.name)
		if err != nil {
			return all, err
		}
		if err := s.attach(s.objects.Receive, c.nearIndex); err != nil {
			return all, err
		}
		b, err := contender.open(c)
		if err != nil {
			return all, fmt.Errorf("%s: %w", contender.name, err)
		}
		b.name, b.cable = contender.name, c
		all = append(all, b)
	}
	return all, nil
}

func closeBalancers(all []balancer) error {
	var errs []error
	for _, b := range all {
		errs = append(errs, b.close())
	}
	return errors.Join(errs...)
}

func openWire(s *sender, c cable) (balancer, error) {
	nothing := func() error { return nil } // its program goes with the sender
	return balancer{close: nothing}, s.attach(s.objects.Bounce, c.farIndex)
}

// establish opens so many connections; the balancer must have placed them.
func (b balancer) establish(s *sender, opening passage, flows int) error {
	if _, err := s.play(b.cable, opening, opening.length()); err != nil {
		return err
	}
	placed, err := b.placed()
	if err != nil || b.connections == nil {
		return err
	}
	if most := uint64(flows); placed > most || placed+most/oneUntrackedIn+someUntracked < most {
		return fmt.Errorf("it placed %d of %d", placed, flows)
	}
	return nil
}

// rate measures packets per second. Packets of established connections must not open any.
func (b balancer) rate(s *sender, using passage, packets int) (float64, error) {
	before, err := b.placed()
	if err != nil {
		return 0, err
	}
	took, err := s.play(b.cable, using, packets)
	if err != nil {
		return 0, err
	}
	after, err := b.placed()
	if err != nil {
		return 0, err
	}
	if after != before {
		return 0, fmt.Errorf("it took packets of established connections for %d new ones", after-before)
	}
	return float64(packets) / took.Seconds(), nil
}

func (b balancer) placed() (uint64, error) {
	if b.connections == nil {
		return 0, nil
	}
	return b.connections()
}
