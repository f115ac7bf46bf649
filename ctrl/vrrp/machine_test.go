package vrrp

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestElection(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Settings)
		steps  []step
	}{
		{"a start waits the whole down interval", nil, asBackup(
			step{3.60, Tick{}, ""}, step{afterStart, Tick{}, takesOver})},
		{"state MASTER waits just as long", func(s *Settings) { s.StartState = Master }, asBackup(
			step{3.60, Tick{}, ""}, step{afterStart, Tick{}, takesOver})},
		{"the address owner is master at once", func(s *Settings) { s.Priority = 255 }, []step{
			{0, Start{}, "advert 255; add .221; announce .221 x5; INIT to MASTER"}}},
		{"a second start does nothing", nil, asBackup(step{1, Start{}, ""}, step{1, Adopt{}, ""})},
		{"before the start nothing is heard", nil, []step{{0, heard(higher, 0), ""}, {9, Tick{}, ""}}},
		{"a master adverts every interval", nil, asMaster(
			step{4.60, Tick{}, ""}, step{4.61, Tick{}, "advert 100"}, step{5.60, Tick{}, ""}, step{5.61, Tick{}, "advert 100"})},
		{"an adopting daemon is master at once and removes nothing", nil, []step{
			{0, Adopt{}, "advert 100; add .221; announce .221 x5; INIT to MASTER"}, {1, Tick{}, "advert 100"}}},
		{"an adopting daemon gives way to a master that outranks it", nil, []step{
			{0, Adopt{}, "advert 100; add .221; announce .221 x5; INIT to MASTER"}, {0.01, heard(higher, 200), givesWay}}},
		{"a master that stops says goodbye first", nil, asMaster(
			step{5, Stop{}, "last advert 0; remove .221; MASTER to INIT"}, step{20, Tick{}, ""})},
		{"a backup that stops has nothing to say", nil, asBackup(step{1, Stop{}, "BACKUP to INIT"}, step{20, Tick{}, ""})},
		{"a stop before the start does nothing", nil, []step{{0, Stop{}, ""}}},
		{"a stopped machine starts anew", nil, asBackup(
			step{1, Stop{}, "BACKUP to INIT"}, step{2, Start{}, begins}, step{5.60, Tick{}, ""}, step{5.61, Tick{}, takesOver})},

		{"a backup waits anew after every advert of a higher priority", nil, asBackup(
			step{3, heard(higher, 200), ""}, step{6.60, Tick{}, ""}, step{6.61, Tick{}, takesOver})},
		{"a backup accepts an equal priority from a lower address", nil, asBackup(
			step{3, heard(lower, 100), ""}, step{6.60, Tick{}, ""}, step{6.61, Tick{}, takesOver})},
		{"a backup preempts: a lower priority does not restart its timer", nil, asBackup(
			step{1, heard(higher, 99), ""}, step{3.5, heard(higher, 99), ""}, step{afterStart, Tick{}, takesOver})},
		{"with nopreempt a lower priority does", func(s *Settings) { s.Preempt = false }, asBackup(
			step{3, heard(lower, 99), ""}, step{6.60, Tick{}, ""}, step{6.61, Tick{}, takesOver})},
		{"state MASTER turns nopreempt off", func(s *Settings) { s.Preempt, s.StartState = false, Master }, asBackup(
			step{3, heard(lower, 99), ""}, step{afterStart, Tick{}, takesOver})},
		{"a goodbye makes a backup wait the skew, not take over at once", nil, asBackup(
			step{1, heard(higher, 200), ""}, step{2, heard(higher, 0), "note"}, step{2.60, Tick{}, ""}, step{2.61, Tick{}, takesOver})},
		{"a goodbye counts with nopreempt", func(s *Settings) { s.Preempt = false }, asBackup(
			step{1, heard(lower, 50), ""}, step{2, heard(lower, 0), "note"}, step{2.61, Tick{}, takesOver})},
		{"after a goodbye another master's advert restarts the wait", nil, asBackup(
			step{1, heard(lower, 0), "note"}, step{1.5, heard(higher, 101), ""}, step{5.10, Tick{}, ""}, step{5.11, Tick{}, takesOver})},
		{"a late tick takes over late, once", nil, asBackup(
			step{60, Tick{}, takesOver}, step{60, Tick{}, ""})},
		{"an advert handed over before a late tick keeps the backup down", nil, asBackup(
			step{60, heard(higher, 200), ""}, step{60, Tick{}, ""})},

		{"preempt_delay begins with the first lower advert, the down interval follows",
			func(s *Settings) { s.PreemptDelay = 10 * time.Second }, asBackup(
				step{1, heard(lower, 50), "note"}, step{4, heard(lower, 50), ""}, step{7.5, heard(lower, 50), ""},
				step{10.9, heard(lower, 50), ""}, step{11.1, heard(lower, 50), ""}, step{14.50, Tick{}, ""}, step{14.51, Tick{}, takesOver})},
		{"preempt_delay does not delay the takeover from a dead master",
			func(s *Settings) { s.PreemptDelay = 1000 * time.Second }, asBackup(
				step{1, heard(lower, 50), "note"}, step{4.61, Tick{}, takesOver})},
		{"preempt_delay begins anew after a higher master",
			func(s *Settings) { s.PreemptDelay = 3 * time.Second }, asBackup(
				step{1, heard(lower, 50), "note"}, step{2, heard(higher, 200), ""}, step{5, heard(lower, 50), "note"},
				step{8.60, Tick{}, ""}, step{8.61, Tick{}, takesOver})},
		{"preempt_delay begins anew after a goodbye",
			func(s *Settings) { s.PreemptDelay = 10 * time.Second }, asBackup(
				step{1, heard(lower, 50), "note"}, step{2, heard(lower, 0), "note"}, step{2.5, heard(higher, 60), "note"},
				step{11.1, heard(higher, 60), ""}, step{12.4, heard(higher, 60), ""}, step{16, Tick{}, ""}, step{16.01, Tick{}, takesOver})},
		{"state MASTER turns preempt_delay off",
			func(s *Settings) { s.PreemptDelay, s.StartState = 10*time.Second, Master }, asBackup(
				step{1, heard(lower, 50), ""}, step{afterStart, Tick{}, takesOver})},

		{"a master gives way to a higher priority and adverts once more", nil, asMaster(
			step{4, heard(lower, 101), givesWay}, step{4.61, Tick{}, ""}, step{7.60, Tick{}, ""}, step{7.61, Tick{}, takesOver})},
		{"a master gives way quietly without higher_prio_send_advert", func(s *Settings) { s.HigherPrioSendAdvert = false }, asMaster(
			step{4, heard(lower, 101), "remove .221; MASTER to BACKUP"})},
		{"a master gives way to an equal priority from a higher address", nil, asMaster(step{4, heard(higher, 100), "rival .212; " + givesWay})},
		{"a master outranks an equal priority from a lower address", nil, asMaster(step{4, heard(lower, 100), "rival .210; advert 100; announce .221 x5"})},
		{"a master answers a lower priority at once and twice announces", nil, asMaster(
			step{4, heard(higher, 99), "rival .212; advert 100; announce .221 x5"}, step{4.99, Tick{}, ""}, step{5, Tick{}, "advert 100"}, step{7, Tick{}, "advert 100"},
			step{8, Tick{}, "advert 100"}, step{8.99, Tick{}, ""}, step{9, Tick{}, "advert 100; announce .221 x5"}, step{10, Tick{}, "advert 100"})},
		{"lower_prio_no_advert keeps quiet but announces", func(s *Settings) { s.LowerPrioNoAdvert = true }, asMaster(
			step{4, heard(higher, 99), "rival .212; announce .221 x5"})},
		{"garp_lower_prio_repeat 0 only adverts", func(s *Settings) { s.GARP.LowerPrioRepeat = 0 }, asMaster(
			step{4, heard(higher, 99), "rival .212; advert 100"})},
		{"a master that hears a goodbye announces: there was a rival", nil, asMaster(step{4, heard(higher, 0), outlives})},
		{"a master adverts before its own goodbye ends", nil, asMaster(step{4.61, Tick{}, "advert 100"}, step{4.7, Stop{}, "last advert 0; remove .221; MASTER to INIT"})},
	} {
		t.Run(test.name, func(t *testing.T) { run(t, testSettings(test.change), test.steps) })
	}
}

