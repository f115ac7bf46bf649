package notify

import (
	"slices"
	"strconv"
)

// Script is a program to run.
type Script struct {
	// Command is the program and its arguments; no shell sees them. Empty runs nothing.
	Command []string
	// User and Group are names to run as. Empty means what the runner's default is.
	User, Group string
}

// Scripts are what one subject's events run. A nil one is not configured.
type Scripts struct {
	Master, Backup, Fault, Stop *Script // notify_master, notify_backup, notify_fault, notify_stop
	Deleted                     *Script // notify_deleted
	LowerPriority               *Script // notify_master_rx_lower_pri
	Up, Down                    *Script // notify_up, notify_down; quorum_up, quorum_down
	// Any runs after each of them but LowerPriority with four more arguments: INSTANCE or GROUP, name, state, priority.
	Any *Script // notify
	// PriorityChanges lets FIFOs hear of changed priorities: notify_priority_changes.
	PriorityChanges bool
}

// told says whether FIFOs hear of e.
func (s Scripts) told(e Event) bool {
	return s.PriorityChanges || e.State != MasterPriority && e.State != BackupPriority
}

// commands are the scripts to run for e, in order, with all arguments.
func (s Scripts) commands(e Event) []Script {
	var commands []Script
	if own := s.own(e.State); own.runs() {
		commands = append(commands, *own)
	}
	switch e.State {
	case Master, Backup, Fault, Stop, Deleted:
		if s.Any.runs() {
			commands = append(commands, s.Any.with(e))
		}
	}
	return commands
}

// own is the script of just this state, or nil.
func (s Scripts) own(state State) *Script {
	switch state {
	case Master:
		return s.Master
	case Backup:
		return s.Backup
	case Fault:
		return s.Fault
	case Stop:
		return s.Stop
	case Deleted:
		return s.Deleted
	case LowerPriority:
		return s.LowerPriority
	case Up:
		return s.Up
	case Down:
		return s.Down
	default:
		return nil
	}
}

// runs says whether there is something to run.
func (s *Script) runs() bool { return s != nil && len(s.Command) > 0 }

// with is the script with the arguments that keepalived gives to notify.
func (s Script) with(e Event) Script {
	priority := strconv.Itoa(int(e.priority()))
	s.Command = append(slices.Clip(s.Command), string(e.Subject.Kind), e.Subject.Name, string(e.State), priority)
	return s
}
