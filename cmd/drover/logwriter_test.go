package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stalled is a reader that reads nothing until it is let go.
type stalled struct {
	bytes.Buffer
	letGo chan struct{}
}

func newStalled() *stalled { return &stalled{letGo: make(chan struct{})} }

func (s *stalled) Write(line []byte) (int, error) {
	<-s.letGo
	return s.Buffer.Write(line)
}

// lines are what was written, but for the time in front.
func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// logLines writes numbered lines. Nobody else runs in a bubble's fake time, so waiting would be seen as time passing.
func logLines(t *testing.T, w *logWriter, from, to int) {
	t.Helper()
	begun := time.Now()
	for n := from; n < to; n++ {
		line := fmt.Appendf(nil, "line %d\n", n)
		if written, err := w.Write(line); written != len(line) || err != nil {
			t.Fatalf("line %d: %d, %v, want %d and no error", n, written, err, len(line))
		}
		clear(line) // it is the caller's again
	}
	if waited := time.Since(begun); waited != 0 {
		t.Errorf("logging waited for %s", waited)
	}
}

func TestLinesAreWrittenInOrder(t *testing.T) {
	var out bytes.Buffer
	w := newLogWriter(&out)
	var want strings.Builder
	for n := range queuedLines {
		line := fmt.Sprintf("line %d\n", n)
		want.WriteString(line)
		if _, err := w.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out.String() != want.String() {
		t.Errorf("%d bytes were written, want %d in order", out.Len(), want.Len())
	}
}

func TestAStalledReaderHoldsNobodyUpAndIsToldWhatItMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const excess = 7
		out := newStalled()
		w := newLogWriter(out)
		logLines(t, w, 0, 1)
		synctest.Wait() // until it hangs in writing the first
		logLines(t, w, 1, 1+queuedLines+excess)
		close(out.letGo)
		synctest.Wait()
		logLines(t, w, 9999, 10000)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}

		got := lines(out.String())
		if len(got) != 1+1+queuedLines+1 {
			t.Fatalf("%d lines, want the first, that some were dropped, %d that waited, and the last", len(got), queuedLines)
		}
		if got[0] != "line 0" || got[2] != "line 1" || got[len(got)-2] != fmt.Sprint("line ", queuedLines) ||
			got[len(got)-1] != "line 9999" {
			t.Errorf("lines %q, %q ... %q, %q are not in order", got[0], got[2], got[len(got)-2], got[len(got)-1])
		}
		const want = `level=WARN msg="log lines were dropped: the reader is too slow" lines=7`
		if !strings.HasPrefix(got[1], "time=") || !strings.HasSuffix(got[1], want) {
			t.Errorf("told %q, want %s", got[1], want)
		}
		if strings.Count(out.String(), "were dropped") != 1 {
			t.Error("the same loss is told twice")
		}
	})
}

func TestCloseWaitsForAStalledReaderOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newStalled()
		w := newLogWriter(out)
		logLines(t, w, 0, 2)
		begun := time.Now()
		err := w.Close()
		if want := "write the log: the reader has not read for 1s"; err == nil || err.Error() != want {
			t.Errorf("Close: %v, want %s", err, want)
		}
		if took := time.Since(begun); took != flushTime {
			t.Errorf("Close took %s, want %s", took, flushTime)
		}
		close(out.letGo) // so that the writer's goroutine ends with the test
	})
}

// failing fails its second and its third write.
type failing struct {
	bytes.Buffer
	writes int
}

func (f *failing) Write(line []byte) (int, error) {
	f.writes++
	if f.writes == 2 || f.writes == 3 {
		return 0, fmt.Errorf("write %d: %w", f.writes, errFull)
	}
	return f.Buffer.Write(line)
}

var errFull = errors.New("no space left")

func TestTheFirstErrorIsReturnedAndTheOtherLinesAreWritten(t *testing.T) {
	out := new(failing)
	w := newLogWriter(out)
	for _, line := range []string{"one\n", "two\n", "three\n", "four\n"} {
		if _, err := w.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // closing again changes nothing
		if err := w.Close(); !errors.Is(err, errFull) || err.Error() != "write 2: no space left" {
			t.Errorf("Close: %v, want that of write 2", err)
		}
	}
	if got, want := out.String(), "one\nfour\n"; got != want {
		t.Errorf("written %q, want %q", got, want)
	}
}

func TestALineAfterCloseIsLostWithoutHarm(t *testing.T) {
	var out bytes.Buffer
	w := newLogWriter(&out)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for range queuedLines + 1 { // goroutines that end late still log
		if _, err := w.Write([]byte("late\n")); err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() != 0 {
		t.Errorf("written %q", out.String())
	}
}
