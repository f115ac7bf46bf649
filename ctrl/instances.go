package ctrl

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/notify"
	"drover/ctrl/track"
	"drover/ctrl/vrrp"
)

// resolveTime is how long an election waits for the first real server to answer, so that a node that has just started does
// not leave the role to another one for want of an answer.
const resolveTime = time.Second

// beginVRRP starts the process of VRRP, which elects nobody yet.
func (c *Controller) beginVRRP(priority int) error {
	gates, err := c.data.GateFiles()
	if err == nil {
		c.vrrp, err = startVRRP(c.log, c.command, gates, c.hear)
	}
	for _, file := range gates { // the process has its own
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return fmt.Errorf("start the process of VRRP: %w", err)
	}
	c.vrrp.send(order{Begin: &beginOrder{priority}})
	return nil
}

// followRouters makes a router run for every instance of the configuration.
func (c *Controller) followRouters() {
	c.vrrp.send(order{Pace: &paceOrder{c.known.config.GARPInterval, c.known.config.GNAInterval}})
	for _, i := range c.known.config.Instances {
		if r := c.candidates[keyOfInstance(i)]; r != nil {
			r.reconfigure(i)
			continue
		}
		c.addRouter(i)
	}
	c.vrrp.follow(c.sets())
}

// dismissRouters stops those that the next configuration has no more.
func (c *Controller) dismissRouters(next *config.Config) {
	stays := make(map[routerKey]bool)
	for _, i := range next.Instances {
		stays[keyOfInstance(i)] = true
	}
	var gone []*candidate
	for _, i := range c.known.config.Instances {
		if key := keyOfInstance(i); !stays[key] {
			gone = append(gone, c.candidates[key])
			c.dismiss(key, c.candidates[key], i.Notify.Deleted != nil)
		}
	}
	c.vrrp.stop(gone, true)
}

func (c *Controller) addRouter(i config.Instance) {
	key := keyOfInstance(i)
	r := c.vrrp.add(i, c.ids.gates[key])
	c.candidates[key] = r
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
func (c *Controller) sets() []setOrder {
	var sets []setOrder
	byName := make(map[string]candidateID)
	for _, i := range c.known.config.Instances {
		r := c.candidates[keyOfInstance(i)]
		byName[i.Name] = r.id
		if c.known.roster.groups[i.Name] == nil {
			sets = append(sets, setOrder{Members: []candidateID{r.id}})
		}
	}
	for _, g := range c.known.config.SyncGroups {
		s := setOrder{Name: g.Name}
		for _, name := range g.Members {
			if id, there := byName[name]; there {
				s.Members = append(s.Members, id)
			}
		}
		sets = append(sets, s)
	}
	return sets
}

// dismiss lets go of a router that is about to stop. Its gate stays until it is done. Scripts are told now, while they are
// configured: as in keepalived, of a fault, unless the other word is asked for (notify_deleted).
func (c *Controller) dismiss(key routerKey, r *candidate, deleted bool) {
	news := r.event(notify.Fault)
	if deleted {
		news = r.event(notify.Deleted)
	}
	c.notifier.Notify(news)
	delete(c.candidates, key)
	delete(c.fitness, key)
	delete(c.lowerings, key)
	c.known.leaving[key] = true
	c.parting[key] = r.done
	c.stale = true
	c.dismissed.Go(func() {
		select {
		case <-r.done:
		case <-c.vrrp.ended:
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
			c.candidates[key].fit(fit)
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
	if r := c.candidates[keyOfInstance(i)]; fit.yield != "" && r != nil && time.Since(r.born) < resolveTime {
		fit.pending = cmp.Or(fit.pending, fit.yield+" yet")
	}
	return fit
}

// lower has a fitness heed the lowering of an instance.
func (c *Controller) lower(i config.Instance, fit *fitness) {
	key := keyOfInstance(i)
	l, r := c.lowerings[key], c.candidates[key]
	if l == nil {
		l = new(lowering)
		c.lowerings[key] = l
	}
	master := r != nil && r.status().state == vrrp.Master
	now := time.Now()
	if again := l.observe(now, c.reach(now, i, l.low), master); !again.IsZero() {
		c.lookAgain = sooner(c.lookAgain, again)
	}
	if l.low {
		fit.weight, fit.reason = lowest, "no real server answers: another node is to take over"
	}
}

// reach is whether real servers answer this node. What checks say counts only while it hears nothing at all, for then it is
// likely to be cut off, and to have taken the real servers down itself; and once it has offered the role.
func (c *Controller) reach(now time.Time, i config.Instance, offered bool) reach {
	found := c.known.reachOf(i)
	if found != reachesSome || c.known.passesAny(i) {
		return found
	}
	untilDeaf, err := c.hearing.untilDeaf(now, &c.known, i)
	c.tell.about("it is not known whether anything is heard", err)
	if untilDeaf == 0 || offered {
		return reachesNone
	}
	c.lookAgain = sooner(c.lookAgain, now.Add(untilDeaf))
	return found
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

// hear does what the process of VRRP has no part in.
func (c *Controller) hear(n news) {
	switch {
	case n.Event != nil:
		c.notifier.Notify(*n.Event)
	case n.Changed != nil:
		c.probe.Reset(handoverTime)
		c.post(c.unfit) // a MASTER is judged otherwise
		c.post(c.suspend)
	}
}

// suspend has the checks of virtual servers with ha_suspend run where they are served, and rest elsewhere.
func (c *Controller) suspend() {
	if c.known.roster.suspends() {
		c.followChecks()
	}
}
