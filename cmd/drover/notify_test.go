package main

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// notifying are an instance and a group that tell every change of state in every way.
func notifying() agreement {
	const interval = 300 * time.Millisecond // a backup has told all before it is master
	notify := func(subject string) string {
		var b strings.Builder
		for _, state := range []string{"master", "backup", "fault", "stop"} {
			fmt.Fprintf(&b, "  notify_%s \"/bin/sh /etc/note.sh %s %s\"\n", state, subject, state)
		}
		return b.String() + "  notify \"/bin/sh /etc/note.sh any\"\n"
	}
	return agreement{
		version: 3, interval: interval, vips: prefixes("192.168.100.221/24"), more: []string{notify("instance"), "track_interface {\n    side\n  }"},
		beside: secondInstance(200, interval) + "vrrp_sync_group BOTH {\n  group {\n    SERVICE\n    OTHER\n  }\n" + notify("group") + "}\n" +
			"global_defs {\n  script_user root\n  vrrp_notify_fifo /run/events\n}\n",
	}
}

// In keepalived's place, with its file, Drover tells scripts and the FIFO what keepalived tells, in the same order.
func TestDroverNotifiesAsKeepalivedDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		inFault bool
	}{{"and stops as MASTER", false}, {"and stops in FAULT", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, notifying(), speakKeepalived, speakDrover)
			p.run(p.high.Host, "ip link add side type veth peer name beyond", "ip link set beyond up", "ip link set side up")
			p.must(p.high.WriteFile("/etc/note.sh", "echo \"$@\" >> /run/notes\n"))
			want, got := p.toldBy(speakKeepalived, c.inFault), p.toldBy(speakDrover, c.inFault)
			if len(want) != 7 {
				t.Errorf("keepalived tells %d kinds of things: %v", len(want), want)
			}
			for subject := range want {
				if !slices.Equal(got[subject], want[subject]) {
					t.Errorf("about %s drover tells\n%s\nand keepalived\n%s", subject,
						strings.Join(got[subject], "\n"), strings.Join(want[subject], "\n"))
				}
			}
		})
	}
}

// toldBy runs a program through all states and returns what it told, by whom it told it and about what.
func (p *pair) toldBy(speak speaker, stopsInFault bool) map[string][]string {
	p.t.Helper()
	p.high.speak = speak
	p.run(p.high.Host, "rm -f /run/notes", "mkfifo /run/events")
	reader, events := p.high.Command(p.t.Context(), "cat", "/run/events"), new(logText)
	reader.Stdout = events
	p.must(reader.Start())
	p.start(p.high)
	p.untilTold("MASTER", 1)
	p.must(p.high.Pull())
	p.untilTold("FAULT", 1)
	p.must(p.high.Plug())
	p.untilTold("MASTER", 2)
	if stopsInFault {
		p.run(p.high.Host, "ip link set side down") // which only one of the group tracks
		p.untilTold("FAULT", 2)
	}
	p.high.end(syscall.SIGTERM)
	p.must(reader.Wait()) // who wrote is gone
	p.run(p.high.Host, "rm -f /run/events", "ip link set side up")
	told := make(map[string][]string)
	for line := range strings.Lines(p.notes() + events.String()) {
		words := strings.Fields(line)
		about := strings.Join(words[:len(words)-1], " ") // master, backup, fault or stop
		if len(words) > 2 {
			about = strings.Join(words[:len(words)-2], " ") // MASTER 200
		}
		told[about] = append(told[about], line)
	}
	return told
}

// notes is what the scripts wrote down.
func (p *pair) notes() string {
	p.t.Helper()
	text, err := p.high.Command(p.t.Context(), "cat", "/run/notes").Output()
	p.must(err)
	return string(text)
}

// untilTold waits until the scripts of the instance and of the group were told of a state so many times. keepalived runs
// the scripts of one state while those of another still run: only those that were waited for have an order.
func (p *pair) untilTold(state string, times int) {
	p.t.Helper()
	lines := []string{
		"any INSTANCE SERVICE " + state, "any GROUP BOTH " + state,
		"instance " + strings.ToLower(state), "group " + strings.ToLower(state),
	}
	p.until("scripts are told "+state, func() (bool, error) {
		text, err := p.high.Command(p.t.Context(), "cat", "/run/notes").Output()
		missing := slices.ContainsFunc(lines, func(line string) bool { return strings.Count(string(text), line) < times })
		return err == nil && !missing, nil
	})
}

// What keepalived tells of the priority Drover tells, too, in the same order: as MASTER and in every other state.
func TestDroverTellsOfThePriorityAsKeepalivedDoes(t *testing.T) {
	t.Parallel()
	p := newPair(t, agreement{
		version: 3, interval: 500 * time.Millisecond, vips: prefixes("192.168.100.221/24"),
		more:   []string{"notify_priority_changes", "track_interface {\n    light weight -5\n    heavy\n  }"},
		beside: "global_defs {\n  vrrp_notify_fifo /run/events\n}\n",
	}, speakKeepalived, speakDrover)
	for _, side := range []string{"light", "heavy"} {
		p.run(p.high.Host, "ip link add "+side+" type veth peer name beyond"+side, "ip link set beyond"+side+" up")
	}
	want, got := p.prioritiesToldBy(speakKeepalived), p.prioritiesToldBy(speakDrover)
	if got != want {
		t.Errorf("drover tells\n%sand keepalived\n%s", got, want)
	}
}

// prioritiesToldBy changes the priority of a program in each state, and returns what its FIFO got.
func (p *pair) prioritiesToldBy(speak speaker) string {
	p.t.Helper()
	p.high.speak = speak
	p.run(p.high.Host, "ip link set light up", "ip link set heavy up", "mkfifo /run/events")
	reader, events := p.high.Command(p.t.Context(), "cat", "/run/events"), new(logText)
	reader.Stdout = events
	p.must(reader.Start())
	p.start(p.high)
	seen := 0 // how much of what was told comes before the last step
	for _, step := range []struct{ told, then string }{
		{"MASTER 200", "ip link set light down"},
		{"MASTER_PRIORITY 195", "ip link set heavy down"},
		{"FAULT 195", "ip link set light up"},
		{"BACKUP_PRIORITY 200", "ip link set heavy up"},
		{"BACKUP 200", "ip link set light down"},
		{"BACKUP_PRIORITY 195", "true"},
		{"MASTER 195", "true"},
	} {
		p.until(step.told+" is told", func() (bool, error) {
			before, _, told := strings.Cut(events.String()[seen:], " "+step.told+"\n")
			if told {
				seen += len(before)
			}
			return told, nil
		})
		p.run(p.high.Host, step.then)
	}
	p.high.end(syscall.SIGTERM)
	p.must(reader.Wait()) // who wrote is gone
	p.run(p.high.Host, "rm -f /run/events")
	return events.String()
}
