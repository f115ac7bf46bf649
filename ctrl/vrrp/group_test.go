package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// groupStep is one event for a member, A, B or C, and what all must answer:
// describe with the member's letter before it, joined by "; ".
type groupStep struct {
	at     float64
	member byte
	event  Event
	want   string
}

// member makes settings that differ by LAN only: A has skew 0.609 s and speaks
// from 192.168.1.1, B from 192.168.2.1.
func member(letter byte, change func(*Settings)) *Machine {
	s := testSettings(change)
	lan := int(letter - 'A' + 1)
	s.Name = string(letter)
	s.SourceAddress = netip.MustParseAddr(fmt.Sprintf("192.168.%d.1", lan))
	return NewMachine(s, epoch)
}

func describeGroup(actions []MemberAction) string {
	var out []string
	for _, a := range actions {
		out = append(out, fmt.Sprintf("%c %s", 'A'+a.Member, describe(a.Action)))
	}
	return strings.Join(out, "; ")
}

// of puts a member's letter before each action.
func of(letter byte, actions string) string {
	return fmt.Sprintf("%c ", letter) + strings.ReplaceAll(actions, "; ", fmt.Sprintf("; %c ", letter))
}

func runGroup(t *testing.T, g *Group, steps []groupStep) {
	t.Helper()
	for _, step := range steps {
		got := describeGroup(g.Handle(at(step.at), int(step.member-'A'), step.event))
		if got != step.want && step.want != "*" {
			t.Fatalf("at %.2f s %c %T\n got %s\nwant %s", step.at, step.member, step.event, got, step.want)
		}
		checkGroup(t, g)
		for _, m := range g.members {
			checkInvariants(t, m, m.State(), at(step.at), nil)
		}
	}
}

// checkGroup holds between events: members that take part are in one state.
func checkGroup(t *testing.T, g *Group) {
	t.Helper()
	var states []State
	for _, m := range g.members {
		if m.state != Initialize {
			states = append(states, m.state)
		}
	}
	if len(slices.Compact(states)) > 1 {
		t.Fatalf("members are %v", states)
	}
}

