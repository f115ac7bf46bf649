package dataplane

import (
	"errors"
	"slices"

	"drover/bpf"
)

// ErrSchedulesFull says that the schedules of all services together are longer than the table.
var ErrSchedulesFull = errors.New("the schedule table is full")

// EntriesPerLine is how many entries a line of the schedule table has. Every schedule takes whole lines.
const EntriesPerLine = int(bpf.DroverLimitsREALS_PER_LINE)

const realsPerLine = uint32(EntriesPerLine)

// piece is a stretch of the schedule table.
type piece struct{ line, slots uint32 }

func linesFor(slots uint32) uint32 { return (slots + realsPerLine - 1) / realsPerLine }

// lines keeps account of the schedule table.
type lines struct {
	taken []bool // a schedule that is in force lies there
	next  uint32 // where to look first
}

func newLines(n uint32) *lines { return &lines{taken: make([]bool, n)} }

func (l *lines) count() uint32 { return uint32(len(l.taken)) }

// take reserves the next stretch that is long enough. It goes round the table, so that a schedule which was just replaced
// is not overwritten while a packet may still be reading it.
func (l *lines) take(slots uint32) (piece, error) {
	need := linesFor(slots)
	if need == 0 {
		return piece{}, nil
	}
	line, found := l.find(need, l.next, l.count())
	if !found {
		line, found = l.find(need, 0, min(l.next+need, l.count()))
	}
	if !found {
		return piece{}, ErrSchedulesFull
	}
	p := piece{line: line, slots: slots}
	l.mark(p, true)
	l.next = line + need
	return p, nil
}

// find returns the first stretch of free lines in [from, to).
func (l *lines) find(need, from, to uint32) (line uint32, found bool) {
	run := uint32(0)
	for at := from; at < to; at++ {
		if l.taken[at] {
			run = 0
			continue
		}
		if run++; run == need {
			return at + 1 - need, true
		}
	}
	return 0, false
}

func (l *lines) give(p piece) { l.mark(p, false) }

func (l *lines) mark(p piece, taken bool) {
	for at := p.line; at < p.line+linesFor(p.slots) && at < l.count(); at++ {
		l.taken[at] = taken
	}
}

// lineOf is what a line of a schedule has; the last one may have less than others.
func lineOf(schedule []RealID, line uint32) []RealID {
	begin := line * realsPerLine
	return schedule[begin:min(begin+realsPerLine, uint32(len(schedule)))]
}

func encodeLine(line []RealID) (raw bpf.DroverScheduleLine) {
	for i, id := range line {
		raw.Real[i] = uint32(id)
	}
	return raw
}

// sameLine compares whole lines at once, not entry by entry: hash tables are long, and little of them changes.
func sameLine(a, b []RealID) bool {
	if len(a) == EntriesPerLine && len(b) == EntriesPerLine {
		return [EntriesPerLine]RealID(a) == [EntriesPerLine]RealID(b)
	}
	return slices.Equal(a, b)
}

func sameSchedule(a, b []RealID) bool {
	if len(a) != len(b) {
		return false
	}
	for n := range linesFor(uint32(len(a))) {
		if !sameLine(lineOf(a, n), lineOf(b, n)) {
			return false
		}
	}
	return true
}
