package ctrl

import "errors"

// end hands over and leaves nothing behind. The routers say goodbye at the same time; each goes on forwarding until its
// successor has announced itself.
func (c *Controller) end() error {
	var routers []*router
	for _, i := range c.known.config.Instances {
		if r := c.routers[keyOfInstance(i)]; r != nil {
			routers = append(routers, r)
		}
	}
	c.elections.stop(routers, false)
	for _, r := range c.routers {
		select {
		case <-r.done:
		case <-c.elections.done: // they have failed
		}
	}
	c.dismissed.Wait()
	failed := errors.Join(c.statics.remove(), c.stopRest())
	c.counting.Lock() // who counts now is waited for, who comes later finds the controller halted
	defer c.counting.Unlock()
	return errors.Join(failed, c.data.Remove())
}

// abandon ends what begin could not finish.
func (c *Controller) abandon() error {
	failed := c.stopRest()
	if c.data.Adopted() {
		c.log.Warn("the data plane of an earlier process is left as it is; it stops when its lease is over")
		return errors.Join(failed, c.data.Close())
	}
	return errors.Join(failed, c.data.Remove())
}

// stopRest ends what runs beside the controller.
func (c *Controller) stopRest() error {
	c.checkers.stopAll()
	c.probe.Stop()
	c.look.Stop()
	c.steps.Stop()
	err := c.closeScripts()
	c.segments.keep(nil)
	c.halt()
	c.beside.Wait()
	return errors.Join(err, c.ways.close())
}