func TestSyncGroups(t *testing.T) {
	const (
		resigns = "last advert 0; remove .221; MASTER to BACKUP"
		faults  = "last advert 0; remove .221; MASTER to FAULT"
		adopts  = "advert 100; add .221; announce .221 x5; INIT to MASTER"
	)
	backup := []groupStep{{0, 'A', Start{}, of('A', begins)}, {0, 'B', Start{}, of('B', begins)}}
	bothTake := of('A', takesOver) + "; " + of('B', takesOver)
	master := append(slices.Clone(backup), groupStep{afterStart, 'A', Tick{}, bothTake})
	cut := Fault{Reason: "enp1s0 has no carrier"}
	for _, test := range []struct {
		name   string
		change func(*Settings)
		begin  []groupStep
		steps  []groupStep
	}{
		{"all become MASTER in one moment", nil, backup, []groupStep{{3.60, 'A', Tick{}, ""}, {3.61, 'B', Tick{}, bothTake}}},
		{"one that hears its master keeps the others back", nil, backup, []groupStep{
			{3, 'A', heard(higher, 200), ""}, {3.61, 'A', Tick{}, ""}, {6.60, 'A', Tick{}, ""}, {6.61, 'A', Tick{}, bothTake}}},
		{"one that is ready and hears its master again waits anew", nil, backup, []groupStep{
			{3, 'A', heard(higher, 200), ""}, {3.61, 'B', Tick{}, ""}, {5, 'B', heard(higher, 200), ""}, {6.61, 'A', Tick{}, ""},
			{8.60, 'A', Tick{}, ""}, {8.61, 'A', Tick{}, bothTake}}},
		{"a lower master does not make one that is ready wait", nil, backup, []groupStep{
			{3, 'A', heard(higher, 200), ""}, {3.61, 'B', Tick{}, ""}, {5, 'B', heard(higher, 50), ""}, {6.61, 'A', Tick{}, bothTake}}},
		{"one that is not started keeps the others back", nil, backup[:1], []groupStep{{9, 'A', Tick{}, ""}}},
		{"one that gives way takes all along, with a goodbye", nil, master, []groupStep{
			{4, 'B', heard(higher, 200), of('B', givesWay) + "; " + of('A', resigns)},
			{7.60, 'A', Tick{}, ""}, {7.61, 'A', Tick{}, bothTake}}},
		{"a fault of one is a fault of all", nil, master, []groupStep{
			{4, 'A', cut, of('A', faults) + "; " + of('B', faults)}, {20, 'A', Tick{}, ""},
			{20, 'A', NoFault{}, "A FAULT to BACKUP; B FAULT to BACKUP"}, {23.61, 'A', Tick{}, bothTake}}},
		{"a fault lasts until the last member's is over", nil, backup, []groupStep{
			{1, 'A', cut, "A BACKUP to FAULT; B BACKUP to FAULT"}, {2, 'B', cut, ""}, {3, 'A', NoFault{}, ""},
			{4, 'B', NoFault{}, "B FAULT to BACKUP; A FAULT to BACKUP"}}},
		{"a start beside a fault is FAULT", nil, nil, []groupStep{
			{0, 'A', cut, ""}, {0, 'A', Start{}, of('A', "remove .221; INIT to FAULT")}, {0, 'B', Start{}, of('B', "remove .221; INIT to FAULT")}}},
		{"a start with a fault takes the others along", nil, backup[:1], []groupStep{
			{0, 'B', cut, ""}, {0, 'B', Start{}, of('B', "remove .221; INIT to FAULT") + "; A BACKUP to FAULT"}}},
		{"an adoption of one is an adoption of all", nil, nil, []groupStep{
			{0, 'A', Adopt{}, of('A', adopts)}, {0, 'B', Adopt{}, of('B', adopts)}}},
		{"an adoption makes those MASTER that wait already", nil, backup[:1], []groupStep{
			{0.1, 'B', Adopt{}, of('B', adopts) + "; " + of('A', takesOver)}}},
		{"a start beside a MASTER is MASTER", nil, nil, []groupStep{
			{0, 'A', Adopt{}, of('A', adopts)}, {0.1, 'B', Start{}, of('B', begins+"; "+takesOver)}}},
		{"one that stops leaves the others, until they stop", nil, master, []groupStep{
			{4, 'A', Stop{}, of('A', "last advert 0; remove .221; MASTER to INIT")}, {4.61, 'A', Tick{}, "B advert 100"},
			{5, 'B', Stop{}, of('B', "last advert 0; remove .221; MASTER to INIT")}}},
		{"in FAULT they stop as they are, whoever has the fault", nil, backup, []groupStep{
			{1, 'A', cut, "A BACKUP to FAULT; B BACKUP to FAULT"}, {2, 'A', Stop{}, "A FAULT to INIT"}, {3, 'B', Tick{}, ""},
			{4, 'B', Stop{}, "B FAULT to INIT"}}},
		{"the fault of one that was stopped and started again ends", nil, backup, []groupStep{
			{1, 'A', cut, "A BACKUP to FAULT; B BACKUP to FAULT"}, {2, 'A', Stop{}, "A FAULT to INIT"},
			{3, 'A', Start{}, of('A', "remove .221; INIT to FAULT")}, {4, 'A', NoFault{}, "A FAULT to BACKUP; B FAULT to BACKUP"}}},
		{"a tick is for all", nil, master, []groupStep{{4.61, 'B', Tick{}, "A advert 100; B advert 100"}}},
		{"owners wait for each other, not for masters", func(s *Settings) { s.Priority = 255 }, backup, []groupStep{
			{0, 'A', Tick{}, strings.ReplaceAll(bothTake, "advert 100", "advert 255")}}},
		{"another priority while ready leaves one ready", nil, backup, []groupStep{
			{3, 'A', heard(higher, 200), ""}, {3.61, 'B', Tick{}, ""}, {4, 'B', tracked(-50), "B priority 100 to 50"},
			{6.61, 'A', Tick{}, of('A', takesOver) + "; " + of('B', "advert 50; add .221; announce .221 x5; BACKUP to MASTER")}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			runGroup(t, NewGroup(member('A', test.change), member('B', test.change)), append(slices.Clone(test.begin), test.steps...))
		})
	}
}

