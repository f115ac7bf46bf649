package ctrl

import (
	"context"

	"drover/ctrl/notify"
)

// elected is a router and the fitness that was ordered for it last.
type elected struct {
	*router
	fitness fitness
}

// obey does what is ordered. An order for a router that is done comes too late: the controller does not know yet.
func (a *agent) obey(ctx context.Context, o order) {
	switch {
	case o.Begin != nil:
		a.begin(ctx, *o.Begin)
	case o.Add != nil:
		a.add(*o.Add)
	case o.Follow != nil:
		a.follow(*o.Follow)
	case o.Stop != nil:
		a.stop(ctx, *o.Stop)
	case o.Pace != nil:
		a.announcer.pace(o.Pace.GARP, o.Pace.GNA)
	case o.Ask != nil:
		for id := range a.routers {
			a.tellStatus(id)
		}
		a.out.send(news{Answered: o.Ask})
	default:
		a.obeyOne(o)
	}
}

func (a *agent) obeyOne(o order) {
	switch {
	case o.Start != nil:
		a.with(o.Start.ID, func(e *elected) { e.fitness = o.Start.Fitness; e.start(e.fitness) })
	case o.Fit != nil:
		a.with(o.Fit.ID, func(e *elected) { e.fitness = o.Fit.Fitness; e.fit(e.fitness) })
	case o.Reconfigure != nil:
		a.with(o.Reconfigure.ID, func(e *elected) { e.reconfigure(o.Reconfigure.Instance) })
	case o.Reunite != nil:
		a.with(o.Reunite.ID, func(e *elected) { e.reunite() })
	}
}

func (a *agent) with(id candidateID, do func(*elected)) {
	if e := a.routers[id]; e != nil {
		do(e)
	}
}

func (a *agent) stop(ctx context.Context, o stopOrder) {
	var leaving []*router
	for _, id := range o.IDs {
		a.with(id, func(e *elected) {
			leaving = append(leaving, e.router)
			go a.awaitEnd(ctx, id, e)
		})
	}
	a.elections.stop(leaving, o.Deleted)
}

func (a *agent) awaitEnd(ctx context.Context, id candidateID, e *elected) {
	select {
	case <-e.done:
	case <-ctx.Done():
		return
	}
	select {
	case a.left <- id:
	case <-ctx.Done():
	}
}

// add makes a router. What it tells comes after its status, so that the controller never knows less.
func (a *agent) add(o addOrder) {
	r := newRouter(o.Instance, o.Gate, a.elections, a.log)
	r.gates = a.gates
	r.told = func(e notify.Event) {
		a.out.send(news{Status: &statusNews{o.ID, r.status()}})
		a.out.send(news{Event: &e})
	}
	r.changed = func() {
		a.out.send(news{Status: &statusNews{o.ID, r.status()}})
		a.out.send(news{Changed: &candidateNews{o.ID}})
	}
	r.ground = newGround(o.Instance, a.errands, r.log)
	r.announce, r.ground.announce = a.announcer.post, a.announcer.post
	r.ground.listen, r.ground.told = a.elections.ears.open, r.stand
	a.routers[o.ID] = &elected{router: r}
}

func (a *agent) tellStatus(id candidateID) {
	a.with(id, func(e *elected) { a.out.send(news{Status: &statusNews{id, e.status()}}) })
}

func (a *agent) follow(o followOrder) {
	var sets []set
	for _, s := range o.Sets {
		one := set{name: s.Name}
		for _, id := range s.Members {
			a.with(id, func(e *elected) { one.members = append(one.members, e.router) })
		}
		sets = append(sets, one)
	}
	a.elections.follow(sets)
}
