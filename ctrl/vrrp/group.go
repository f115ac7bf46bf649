package vrrp

import (
	"fmt"
	"slices"
	"time"
)

// Group is the machines of one sync group (keepalived: vrrp_sync_group), which
// are in one state together. A group of one machine adds nothing to it, so a
// caller may know groups only. It belongs to one goroutine, and once machines
// are grouped, events reach them through the group alone.
//
// The rules are keepalived's, with a goodbye where one gives way for another:
//   - All become MASTER in one moment: when the Master_Down_Timer of each has run
//     out, or when one goes on as MASTER by Adopt. A member that is ready waits for
//     the others, and hears its master again meanwhile.
//   - When one gives way, all become BACKUP. The others say goodbye, so that their
//     backups need not wait for a whole Master_Down_Interval.
//   - A fault of one is a fault of all, until no member has one. It stays one when
//     that member stops: what stops one after the other must not recover meanwhile.
//   - A member that starts joins the others as MASTER or in FAULT; one that is not
//     started keeps the rest from becoming MASTER. One that stops leaves the rest
//     as they are: stop each.
type Group struct {
	members []*Machine

	// Of the event that Handle works on.
	now     time.Time
	before  []State
	actions []MemberAction
}

// MemberAction is what a member of a group asks for.
type MemberAction struct {
	Member int // the index in the arguments of NewGroup
	Action Action
}

// NewGroup groups machines, which may be running already (reload). If their
// states differ then, the next event makes those that are MASTER give way.
func NewGroup(machines ...*Machine) *Group {
	g := &Group{members: slices.Clone(machines), before: make([]State, len(machines))}
	for _, m := range g.members {
		m.grouped = len(g.members) > 1
	}
	return g
}

// Handle tells a member an event and returns what all members are to do about
// it, in order. Tick goes to all members, whichever is named; another event for
// a member that does not exist does nothing.
func (g *Group) Handle(now time.Time, member int, ev Event) []MemberAction {
	g.now, g.actions = now, nil
	for i, m := range g.members {
		g.before[i] = m.state
	}
	for i, m := range g.members {
		if _, tick := ev.(Tick); tick || i == member {
			g.direct(i, func() { m.handle(ev) })
		}
	}
	g.shareFaults()
	g.shareMastership()
	return g.actions
}

// Deadline is when the group wants a Tick; zero if it waits for nothing. See
// Machine.Deadline.
func (g *Group) Deadline() time.Time {
	var first time.Time
	for _, m := range g.members {
		first = earliest(first, m.Deadline())
	}
	return first
}

// direct makes a member do something and collects its actions.
func (g *Group) direct(member int, do func()) {
	for _, a := range g.members[member].at(g.now, do) {
		g.actions = append(g.actions, MemberAction{Member: member, Action: a})
	}
}

// shareFaults puts members into FAULT with the first other one that has a fault,
// and lets them out again.
func (g *Group) shareFaults() {
	for i, m := range g.members {
		h := m.health
		h.group = ""
		for j, other := range g.members {
			if i != j && other.health.ill && (other.state != Initialize || other.stopped) {
				h.group = fmt.Sprintf("%s of the sync group: %s", other.settings.Name, other.health.reason)
				break
			}
		}
		if h != m.health {
			g.direct(i, func() { m.setHealth(h) })
		}
	}
}

// shareMastership makes all MASTER or none. Members that are not started do not
// count, but nobody becomes MASTER of its own accord before they are.
func (g *Group) shareMastership() {
	switch masters, backups := g.in(Master), g.in(Backup); {
	case len(backups) == 0:
	case len(masters) == 0:
		if len(backups) == len(g.members) && !slices.ContainsFunc(backups, func(i int) bool { return !g.members[i].takeover.ready }) {
			g.promote(backups)
		}
	case g.led(masters, backups):
		g.promote(backups)
	default:
		g.dismiss(masters)
	}
}

// led tells whether those that are BACKUP are to follow those that are MASTER,
// and not the other way round: somebody became MASTER just now and nobody gave
// way, or they have only just started.
func (g *Group) led(masters, backups []int) bool {
	was := func(s State) func(int) bool { return func(i int) bool { return g.before[i] == s } }
	if slices.ContainsFunc(backups, was(Master)) {
		return false
	}
	newMaster := slices.ContainsFunc(masters, func(i int) bool { return g.before[i] != Master })
	return newMaster || !slices.ContainsFunc(backups, was(Backup))
}

// in lists the members that are in a state.
func (g *Group) in(s State) []int {
	var found []int
	for i, m := range g.members {
		if m.state == s {
			found = append(found, i)
		}
	}
	return found
}

func (g *Group) promote(backups []int) {
	for _, i := range backups {
		m := g.members[i]
		reason := "with its sync group"
		if m.takeover.ready {
			reason = m.takeover.why()
		}
		g.direct(i, func() { m.becomeMaster(reason) })
	}
}

func (g *Group) dismiss(masters []int) {
	for _, i := range masters {
		m := g.members[i]
		g.direct(i, func() {
			m.resign()
			m.becomeBackup("with its sync group")
		})
	}
}
