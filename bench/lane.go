package main

import (
	"context"
	"errors"
	"fmt"
)

// openLanes puts Drover, floor, the textbook balancer and, where the kernel has it, IPVS each at a cable.
func openLanes(ctx context.Context, family Family, flows int) (lanes []lane, ipvs string, err error) {
	cable, err := layCable(ctx, "drover")
	if err != nil {
		return nil, "", err
	}
	drover, err := openDrover(family, flows, cable.far)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("drover: %w", err), cable.close())
	}
	lanes = append(lanes, lane{&drover.contestant, cable})
	openers := []opener{openOnlyFloor}
	if textbookKnows(family) {
		openers = append(openers, openTextbook)
	}
	for _, open := range openers {
		some, err := open(family, flows)
		if err != nil {
			return lanes, "", err
		}
		l, err := newLane(ctx, some[0])
		if err != nil {
			return lanes, "", errors.Join(err, some[0].close())
		}
		lanes = append(lanes, l)
	}
	l, err := openIPVS(ctx, family)
	if errors.Is(err, errNoIPVS) {
		return lanes, err.Error(), nil
	}
	if err != nil {
		return lanes, "", fmt.Errorf("ipvs: %w", err)
	}
	return append(lanes, l), "beside, in direct routing mode", nil
}

// openOnlyFloor leaves touch and busy out.
func openOnlyFloor(family Family, _ int) ([]*contestant, error) {
	floors, err := openFloors(family, 1)
	if err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	return floors[:1], nil
}

// newLane attaches the contestant's program to a new cable.
func newLane(ctx context.Context, c *contestant) (lane, error) {
	cable, err := layCable(ctx, c.name)
	if err != nil {
		return lane{}, err
	}
	l, err := newLaneOn(cable, c)
	if err != nil {
		return lane{}, errors.Join(err, cable.close())
	}
	return l, nil
}

func newLaneOn(cable *cable, c *contestant) (lane, error) {
	attached, err := attachNative(c.program, cable.far.index)
	if err != nil {
		return lane{}, fmt.Errorf("%s: %w", c.name, err)
	}
	closeTables := c.close
	c.close = func() error { return errors.Join(attached.Close(), closeTables()) }
	return lane{c, cable}, nil
}

func closeLanes(lanes []lane) error {
	var errs []error
	for _, l := range lanes {
		errs = append(errs, l.close(), l.cable.close())
	}
	return errors.Join(errs...)
}
