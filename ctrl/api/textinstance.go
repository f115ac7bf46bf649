package api

import (
	"fmt"
	"strings"
	"time"
)

func (t *table) instances(instances []Instance, now time.Time) {
	if len(instances) == 0 {
		return
	}
	t.row("INSTANCE", "STATE", "FOR", "INTERFACE", "VRID", "PRIORITY", "ADDRESSES", "REASON")
	for _, i := range instances {
		t.row(i.Name, i.State, now.Sub(i.Since).Truncate(time.Second), i.Interface, i.VirtualRouterID, i.priority(),
			strings.Join(i.Addresses, " "), i.Reason)
	}
	for _, i := range instances {
		for _, line := range i.details() {
			t.row("  " + i.Name + ": " + line)
		}
	}
	t.row()
}

// priority is the effective one, followed by the configured one if that is another.
func (i Instance) priority() string {
	if i.Priority == i.BasePriority {
		return fmt.Sprint(i.Priority)
	}
	return fmt.Sprintf("%d (of %d)", i.Priority, i.BasePriority)
}

// details are what is to be said beside the table.
func (i Instance) details() []string {
	var lines []string
	for _, r := range i.Rivals {
		lines = append(lines, fmt.Sprintf("SPLIT BRAIN: %s is MASTER, too, with priority %d", r.Address, r.Priority))
	}
	for _, c := range i.Claims {
		lines = append(lines, fmt.Sprintf("%s is also at %s", c.Address, c.MAC))
	}
	if i.Master != "" {
		lines = append(lines, "the MASTER is "+i.Master)
	}
	if i.SyncGroup != "" {
		lines = append(lines, "in sync group "+i.SyncGroup)
	}
	if v := i.VirtualMAC; v != nil {
		lines = append(lines, fmt.Sprintf("virtual MAC %s on %s", v.MAC, v.Interface))
	}
	for _, tracked := range i.Tracked {
		if !tracked.isPlain() {
			lines = append(lines, tracked.String())
		}
	}
	if dropped := counts(i.Dropped); dropped != "" {
		lines = append(lines, "adverts not listened to: "+dropped)
	}
	if i.Lateness.WorstUS > latenessToTell {
		lines = append(lines, fmt.Sprintf("the latest advert or timer was %s late", time.Duration(i.Lateness.WorstUS)*time.Microsecond))
	}
	return lines
}

// latenessToTell is a lateness, in microseconds, that adverts every 10 ms would suffer from.
const latenessToTell = 10_000

// isPlain tells whether there is nothing to be said: an interface that just has to be up, as the instance's own, is.
func (t Tracked) isPlain() bool {
	return t.Kind == "track_interface" && t.State == "up" && t.Weight == 0 && !t.Reverse
}

// String says how it stands, as in "track_script web down, weight -20: exited with status 1".
func (t Tracked) String() string {
	text := t.Kind + " " + t.Name + " " + t.State
	if t.Value != 0 {
		text += fmt.Sprintf(", value %d", t.Value)
	}
	if t.Weight != 0 {
		text += fmt.Sprintf(", weight %d", t.Weight)
	}
	if t.Reverse {
		text += ", reverse"
	}
	if t.Reason != "" {
		text += ": " + t.Reason
	}
	return text
}
