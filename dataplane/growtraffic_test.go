package dataplane

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
)

// wire runs frames by the program that is in force, as a link does: once it is replaced, no frame is with the old one.
type wire struct {
	sync.RWMutex
	program *ebpf.Program
}

func (w *wire) replace(by *ebpf.Program) {
	w.Lock()
	defer w.Unlock()
	w.program = by
}

// send tells which real server a frame goes to.
func (w *wire) send(frame []byte) (RealID, error) {
	w.RLock()
	defer w.RUnlock()
	action, out, err := runFrame(w.program, frame)
	if err == nil && action != xdpTX {
		err = errors.New(actionName(action))
	}
	if err != nil {
		return 0, err
	}
	return RealID(out[4])<<8 | RealID(out[5]), nil
}

// check sends a segment of each connection, over and over, until done is closed.
func (w *wire) check(crowds []crowd, done <-chan struct{}) (segments int, err error) {
	for {
		for _, c := range crowds {
			for n, want := range c.served {
				select {
				case <-done:
					return segments, nil
				default:
				}
				segments++
				if got, err := w.send(c.f.ack(n)); err != nil || got != want {
					return segments, fmt.Errorf("segment %d: %s connection %d went from %d to %d: %v", segments, c.f.name, n, want,
						got, err)
				}
			}
		}
	}
}

// TestGrowUnderTraffic has a CPU send while the tables are replaced again and again.
func TestGrowUnderTraffic(t *testing.T) {
	p := newPlaneOfBoth(t, Options{Sizes: small})
	crowds, loads := p.openCrowd(crowded), p.counted()
	var (
		w       = wire{program: p.program}
		done    = make(chan struct{})
		checked = make(chan error)
	)
	go func() {
		n, err := w.check(crowds, done)
		t.Logf("%d segments came meanwhile", n)
		checked <- err
	}()
	for round := range 4 {
		p.grow([]Sizes{larger, small}[round%2])
		w.replace(p.program)
		p.sweep()
		must(t, p.Tidy())
		p.load()
		w.replace(p.program)
	}
	close(done)
	must(t, <-checked)
	p.expectKept(crowds, 0, crowded)
	p.expectTrueLoads()
	if got := p.counted(); !maps.Equal(got, loads) {
		t.Errorf("the loads are %v, want %v as before", got, loads)
	}
}
