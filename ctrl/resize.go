package ctrl

import (
	"errors"

	"drover/dataplane"
)

// errMoving says that the tables cannot get other sizes yet.
var errMoving = errors.New("connections are still moving from a table that was replaced")

// resize gives the tables the sizes that the configuration needs. Connections stay.
func (c *Controller) resize() error {
	wanted := SizesFor(c.known.config)
	// What rests is in the way of what is new.
	wanted.Reals = min(max(wanted.Reals, c.sizes.Reals, c.known.roster.reals+len(c.ids.resting)), dataplane.MaxReals)
	if wanted == c.sizes {
		return nil
	}
	if c.data.Moving() {
		return errMoving
	}
	if err := c.data.Grow(wanted); err != nil {
		return err
	}
	// 0 flows are as many as suit the memory.
	c.log.Info("the tables have other sizes now; connections move over and stay where they are",
		"flows", wanted.Flows, "flows_ipv6", wanted.Flows6, "real_servers", wanted.Reals)
	c.sizes, c.ids.room = wanted, wanted.Reals
	return nil
}

// setTimeouts follows the timeouts of the configuration.
func (c *Controller) setTimeouts() error {
	c.ids.rest = restFor(c.known.config)
	return c.data.SetTimeouts(TimeoutsFor(c.known.config))
}
