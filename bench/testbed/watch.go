package testbed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// A Watch keeps the frames that pass its filter, in order.
type Watch struct {
	tap  *Tap
	once sync.Once     // for Close
	done chan struct{} // closed when nothing more will come

	mu     sync.Mutex
	frames []Frame
	cursor int           // Next's place in frames
	err    error         // why the watch ended, nil while it runs
	news   chan struct{} // closed, and replaced, when something above changes
}

// Watch starts to watch the frames that enter the switch. A nil filter keeps all. Frames that enter after Watch
// returned are seen for certain. Close, or the lab's end, ends it.
func (l *Lab) Watch(filter func(Frame) bool) (*Watch, error) {
	tap, err := newTap(l.sw)
	if err != nil {
		return nil, err
	}
	w := &Watch{tap: tap, done: make(chan struct{}), news: make(chan struct{})}
	l.closeLater(w)
	go w.run(filter)
	return w, nil
}

func (w *Watch) run(filter func(Frame) bool) {
	defer close(w.done)
	for {
		frame, err := w.tap.Next()
		if err == nil && filter != nil && !filter(frame) {
			continue
		}
		w.mu.Lock()
		if err != nil {
			w.err = err
		} else {
			w.frames = append(w.frames, frame)
		}
		close(w.news)
		w.news = make(chan struct{})
		w.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Next waits for the next frame: the first call for the first frame of the watch, each further call for the one after.
func (w *Watch) Next(ctx context.Context) (Frame, error) {
	for {
		frame, ok, news, err := w.step()
		if ok {
			return frame, nil
		}
		if err != nil {
			return Frame{}, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return Frame{}, fmt.Errorf("wait for a frame: %w", ctx.Err())
		}
	}
}

// step takes the next frame if there is one. If not, news is closed when it is worth to look again.
func (w *Watch) step() (frame Frame, ok bool, news <-chan struct{}, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cursor < len(w.frames) {
		w.cursor++
		return w.frames[w.cursor-1], true, nil, nil
	}
	return Frame{}, false, w.news, w.err
}

// Find waits for the next frame that matches, skipping others.
func (w *Watch) Find(ctx context.Context, match func(Frame) bool) (Frame, error) {
	for {
		frame, err := w.Next(ctx)
		if err != nil || match(frame) {
			return frame, err
		}
	}
}

// Seen returns all frames so far. It does not move Next.
func (w *Watch) Seen() []Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.frames)
}

// Skip makes Next continue after the frames seen so far.
func (w *Watch) Skip() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cursor = len(w.frames)
}

// Close ends the watch. What entered the switch before stays readable. The error tells of frames that were missed.
// Only the first call does something.
func (w *Watch) Close() (err error) {
	w.once.Do(func() {
		if err = w.tap.finish(); err == nil {
			<-w.done
		}
		err = errors.Join(err, w.tap.checkMissed(), w.tap.Close())
	})
	return err
}