func TestAnnouncements(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Settings)
		steps  []step
	}{
		{"come again after garp_master_delay, once", slow, asMaster20(
			step{35.60, Tick{}, ""}, step{35.61, Tick{}, announces}, step{40.62, Tick{}, "advert 100"})},
		{"come once with garp_master_delay 0", both(slow, func(s *Settings) { s.GARP.MasterDelay = 0 }), asMaster20(
			step{39, Tick{}, ""})},
		{"stay away with garp_master_repeat 0", both(slow, func(s *Settings) { s.GARP.MasterRepeat = 0 }), []step{
			{0, Start{}, begins}, {30.61, Tick{}, "advert 100; add .221; BACKUP to MASTER"}, {39, Tick{}, ""}}},
		{"come every garp_master_refresh", both(slow, func(s *Settings) { s.GARP.MasterDelay, s.GARP.MasterRefresh = 0, 3*time.Second }), asMaster20(
			step{33.60, Tick{}, ""}, step{33.61, Tick{}, "announce .221 x1"}, step{36.61, Tick{}, "announce .221 x1"})},
		{"after giving way do not come again", nil, asMaster(
			step{4, heard(higher, 200), givesWay}, step{8, heard(higher, 200), ""}, step{9, Tick{}, ""})},
		{"cover excluded addresses, which no advert has", func(s *Settings) { s.ExcludedAddresses = addrs("2001:db8::7") }, []step{
			{0, Start{}, "remove .221,:7; INIT to BACKUP"},
			{afterStart, Tick{}, "advert 100; add .221,:7; announce .221,:7 x5; BACKUP to MASTER"}}},
		{"come again, twice, when a part of the LAN is heard again", slow, asMaster20(
			step{38, Reunited{}, announces}, step{40.61, Tick{}, "advert 100"}, step{43, Tick{}, announces})},
		{"come again ten times a second at most", both(slow, func(s *Settings) { s.GARP.MasterDelay = 0 }), asMaster20(slices.Concat(
			slices.Repeat([]step{{31, Reunited{}, announces}}, 10), []step{{31.5, Reunited{}, ""}, {32, Tick{}, announces}})...)},
		{"do not come from a backup when a part of the LAN is heard again", nil, asBackup(step{1, Reunited{}, ""})},
		{"come again after an advert so late that a backup may have taken over", nil, asMaster(
			step{6.61, Tick{}, "advert 100"}, step{9.62, Tick{}, "advert 100; note; announce .221 x5"})},
	} {
		t.Run(test.name, func(t *testing.T) { run(t, testSettings(test.change), test.steps) })
	}
}

