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
	close   sync.Once
	closing chan struct{} // closed by Close
	ended   chan struct{} // closed when all is written
	err     error         // the first of any write; to be read once ended is closed
}

// queuedLines is how many lines may wait.
const queuedLines = 4096

// flushTime bounds how long Close waits for a reader that does not read.
const flushTime = time.Second

func newLogWriter(out io.Writer) *logWriter {
	w := &logWriter{
		out: out, lines: make(chan []byte, queuedLines), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	go w.run()
	return w
}

// Write takes one line. It never waits and never fails. What comes after Close may be lost.
func (w *logWriter) Write(line []byte) (int, error) {
	select {
	case w.lines <- append([]byte(nil), line...):
	default:
		w.dropped.Add(1)
	}
	return len(line), nil
}

// Close writes what waits and returns the first error of any write.
func (w *logWriter) Close() error {
	w.close.Do(func() { close(w.closing) })
	select {
	case <-w.ended:
		return w.err
	case <-time.After(flushTime):
		return fmt.Errorf("write the log: the reader has not read for %s", flushTime)
	}
}

// run writes until Close, then what waits, then ends.
func (w *logWriter) run() {
	defer close(w.ended)
	for {
		select {
		case line := <-w.lines:
			w.write(line)
		case <-w.closing:
			for len(w.lines) > 0 {
				w.write(<-w.lines)
			}
			w.tellDropped()
			return
		}
	}
}

func (w *logWriter) write(line []byte) {
	w.tellDropped()
	_, err := w.out.Write(line)
	w.keep(err)
}

func (w *logWriter) tellDropped() {
	n := w.dropped.Swap(0)
	if n == 0 {
		return
	}
	_, err := fmt.Fprintf(w.out, "time=%s level=WARN msg=\"log lines were dropped: the reader is too slow\" lines=%d\n",
		time.Now().Format(time.RFC3339Nano), n)
	w.keep(err)
}

func (w *logWriter) keep(err error) {
	if w.err == nil {
		w.err = err
	}
}
