package ctrl

import (
	"cmp"
	"net"
	"net/netip"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/notify"
	"drover/ctrl/track"
	"drover/ctrl/vrrp"
)

// resolveTime is how long an election waits for the first real server to answer, so that a node that has just started does
// not leave the role to another one for want of an answer.
const resolveTime = time.Second

// followRouters makes a router run for every instance of the configuration.
func (c *Controller) followRouters() {
	for _, i := range c.known.config.Instances {
		if r := c.routers[keyOfInstance(i)]; r != nil {
			r.reconfigure(i)
			continue
		}
		c.addRouter(i)
	}
	c.elections.follow(c.sets())
}

// dismissRouters stops those that the next configuration has no more.
func (c *Controller) dismissRouters(next *config.Config) {
	stays := make(map[routerKey]bool)
	for _, i := range next.Instances {
		stays[keyOfInstance(i)] = true
	}
	var gone []*router
	for _, i := range c.known.config.Instances {
		if key := keyOfInstance(i); !stays[key] {
			gone = append(gone, c.routers[key])
			c.dismiss(key, c.routers[key], i.Notify.Deleted != nil)
		}
	}
	c.elections.stop(gone, true)
}

func (c *Controller) addRouter(i config.Instance) {
	key := keyOfInstance(i)
	r := newRouter(i, c.ids.gates[key], c.elections, c.log)
	r.gates, r.told = c.data, c.tellNews
	r.changed = func() {
		c.probe.Reset(handoverTime)
		c.post(c.unfit) // a MASTER is judged otherwise
	}
	r.ground = newGround(i, c.errands, r.log)
	r.ground.announce = func(ifname string, vip netip.Addr, mac net.HardwareAddr) error {
		return c.segments.announce(c.running, ifname, vip, mac)
	}
	r.ground.deliver, r.ground.told = c.elections.deliver, r.stand
	c.routers[key] = r
	c.fitness[key] = c.fitnessOf(i)
	fit, before := c.fitness[key], c.parting[key]
	time.AfterFunc(resolveTime, func() { c.post(c.unfit) }) // then nobody waits for a real server any more
	if before == nil {
		r.start(fit)
		return
	}
	go func() {
		<-before // it has the same gate
		r.start(fit)
	}()
}

// sets are the instances by sync group.
func (c *Controller) sets() []set {
	var sets []set
	byName := make(map[string]*router)
	for _, i := range c.known.config.Instances {
		r := c.routers[keyOfInstance(i)]
		byName[i.Name] = r
		if c.known.roster.groups[i.Name] == nil {
			sets = append(sets, set{members: []*router{r}})
		}
	}
	for _, g := range c.known.config.SyncGroups {
		s := set{name: g.Name}
		for _, name := range g.Members {
			if r := byName[name]; r != nil {
				s.members = append(s.members, r)
			}
		}
		sets = append(sets, s)
	}
	return sets
}

// dismiss lets go of a router that is about to stop. Its gate stays until it is done. Scripts are told now, while they are
// configured: as in keepalived, of a fault, unless the other word is asked for (notify_deleted).
func (c *Controller) dismiss(key routerKey, r *router, deleted bool) {
	news := r.event(notify.Fault)
	if deleted {
		news = r.event(notify.Deleted)
	}
	c.notifier.Notify(news)
	delete(c.routers, key)
	delete(c.fitness, key)
	delete(c.lowerings, key)
	c.known.leaving[key] = true
	c.parting[key] = r.done
	c.stale = true
	c.dismissed.Go(func() {
		select {
		case <-r.done:
		case <-c.elections.done: // they have failed
			return
		}
		c.post(func() {
			if c.parting[key] == r.done {
				delete(c.parting, key)
				delete(c.known.leaving, key)
				c.stale = true
			}
		})
	})
}

// unfit has refit look again.
func (c *Controller) unfit() { c.refits = true }

// refit tells the routers what all that is watched means for them, as far as that has changed.
func (c *Controller) refit() {
	if !c.refits {
		return
	}
	c.refits = false
	c.known.results = make(map[trackKey]track.Result)
	for _, result := range c.tracker.Results() {
		c.known.results[trackKey{result.Kind, result.Name}] = result
	}
	for _, i := range c.known.config.Instances {
		key := keyOfInstance(i)
		if fit := c.fitnessOf(i); fit != c.fitness[key] {
			c.fitness[key] = fit
			c.routers[key].fit(fit)
		}
	}
	if !c.lookAgain.IsZero() {
		c.look.Reset(time.Until(c.lookAgain))
		c.lookAgain = time.Time{}
	}
}

func (c *Controller) fitnessOf(i config.Instance) fitness {
	fit := c.known.fitness(i, c.unattached)
	c.lower(i, &fit)
	if r := c.routers[keyOfInstance(i)]; fit.yield != "" && r != nil && time.Since(r.born) < resolveTime {
		fit.pending = cmp.Or(fit.pending, fit.yield+" yet")
	}
	return fit
}

// lower has a fitness heed the lowering of an instance.
func (c *Controller) lower(i config.Instance, fit *fitness) {
	key := keyOfInstance(i)
	l, r := c.lowerings[key], c.routers[key]
	if l == nil {
		l = new(lowering)
		c.lowerings[key] = l
	}
	master := r != nil && r.status().state == vrrp.Master
	if again := l.observe(time.Now(), c.known.unfit(i), master); !again.IsZero() {
		c.lookAgain = sooner(c.lookAgain, again)
	}
	if l.low {
		fit.weight, fit.reason = lowest, "no real server answers: another node is to take over"
	}
}

// unattached is why packets that come in by an interface are not balanced; empty if they are.
func (c *Controller) unattached(ifname string) string {
	o := c.known.outlets[ifname]
	if o == nil {
		return ""
	}
	a, tried := c.attached[o.device()]
	switch err := cmp.Or(o.err, c.refused[ifname], a.err); {
	case err != nil:
		return err.Error()
	case !tried:
		return "no program was attached yet"
	default:
		return ""
	}
}

// tellNews has scripts and FIFOs told.
func (c *Controller) tellNews(e notify.Event) { c.notifier.Notify(e) }
