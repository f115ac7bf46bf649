package notify

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatAnEventRunsAndWrites(t *testing.T) {
	script := func(words ...string) *Script { return &Script{Command: words} }
	all := Scripts{
		Master: script("master", "x"), Backup: script("backup"), Fault: script("fault"), Stop: script("stop"),
		Deleted: script("deleted"), LowerPriority: script("lower"), Any: script("any", "y"),
		Up: script("up", "z"), Down: script("down"),
	}
	vi, vg := Subject{Instance, "VI_1"}, Subject{Group, "VG 1"}
	rs := Subject{RealServer, "[192.0.2.150]:tcp:80 [192.0.2.221]:tcp:80"}
	for name, test := range map[string]struct {
		event   Event
		scripts Scripts
		run     []string
		line    string
	}{
		"master": {
			Event{vi, Master, 100}, all, []string{"master x", "any y INSTANCE VI_1 MASTER 100"}, "INSTANCE \"VI_1\" MASTER 100\n",
		},
		"backup": {
			Event{vi, Backup, 99}, all, []string{"backup", "any y INSTANCE VI_1 BACKUP 99"}, "INSTANCE \"VI_1\" BACKUP 99\n",
		},
		"fault": {
			Event{vi, Fault, 254}, all, []string{"fault", "any y INSTANCE VI_1 FAULT 254"}, "INSTANCE \"VI_1\" FAULT 254\n",
		},
		"stop": {
			Event{vi, Stop, 100}, all, []string{"stop", "any y INSTANCE VI_1 STOP 100"}, "INSTANCE \"VI_1\" STOP 100\n",
		},
		"deleted": {
			Event{vi, Deleted, 100}, all, []string{"deleted", "any y INSTANCE VI_1 DELETED 100"}, "INSTANCE \"VI_1\" DELETED 100\n",
		},
		"notify_deleted without a script": {
			Event{vi, Deleted, 100}, Scripts{Deleted: script()}, nil, "INSTANCE \"VI_1\" DELETED 100\n",
		},
		"a group has no priority": {
			Event{vg, Master, 100}, all, []string{"master x", "any y GROUP VG 1 MASTER 0"}, "GROUP \"VG 1\" MASTER 0\n",
		},
		"a lower priority heard runs its own script only": {
			Event{vi, LowerPriority, 100}, all, []string{"lower"}, "INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 100\n",
		},
		"a priority is for FIFOs, if they are to hear of it": {
			Event{vi, MasterPriority, 90}, Scripts{Any: script("any"), PriorityChanges: true}, nil,
			"INSTANCE \"VI_1\" MASTER_PRIORITY 90\n",
		},
		"a priority is for nobody else": {Event{vi, BackupPriority, 90}, all, nil, ""},
		"a real server up":              {Event{Subject: rs, State: Up}, all, []string{"up z"}, "RS [192.0.2.150]:tcp:80 [192.0.2.221]:tcp:80 UP\n"},
		"a real server down":            {Event{Subject: rs, State: Down}, all, []string{"down"}, "RS [192.0.2.150]:tcp:80 [192.0.2.221]:tcp:80 DOWN\n"},
		"a quorum lost": {
			Event{Subject: Subject{VirtualServer, "[2001:db8::1]:udp:53"}, State: Down}, all, []string{"down"}, "VS [2001:db8::1]:udp:53 DOWN\n",
		},
		"nothing is configured": {Event{vi, Backup, 1}, Scripts{}, nil, "INSTANCE \"VI_1\" BACKUP 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var run []string
			for _, s := range test.scripts.commands(test.event) {
				run = append(run, strings.Join(s.Command, " "))
			}
			if !slices.Equal(run, test.run) {
				t.Errorf("runs %q, want %q", run, test.run)
			}
			line := ""
			if test.scripts.told(test.event) {
				line = test.event.line()
			}
			if line != test.line {
				t.Errorf("writes %q, want %q", line, test.line)
			}
		})
	}
}

func TestWhichFIFOHearsOfAnEvent(t *testing.T) {
	for kind, want := range map[Kind][]Audience{
		Instance: {HearsAll, HearsVRRP}, Group: {HearsAll, HearsVRRP},
		RealServer: {HearsAll, HearsServers}, VirtualServer: {HearsAll, HearsServers},
	} {
		for _, a := range []Audience{HearsAll, HearsVRRP, HearsServers} {
			if got := a.of(Event{Subject: Subject{Kind: kind}}); got != slices.Contains(want, a) {
				t.Errorf("audience %d hears of %s: %v", a, kind, got)
			}
		}
	}
}

func TestArgumentsAreNotSharedBetweenEvents(t *testing.T) {
	s := Script{Command: make([]string, 1, 9)}
	first := s.with(Event{Subject{Instance, "A"}, Master, 1})
	second := s.with(Event{Subject{Instance, "B"}, Backup, 2})
	if first.Command[2] != "A" || second.Command[2] != "B" {
		t.Errorf("arguments %q and %q", first.Command, second.Command)
	}
}

func TestABacklogKeepsTheLatest(t *testing.T) {
	var b backlog
	for i := range 2 * mostWaiting {
		passed := b.put(entry{Event{Priority: uint8(i)}, make([]Script, 2)})
		if (passed != nil) != (i >= mostWaiting) {
			t.Fatalf("event %d passes %v over", i, passed)
		}
		if passed != nil && int(passed.event.Priority) != i-mostWaiting {
			t.Fatalf("event %d passes %d over, want the oldest", i, passed.event.Priority)
		}
	}
	for i := range 2 * mostWaiting {
		e, _, found := b.next()
		if want := mostWaiting + i/2; !found || int(e.Priority) != want {
			t.Fatalf("script %d is for event %d, want %d", i, e.Priority, want)
		}
	}
	if _, _, found := b.next(); found || !b.empty() {
		t.Error("more than was put")
	}
}
