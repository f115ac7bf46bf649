package vrrp

import (
	"testing"
	"time"
)

func tracked(weight int) Tracked { return Tracked{Weight: weight, Reason: "script check_web failed"} }

func TestEffectivePriority(t *testing.T) {
	for _, test := range []struct {
		name       string
		configured uint8
		weight     int
		want       uint8
	}{
		{"nothing is tracked", 100, 0, 100},
		{"a weight lowers it", 100, -30, 70},
		{"a weight raises it", 100, 30, 130},
		{"it stays above that of a goodbye", 100, -100, 1},
		{"it stays below that of the owner", 100, 155, 254},
		{"any sum has bounds", 1, -100000, 1},
		{"any sum has bounds above, too", 254, 100000, 254},
		{"the owner's never changes", 255, -200, 255},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := NewMachine(testSettings(func(s *Settings) { s.Priority = test.configured }), epoch)
			m.Handle(epoch, tracked(test.weight))
			if got := m.Priority(); got != test.want {
				t.Errorf("priority %d, want %d", got, test.want)
			}
		})
	}
}

func TestTracking(t *testing.T) {
	const takes50 = "advert 50; add .221; announce .221 x5; BACKUP to MASTER"
	down50, up200 := "priority 100 to 50", "priority 100 to 200"
	for _, test := range []struct {
		name   string
		change func(*Settings)
		steps  []step
	}{
		{"a master tells its new priority with the next advert", nil, asMaster(
			step{4, tracked(-50), down50}, step{4.60, Tick{}, ""}, step{4.61, Tick{}, "advert 50"})},
		{"a master gives way to what it outranked before", nil, asMaster(
			step{4, tracked(-50), down50}, step{4.5, heard(lower, 60), "last advert 50; remove .221; MASTER to BACKUP"})},
		{"a master outranks by its new priority", nil, asMaster(
			step{4, tracked(100), up200}, step{4.5, heard(higher, 150), "rival .212; advert 200; announce .221 x5"})},
		{"a goodbye has priority 0 all the same", nil, asMaster(
			step{4, tracked(-50), down50}, step{4.5, Stop{}, "last advert 0; remove .221; MASTER to INIT"})},
		{"the same sum again is no news", nil, asBackup(step{1, tracked(-50), down50}, step{2, tracked(-50), ""})},
		{"another sum with the same effect is no news", nil, asBackup(step{1, tracked(-200), "priority 100 to 1"}, step{2, tracked(-250), ""})},
		{"a backup's wait follows by the skew", nil, asBackup(
			step{1, tracked(-50), down50}, step{3.80, Tick{}, ""}, step{3.81, Tick{}, takes50})},
		{"frequent changes do not put a takeover off", nil, asBackup(
			step{1, tracked(-50), down50}, step{2, tracked(0), "priority 50 to 100"}, step{3, tracked(-50), down50},
			step{3.5, tracked(0), "priority 50 to 100"}, step{3.60, Tick{}, ""}, step{3.61, Tick{}, takesOver})},
		{"a wait after a goodbye follows, too", nil, asBackup(
			step{1, heard(higher, 0), "note"}, step{1.1, tracked(-50), down50}, step{1.80, Tick{}, ""}, step{1.81, Tick{}, takes50})},
		{"a backup raised above the master preempts it", nil, asBackup(
			step{3, heard(higher, 150), ""}, step{3.1, tracked(100), up200}, step{4, heard(higher, 150), ""}, step{5, heard(higher, 150), ""},
			step{6.21, Tick{}, ""}, step{6.22, Tick{}, "advert 200; add .221; announce .221 x5; BACKUP to MASTER"})},
		{"a backup lowered below the master that it was about to preempt lets it be", nil, asBackup(
			step{1, heard(lower, 60), ""}, step{3.5, tracked(-50), down50}, step{3.9, Tick{}, ""}, step{4, heard(lower, 60), ""},
			step{7.80, Tick{}, ""}, step{7.81, Tick{}, takes50})},
		{"it is remembered before the start", nil, []step{
			{0, tracked(-50), down50}, {0, Start{}, begins}, {3.80, Tick{}, ""}, {3.81, Tick{}, takes50}}},
		{"it is remembered through a fault", nil, asBackup(
			step{1, tracked(-50), down50}, step{2, Fault{Reason: "cut"}, "BACKUP to FAULT"}, step{3, NoFault{}, "FAULT to BACKUP"},
			step{6.80, Tick{}, ""}, step{6.81, Tick{}, takes50})},
		{"in version 3 the skew is that of the learned interval", v3, asBackup(
			step{0.1, heard3(higher, 200, time.Second), "note"}, step{1, tracked(-50), down50}, step{3.90, Tick{}, ""}, step{3.91, Tick{}, takes50})},
		{"a reload keeps the weight", nil, asMaster(
			step{4, tracked(-50), down50}, step{4.1, reload(func(s *Settings) { s.Priority = 110 }), "priority 50 to 60; advert 60"})},
		{"a reload that the weight hides says nothing", nil, asMaster(
			step{4, tracked(-200), "priority 100 to 1"}, step{4.1, reload(func(s *Settings) { s.Priority = 110 }), ""})},
	} {
		t.Run(test.name, func(t *testing.T) { run(t, testSettings(test.change), test.steps) })
	}
}

func TestPriorityChangesGiveTheReason(t *testing.T) {
	m := NewMachine(testSettings(nil), epoch)
	change, ok := m.Handle(epoch, tracked(-10))[0].(PriorityChange)
	if want := (PriorityChange{From: 100, To: 90, Reason: "script check_web failed"}); !ok || change != want {
		t.Errorf("%+v, want %+v", change, want)
	}
}