// slow keeps adverts out of the way of announcements.
func slow(s *Settings) { s.AdvertInterval = 10 * time.Second }

// asMaster20 leads slow machines to MASTER at 30.61 s.
func asMaster20(rest ...step) []step {
	return append([]step{{0, Start{}, begins}, {30.61, Tick{}, takesOver}}, rest...)
}

func both(first, second func(*Settings)) func(*Settings) {
	return func(s *Settings) { first(s); second(s) }
}

func TestFaults(t *testing.T) {
	down := Fault{Reason: "enp1s0 has no carrier"}
	for _, test := range []struct {
		name   string
		change func(*Settings)
		steps  []step
	}{
		{"a master with a fault says goodbye and gives its addresses up", nil, asMaster(
			step{5, down, "last advert 0; remove .221; MASTER to FAULT"}, step{20, Tick{}, ""}, step{20, heard(higher, 0), ""})},
		{"a backup with a fault does not take over", nil, asBackup(step{1, down, "BACKUP to FAULT"}, step{20, Tick{}, ""})},
		{"the end of a fault means BACKUP for a whole down interval", nil, asMaster(
			step{5, down, "last advert 0; remove .221; MASTER to FAULT"}, step{10, NoFault{}, "FAULT to BACKUP"},
			step{13.60, Tick{}, ""}, step{13.61, Tick{}, takesOver})},
		{"the address owner is master as soon as the fault is over", func(s *Settings) { s.Priority = 255 }, []step{
			{0, Start{}, "advert 255; add .221; announce .221 x5; INIT to MASTER"}, {5, down, "last advert 0; remove .221; MASTER to FAULT"},
			{6, NoFault{}, "advert 255; add .221; announce .221 x5; FAULT to MASTER"}}},
		{"a start with a fault is FAULT and removes leftovers", nil, []step{
			{0, down, ""}, {0, Start{}, "remove .221; INIT to FAULT"}, {1, NoFault{}, "FAULT to BACKUP"}}},
		{"adopting with a fault is FAULT", nil, []step{{0, down, ""}, {0, Adopt{}, "remove .221; INIT to FAULT"}}},
		{"the address owner with a fault is FAULT", func(s *Settings) { s.Priority = 255 }, []step{
			{0, down, ""}, {0, Start{}, "remove .221; INIT to FAULT"}}},
		{"a fault that ends before the start is an ordinary start", nil, []step{{0, down, ""}, {0, NoFault{}, ""}, {0, Start{}, begins}}},
		{"news of no fault change nothing", nil, asMaster(step{5, NoFault{}, ""})},
		{"a second reason for FAULT changes nothing", nil, asBackup(step{1, down, "BACKUP to FAULT"}, step{2, down, ""})},
		{"a stop in FAULT is quiet", nil, asBackup(step{1, down, "BACKUP to FAULT"}, step{2, Stop{}, "FAULT to INIT"})},
	} {
		t.Run(test.name, func(t *testing.T) { run(t, testSettings(test.change), test.steps) })
	}
}

