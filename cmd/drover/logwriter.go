package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// logWriter writes log lines on a goroutine of its own, so that nobody who logs waits for a full pipe or a stalled disk:
// VRRP would miss its timers. Lines that do not fit into the queue are counted and the count is logged.
type logWriter struct {
	out     io.Writer
	lines   chan []byte
	dropped atomic.Uint64
	ended   chan error
	once    sync.Once
}

// queuedLines is how many lines may wait.
const queuedLines = 4096

// flushTime bounds how long Close waits for a reader that does not read.
const flushTime = time.Second

func newLogWriter(out io.Writer) *logWriter {
	w := &logWriter{out: out, lines: make(chan []byte, queuedLines), ended: make(chan error, 1)}
	go w.write()
	return w
}

// Write takes one line. It never waits and never fails.
func (w *logWriter) Write(line []byte) (int, error) {
	select {
	case w.lines <- append([]byte(nil), line...):
	default:
		w.dropped.Add(1)
	}
	return len(line), nil
}

// Close writes what waits and returns the first error of any write. Nothing may be written after it.
func (w *logWriter) Close() error {
	w.once.Do(func() { close(w.lines) })
	select {
	case err := <-w.ended:
		return err
	case <-time.After(flushTime):
		return fmt.Errorf("write the log: the reader has not read for %s", flushTime)
	}
}

func (w *logWriter) write() {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	for line := range w.lines {
		if n := w.dropped.Swap(0); n > 0 {
			_, err := fmt.Fprintf(w.out, "time=%s level=WARN msg=\"log lines were dropped: the reader is too slow\" lines=%d\n",
				time.Now().Format(time.RFC3339Nano), n)
			keep(err)
		}
		_, err := w.out.Write(line)
		keep(err)
	}
	w.ended <- first
}
