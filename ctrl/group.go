package ctrl

import (
	"time"

	"drover/ctrl/notify"
	"drover/ctrl/vrrp"
)

// group is the instances of a sync group, or an instance that is in none. It belongs to the elections.
type group struct {
	name     string // empty for an instance that is in no sync group
	members  []*router
	machines *vrrp.Group
	next     time.Time  // when there is something to do; zero for never
	told     vrrp.State // that notify scripts know
}

func (g *group) join(r *router) {
	r.group, r.member = g, len(g.members)
	g.members = append(g.members, r)
}

// form begins the group, of those that have joined. They come to one state at once: without the fault of one that is in
// another group now, they have none.
func (g *group) form() {
	machines := make([]*vrrp.Machine, len(g.members))
	for i, r := range g.members {
		machines[i] = r.machine
	}
	g.machines = vrrp.NewGroup(machines...)
	g.next = time.Now()
}

// handle tells a member's machine an event and does what the machines of the group ask for. It tells whether the member
// refused to listen to it.
func (g *group) handle(now time.Time, member int, event vrrp.Event) (dropped bool) {
	for _, asked := range g.machines.Handle(now, member, event) {
		_, is := asked.Action.(vrrp.Drop)
		dropped = dropped || is && asked.Member == member
		g.members[asked.Member].do(asked.Action)
	}
	g.next = g.machines.Deadline()
	g.tell()
	return dropped
}

func (g *group) due(now time.Time) bool { return !g.next.IsZero() && !now.Before(g.next) }

// tick tells the machines that time has passed, and notes how late those learn it that waited for it.
func (g *group) tick(now time.Time) {
	type waiting struct {
		member *router
		due    time.Time
	}
	var waited []waiting
	for _, r := range g.members {
		if due := r.machine.Deadline(); !due.IsZero() && !now.Before(due) {
			waited = append(waited, waiting{r, due})
		}
	}
	g.handle(now, 0, vrrp.Tick{})
	for _, w := range waited {
		late := time.Since(w.due)
		w.member.update(func(s *routerStatus) { s.late.add(late) })
	}
}

// state is the one that all members are in; none while they are on their way.
func (g *group) state() (state vrrp.State, all bool) {
	state = g.members[0].machine.State()
	for _, r := range g.members {
		if r.machine.State() != state {
			return 0, false
		}
	}
	return state, true
}

// tell notifies of a new state of a sync group.
func (g *group) tell() {
	state, all := g.state()
	if g.name == "" || !all || state == g.told {
		return
	}
	g.told = state
	g.members[0].notify(notify.Event{Subject: notify.Subject{Kind: notify.Group, Name: g.name}, State: states[state]})
}

// states are the words that notify scripts get.
var states = map[vrrp.State]notify.State{
	vrrp.Master: notify.Master, vrrp.Backup: notify.Backup, vrrp.Faulty: notify.Fault, vrrp.Initialize: notify.Stop,
}