func TestTransitionsGiveTheReason(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Settings)
		events []step
		want   string
	}{
		{"a lone start", nil, asBackup(step{4, Tick{}, "*"}), "heard no master"},
		{"a silent master", nil, asBackup(step{1, heard(higher, 200), ""}, step{5, Tick{}, "*"}), "master 192.168.100.212 fell silent"},
		{"a stopped master", nil, asBackup(step{1, heard(higher, 0), "*"}, step{5, Tick{}, "*"}), "master 192.168.100.212 stopped"},
		{"a preempted master", nil, asBackup(step{1, heard(lower, 99), "*"}, step{4, Tick{}, "*"}), "preempting master 192.168.100.210 of lower priority"},
		{"a spared master that fell silent", func(s *Settings) { s.Preempt = false },
			asBackup(step{1, heard(lower, 99), "*"}, step{5, Tick{}, "*"}), "master 192.168.100.210 fell silent"},
		{"a master that we gave way to and that fell silent", nil,
			asMaster(step{4, heard(higher, 200), "*"}, step{8, Tick{}, "*"}), "master 192.168.100.212 fell silent"},
		{"a higher priority", nil, asMaster(step{4, heard(lower, 101), "*"}), "advert of priority 101 from 192.168.100.210"},
		{"a tie", nil, asMaster(step{4, heard(higher, 100), "*"}), "advert of priority 100 from 192.168.100.212, the higher address"},
		{"a lost link", nil, asMaster(step{4, Fault{Reason: "enp1s0 has no carrier"}, "*"}), "enp1s0 has no carrier"},
		{"a start without link", nil, []step{{0, Fault{Reason: "enp1s0 is missing"}, ""}, {0, Start{}, "*"}}, "enp1s0 is missing"},
		{"an adoption", nil, []step{{0, Adopt{}, "*"}}, "adopted the lease of an earlier run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			last := len(test.events) - 1
			m := run(t, testSettings(test.change), test.events[:last])
			actions := m.Handle(at(test.events[last].at), test.events[last].event)
			transition, ok := actions[len(actions)-1].(Transition)
			if !ok || transition.Reason != test.want {
				t.Errorf("got %+v, want reason %q", actions[len(actions)-1], test.want)
			}
		})
	}
}

func TestAdvertsCarryTheSettingsAndTheLease(t *testing.T) {
	m := NewMachine(testSettings(func(s *Settings) { s.AdvertInterval, s.DownTimerAdverts = 2*time.Second, 4 }), epoch)
	sent, ok := m.Handle(epoch, Adopt{})[0].(SendAdvert)
	if !ok || sent.Lease != 8*time.Second {
		t.Errorf("first action %+v, want an advert with a lease of 8 s", sent)
	}
	want := tutorialAdvert(100)
	want.Interval = 2 * time.Second
	if !reflect.DeepEqual(sent.Advert, want) {
		t.Errorf("advert %+v, want %+v", sent.Advert, want)
	}
	goodbye, ok := m.Handle(at(1), Stop{})[0].(SendAdvert)
	want.Priority = PriorityStopped
	if !ok || goodbye.Lease != 0 || !reflect.DeepEqual(goodbye.Advert, want) {
		t.Errorf("goodbye %+v, want %+v without a lease", goodbye, want)
	}
}

// Else a third member would follow the one that gives way with its interval,
// and take a slower master for dead.
func TestTheAdvertOfAMasterThatGivesWayHasTheIntervalOfTheOther(t *testing.T) {
	m := run(t, testSettings(v3), asMaster())
	sent, ok := m.Handle(at(4), heard3(higher, 200, 2*time.Second))[0].(SendAdvert)
	if want := advert3(100, 2*time.Second); !ok || sent.Lease != 0 || !reflect.DeepEqual(sent.Advert, want) {
		t.Errorf("%+v, want %+v without a lease", sent, want)
	}
}

func TestDeadlineIsTheFirstOfTheTimers(t *testing.T) {
	m := NewMachine(testSettings(func(s *Settings) {
		s.GARP.MasterDelay, s.GARP.MasterRefresh = 700*time.Millisecond, 1200*time.Millisecond
	}), epoch)
	if got := m.Deadline(); !got.IsZero() {
		t.Errorf("INIT waits for %v", got)
	}
	m.Handle(epoch, Adopt{})
	for _, want := range []float64{0.7, 1, 1.2, 2, 2.4, 3} {
		if got := m.Deadline(); !got.Equal(at(want)) {
			t.Fatalf("deadline %v after the adoption, want %v s", got.Sub(epoch), want)
		}
		m.Handle(at(want), Tick{})
	}
}

func TestStatesHaveTheNamesOfKeepalived(t *testing.T) {
	for state, want := range map[State]string{Initialize: "INIT", Backup: "BACKUP", Master: "MASTER", Faulty: "FAULT", 9: "state 9"} {
		if got := state.String(); got != want {
			t.Errorf("state %d is %q, want %q", uint8(state), got, want)
		}
	}
}