func TestAGroupOfOneIsItsMachine(t *testing.T) {
	steps := asMaster(step{4, heard(lower, 99), "*"}, step{5, Fault{Reason: "cut"}, "*"}, step{6, NoFault{}, "*"}, step{9.7, Tick{}, "*"},
		step{10, heard(higher, 200), "*"}, step{11, Stop{}, "*"})
	alone, machine := NewGroup(NewMachine(testSettings(nil), epoch)), NewMachine(testSettings(nil), epoch)
	for _, step := range steps {
		want := of('A', describeAll(machine.Handle(at(step.at), step.event)))
		if got := describeGroup(alone.Handle(at(step.at), 0, step.event)); got != want {
			t.Errorf("%T\n got %s\nwant %s", step.event, got, want)
		}
		if !alone.Deadline().Equal(machine.Deadline()) {
			t.Errorf("after %T deadline %v, the machine's is %v", step.event, alone.Deadline(), machine.Deadline())
		}
	}
}

func TestRunningMachinesThatAreGroupedComeToOneState(t *testing.T) {
	a, b := member('A', nil), member('B', nil)
	a.Handle(epoch, Adopt{})
	b.Handle(epoch, Start{})
	g := NewGroup(a, b)
	runGroup(t, g, []groupStep{
		{0.5, 'A', Tick{}, of('A', "last advert 0; remove .221; MASTER to BACKUP")},
		{3.61, 'A', Tick{}, ""},
		{4.11, 'A', Tick{}, of('A', takesOver) + "; " + of('B', takesOver)},
	})
}

func TestWhoIsWithoutTheMemberWithTheFaultRecovers(t *testing.T) {
	a, b := member('A', nil), member('B', nil)
	runGroup(t, NewGroup(a, b), []groupStep{
		{0, 'A', Start{}, of('A', begins)}, {0, 'B', Start{}, of('B', begins)},
		{1, 'A', Fault{Reason: "cut"}, "A BACKUP to FAULT; B BACKUP to FAULT"},
	})
	runGroup(t, NewGroup(b), []groupStep{{2, 'A', Tick{}, "A FAULT to BACKUP"}})
}

func TestTheFaultOfAGroupNamesItsMember(t *testing.T) {
	g := NewGroup(member('A', nil), member('B', nil))
	g.Handle(epoch, 0, Start{})
	g.Handle(epoch, 1, Start{})
	actions := g.Handle(epoch, 0, Fault{Reason: "enp1s0 has no carrier"})
	last, ok := actions[len(actions)-1].Action.(Transition)
	if want := "A of the sync group: enp1s0 has no carrier"; !ok || last.Reason != want {
		t.Errorf("%+v, want reason %q", actions[len(actions)-1], want)
	}
}

func TestAGroupIgnoresAMemberThatIsNotThere(t *testing.T) {
	g := NewGroup(member('A', nil))
	if actions := g.Handle(epoch, 3, Start{}); len(actions) > 0 {
		t.Errorf("got %s", describeGroup(actions))
	}
	if got := NewGroup().Handle(epoch, 0, Tick{}); len(got) > 0 {
		t.Errorf("an empty group does %s", describeGroup(got))
	}
}

func TestTheDeadlineOfAGroupIsTheFirstOfItsMembers(t *testing.T) {
	g := NewGroup(member('A', nil), member('B', nil))
	g.Handle(at(0), 0, Start{})
	g.Handle(at(1), 1, Start{})
	for _, want := range []time.Duration{3609375 * time.Microsecond, 4609375 * time.Microsecond} {
		if got := g.Deadline().Sub(epoch); got != want {
			t.Errorf("deadline after %v, want %v", got, want)
		}
		g.Handle(g.Deadline(), 0, Tick{})
	}
}
