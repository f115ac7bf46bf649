package ctrl

import "errors"

// end hands over and leaves nothing behind. The routers say goodbye at the same time; each goes on forwarding until its
// successor has announced itself.
func (c *Controller) end() error {
	var leaving []*candidate
	for _, i := range c.known.config.Instances {
		if r := c.candidates[keyOfInstance(i)]; r != nil {
			leaving = append(leaving, r)
		}
	}
	c.vrrp.stop(leaving, false)
	for _, r := range leaving {
		select {
		case <-r.done:
		case <-c.vrrp.ended:
		}
	}
	c.dismissed.Wait()
	c.news = append(c.news, c.known.roster.farewell()...)
	c.publish()
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

// leave ends as a crash does: what is pinned goes on until its lease is over, or another process takes it over.
func (c *Controller) leave() error {
	failed := c.stopRest()
	c.counting.Lock()
	defer c.counting.Unlock()
	return errors.Join(failed, c.data.Close())
}

// stopRest ends what runs beside the controller.
func (c *Controller) stopRest() error {
	c.checkers.stopAll()
	c.probe.Stop()
	c.look.Stop()
	c.steps.Stop()
	c.awaiting.Stop()
	err := c.closeScripts()
	if c.vrrp != nil {
		err = errors.Join(err, c.vrrp.end())
	}
	c.segments.keep(nil)
	c.halt()
	c.beside.Wait()
	return errors.Join(err, c.ways.close())
}
