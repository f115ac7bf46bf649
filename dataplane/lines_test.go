package dataplane

import (
	"errors"
	"slices"
	"testing"
)

func TestSchedulesAreLaidOutInLines(t *testing.T) {
	for _, slots := range []int{0, 1, 15, 16, 17, 32, 33, MaxSchedule} {
		schedule := make([]RealID, slots)
		for n := range schedule {
			schedule[n] = RealID(n + 1)
		}
		var got []RealID
		for n := range linesFor(uint32(slots)) {
			for _, id := range encodeLine(lineOf(schedule, n)).Real {
				got = append(got, RealID(id))
			}
		}
		if len(got) != int(linesFor(uint32(slots)))*int(realsPerLine) || !slices.Equal(got[:slots], schedule) {
			t.Errorf("%d turns come out as %v", slots, got)
		}
		if rest := got[slots:]; slices.ContainsFunc(rest, func(id RealID) bool { return id != 0 }) {
			t.Errorf("after %d turns come %v, want none", slots, rest)
		}
	}
}

func TestSchedulesAreTheSameIfEveryEntryIs(t *testing.T) {
	for _, slots := range []int{0, 1, 15, 16, 17, 31, 32, 33} {
		schedule := slices.Repeat([]RealID{7}, slots)
		if !sameSchedule(schedule, slices.Clone(schedule)) {
			t.Errorf("a schedule of %d entries is not the same as itself", slots)
		}
		if sameSchedule(schedule, append(slices.Clone(schedule), 7)) || sameSchedule(append(slices.Clone(schedule), 7), schedule) {
			t.Errorf("a schedule of %d entries is the same as one with an entry more", slots)
		}
		for n := range schedule {
			other := slices.Clone(schedule)
			other[n]++
			if sameSchedule(schedule, other) {
				t.Errorf("schedules of %d entries that differ in number %d are the same", slots, n)
			}
		}
	}
}

// tableLines is how many lines the tests' schedule tables have.
const tableLines uint32 = 2048

func TestLinesAreGivenOutOnce(t *testing.T) {
	var (
		l     = newLines(tableLines)
		owner [tableLines]int
	)
	for n := 1; n <= 200; n++ {
		p, err := l.take(uint32(n))
		if err != nil {
			t.Fatal(err)
		}
		for at := p.line; at < p.line+linesFor(p.slots); at++ {
			if owner[at] != 0 {
				t.Fatalf("line %d is given to schedule %d and to schedule %d", at, owner[at], n)
			}
			owner[at] = n
		}
	}
}

// TestLinesAfterSomeAreGivenBack takes four schedules of two lines each, gives some back, and takes another.
func TestLinesAfterSomeAreGivenBack(t *testing.T) {
	const twoLines = 2 * realsPerLine
	for _, c := range []struct {
		name string
		back []int
		take uint32 // slots
		want uint32 // line
	}{
		{"nothing given back: the end is used", nil, 1, 8},
		{"a hole of the same length is used", []int{1}, twoLines, 2},
		{"a hole that is longer is used from its start", []int{1}, realsPerLine, 2},
		{"a hole that is a slot too short is not", []int{1}, twoLines + 1, 8},
		{"two holes apart are not one", []int{0, 2}, 2 * twoLines, 8},
		{"two holes side by side are one", []int{1, 2}, 2 * twoLines, 2},
		{"the first hole is used first", []int{0, 2}, 1, 0},
		{"a hole at the end runs on", []int{3}, 5 * realsPerLine, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			var (
				l     = newLines(tableLines)
				taken [4]piece
			)
			for n := range taken {
				var err error
				if taken[n], err = l.take(twoLines); err != nil {
					t.Fatal(err)
				}
			}
			for _, n := range c.back {
				l.give(taken[n])
			}
			l.next = 0 // as after a whole round
			got, err := l.take(c.take)
			if want := (piece{c.want, c.take}); err != nil || got != want {
				t.Errorf("took %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func TestAScheduleThatWasJustReplacedIsNotOverwrittenBeforeTheTableIsThrough(t *testing.T) {
	l := newLines(tableLines)
	last := piece{line: tableLines}
	for n := range tableLines {
		p, err := l.take(realsPerLine)
		if err != nil {
			t.Fatal(err)
		}
		if p.line != n {
			t.Fatalf("take %d got line %d", n, p.line)
		}
		l.give(p)
		last = p
	}
	if p, err := l.take(2 * realsPerLine); err != nil || p.line != 0 {
		t.Errorf("after line %d comes %+v, %v, want line 0", last.line, p, err)
	}
}

func TestAnEmptyScheduleTakesNoLine(t *testing.T) {
	l := newLines(tableLines)
	got, err := l.take(0)
	if err != nil || got != (piece{}) || slices.Contains(l.taken, true) || l.next != 0 {
		t.Errorf("took %+v, %v", got, err)
	}
	l.mark(piece{line: 0, slots: 1}, true) // another's
	if l.give(got); !l.taken[0] {
		t.Error("giving nothing back frees the first line")
	}
}

func TestTheScheduleTableGetsFull(t *testing.T) {
	const most = uint32(MaxSchedule)
	l := newLines(tableLines)
	pieces := make([]piece, tableLines*realsPerLine/most)
	for n := range pieces {
		var err error
		if pieces[n], err = l.take(most); err != nil {
			t.Fatalf("schedule %d of %d: %v", n+1, len(pieces), err)
		}
	}
	if _, err := l.take(1); !errors.Is(err, ErrSchedulesFull) {
		t.Errorf("a full table says %v, want ErrSchedulesFull", err)
	}
	l.give(pieces[len(pieces)-1])
	if _, err := l.take(most + 1); !errors.Is(err, ErrSchedulesFull) {
		t.Errorf("a table with too little room says %v, want ErrSchedulesFull", err)
	}
	if got, err := l.take(most); err != nil || got != pieces[len(pieces)-1] {
		t.Errorf("took %+v, %v, want %+v again", got, err, pieces[len(pieces)-1])
	}
}
