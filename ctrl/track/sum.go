package track

import "fmt"

// Kind says what is tracked.
type Kind uint8

// The kinds of trackers. Interfaces are watched elsewhere; their results count in [Sum] like the others.
const (
	Interface Kind = iota
	Script
	File
	Process
)

// String returns keepalived's keyword.
func (k Kind) String() string {
	switch k {
	case Interface:
		return "track_interface"
	case Script:
		return "track_script"
	case File:
		return "track_file"
	case Process:
		return "track_process"
	default:
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
}

// State is how a tracker stands.
type State uint8

// Unknown is a tracker that has not answered yet. A file is Up once it has been read: its Value is what counts.
const (
	Unknown State = iota
	Down
	Up
)

// String returns the state in lower case.
func (s State) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Down:
		return "down"
	case Up:
		return "up"
	default:
		return fmt.Sprintf("State(%d)", uint8(s))
	}
}

// Result is what is known of one tracker.
type Result struct {
	Kind  Kind
	Name  string
	State State
	// Value is the number in a file, within 32 bits, or how many processes match. It is 0 for the other kinds.
	Value int
	// Reason says why the tracker is Down, empty while it is not.
	Reason string
}

// Entry is one line of an instance's or sync group's track_interface, track_script, track_file or track_process block.
type Entry struct {
	Result
	// Weight is the line's weight, or the tracker's own where the line has none. 0 makes the tracker a condition: the
	// instance is in FAULT while it is not met. Of a file the weight is the factor of its value.
	Weight int
	// Reverse turns the weight's sign around, and with weight 0 the condition.
	Reverse bool
}

// faultBelow and mostWeight are keepalived's limits for what one file may say: less is a fault, more counts as the most.
const (
	faultBelow = -253
	mostWeight = 253
)

// Sum says what all that an instance tracks means for it: the sum of the weights, to be added to its priority (which
// stays within 1 to 254), and why it is in FAULT, or "". The first of several faults is named.
//
// As with keepalived, a positive weight counts while its tracker is up, a negative one while it is down, and one that
// has not answered does not count. A condition (weight 0) that has not answered is a fault, see [Pending].
func Sum(tracked []Entry) (weight int, fault string) {
	for _, e := range tracked {
		w, f := e.contribution()
		weight += w
		if fault == "" {
			fault = f
		}
	}
	return weight, fault
}

// Pending returns the first condition that has not answered yet, or "". keepalived does not start an instance before all
// have; nor does it notify of a FAULT meanwhile.
func Pending(tracked []Entry) string {
	for _, e := range tracked {
		if e.Weight == 0 && e.State == Unknown {
			return e.label()
		}
	}
	return ""
}

func (e Entry) label() string { return fmt.Sprintf("%s %s", e.Kind, e.Name) }

// contribution is what one entry adds to the priority, or why it is a fault.
func (e Entry) contribution() (weight int, fault string) {
	switch {
	case e.Weight == 0:
		return 0, e.unmet()
	case e.State == Unknown:
		return 0, ""
	case e.Kind == File:
		return e.scaled()
	case (e.Weight > 0) != (e.State == Up):
		return 0, ""
	case e.Reverse:
		return -e.Weight, ""
	default:
		return e.Weight, ""
	}
}

// scaled is the number in a file times its weight.
func (e Entry) scaled() (weight int, fault string) {
	product := int64(e.Value) * int64(e.Weight) // both are within 32 bits
	if e.Reverse {
		product = -product
	}
	if product < faultBelow {
		return 0, fmt.Sprintf("%s is %d, times weight %d below %d", e.label(), e.Value, e.Weight, faultBelow)
	}
	return int(min(product, mostWeight)), ""
}

// unmet says why a condition is not met, or "".
func (e Entry) unmet() string {
	met := e.State == Up && (e.Kind != File || e.Value == 0)
	switch {
	case e.State == Unknown:
		return e.label() + " has not answered yet"
	case met != e.Reverse:
		return ""
	case e.Kind == File:
		return fmt.Sprintf("%s is %d", e.label(), e.Value)
	case e.Reason != "":
		return fmt.Sprintf("%s is %s: %s", e.label(), e.State, e.Reason)
	default:
		return fmt.Sprintf("%s is %s", e.label(), e.State)
	}
}
