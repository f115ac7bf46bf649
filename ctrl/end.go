package ctrl

// end hands over and leaves nothing behind. The routers say goodbye at the same time; each goes on forwarding until its
// successor has announced itself.
func (c *Controller) end() error {
	for _, r := range c.routers {
		r.stop()
	}
	for _, r := range c.routers {
		<-r.done
	}
	c.dismissed.Wait()
	c.stopRest()
	c.halt()
	c.sweeping.Wait()
	c.counting.Lock() // who counts now is waited for, who comes later finds the controller halted
	defer c.counting.Unlock()
	return c.data.Remove()
}

// abandon ends what begin could not finish.
func (c *Controller) abandon() error {
	c.stopRest()
	if c.data.Adopted() {
		c.log.Warn("the data plane of an earlier process is left as it is; it stops when its lease is over")
		return c.data.Close()
	}
	return c.data.Remove()
}

func (c *Controller) stopRest() {
	c.checkers.stopAll()
	c.segments.keep(nil)
}
