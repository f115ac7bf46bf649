package notify

import "slices"

// mostWaiting is how many events of one subject may wait for its scripts. More than a few mean that it changes its state
// faster than its scripts can follow.
const mostWaiting = 16

// entry is an event whose scripts wait.
type entry struct {
	event    Event
	commands []Script
}

// backlog is what the scripts of one subject have yet to be told, in order.
type backlog struct {
	entries []entry
	begun   bool // the first entry is what is left of the event that was last taken from
}

// put appends an entry. If too many wait, the oldest is given up and returned: the latest say what counts.
func (b *backlog) put(e entry) (passed *entry) {
	b.entries = append(b.entries, e)
	if len(b.entries) <= mostWaiting {
		return nil
	}
	first := b.entries[0]
	b.drop()
	return &first
}

// next takes the next script to run, and the event that it is for.
func (b *backlog) next() (e Event, s Script, found bool) {
	if b.empty() {
		return Event{}, Script{}, false
	}
	first := &b.entries[0]
	e, s = first.event, first.commands[0]
	first.commands = first.commands[1:]
	b.begun = true
	if len(first.commands) == 0 {
		b.drop()
	}
	return e, s, true
}

// drop removes the first entry.
func (b *backlog) drop() {
	b.entries = slices.Delete(b.entries, 0, 1)
	b.begun = false
}

// newer says whether an event waits that is newer than the one that was last taken from.
func (b *backlog) newer() bool { return len(b.entries) > 1 || len(b.entries) == 1 && !b.begun }

func (b *backlog) empty() bool { return len(b.entries) == 0 }
