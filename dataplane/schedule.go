package dataplane

import (
	"errors"

	"drover/bpf"
)

// ErrSchedulesFull says that the schedules of all services together are longer than the table.
var ErrSchedulesFull = errors.New("the schedule table is full")

const (
	scheduleLines = uint32(bpf.DroverLimitsSCHEDULE_LINES)
	realsPerLine  = uint32(bpf.DroverLimitsREALS_PER_LINE)
)

// piece is a stretch of the schedule table.
type piece struct{ line, slots uint32 }

func linesFor(slots uint32) uint32 { return (slots + realsPerLine - 1) / realsPerLine }

// lines keeps account of the schedule table: which of its lines a schedule that is in force lies on.
type lines [scheduleLines]bool

// take reserves the first stretch that is long enough.
func (l *lines) take(slots uint32) (piece, error) {
	need, run := linesFor(slots), uint32(0)
	if need == 0 {
		return piece{}, nil
	}
	for at := range scheduleLines {
		if l[at] {
			run = 0
			continue
		}
		if run++; run == need {
			p := piece{line: at + 1 - need, slots: slots}
			l.mark(p, true)
			return p, nil
		}
	}
	return piece{}, ErrSchedulesFull
}

func (l *lines) give(p piece) { l.mark(p, false) }

func (l *lines) mark(p piece, taken bool) {
	for at := p.line; at < p.line+linesFor(p.slots) && at < scheduleLines; at++ {
		l[at] = taken
	}
}

// cut lays a schedule out in lines.
func cut(schedule []RealID) []bpf.DroverScheduleLine {
	out := make([]bpf.DroverScheduleLine, linesFor(uint32(len(schedule))))
	for i, id := range schedule {
		out[uint32(i)/realsPerLine].Real[uint32(i)%realsPerLine] = uint16(id)
	}
	return out
}
