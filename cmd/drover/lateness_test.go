package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"drover/bench/testbed"
)

// usually is what a timer may be late, but for one of a hundred.
const usually = 5 * time.Millisecond

// lateness is the histogram of a status.
type lateness struct {
	bounds []time.Duration // of the classes
	counts []uint64        // one more than bounds
}

func (p *punctual) latenessOf(h *testbed.Host) lateness {
	p.t.Helper()
	s, err := p.status(h)
	p.must(err)
	var l lateness
	told := s.Instances[0].Lateness
	for _, class := range told.Classes {
		l.bounds = append(l.bounds, time.Duration(class.UpToUS)*time.Microsecond)
		l.counts = append(l.counts, class.Count)
	}
	l.counts = append(l.counts, told.Over)
	return l
}

// since is what came after an earlier status.
func (l lateness) since(before lateness) lateness {
	counts := slices.Clone(l.counts)
	for n := range counts {
		counts[n] -= before.counts[n]
	}
	return lateness{l.bounds, counts}
}

func (l lateness) count() int { return l.beyond(0) }

// beyond is how many were later than a limit for certain.
func (l lateness) beyond(limit time.Duration) int {
	var sum uint64
	for n, count := range l.counts {
		least := time.Duration(0)
		if n > 0 {
			least = l.bounds[n-1]
		}
		if least >= limit {
			sum += count
		}
	}
	return int(sum)
}

// faults are those of timers that are late by more than usual, or by an interval, and more than the machine is to blame for:
// each time that it stands still two timers may be due.
func (l lateness) faults(interval time.Duration, machine floor) (faults []string) {
	if late := l.beyond(usually); late > l.count()/100+2*machine.stalls {
		faults = append(faults, fmt.Sprintf("%d of %d timers are later than %s", late, l.count(), usually))
	}
	ever := max(interval, 2*machine.worst)
	if late := l.beyond(ever); late > 0 {
		faults = append(faults, fmt.Sprintf("%d of %d timers are later than %s", late, l.count(), ever))
	}
	return faults
}

func (l lateness) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d timers", l.count())
	for n, bound := range l.bounds {
		if l.counts[n] > 0 {
			fmt.Fprintf(&b, ", %d up to %s", l.counts[n], bound)
		}
	}
	if over := l.counts[len(l.bounds)]; over > 0 {
		fmt.Fprintf(&b, ", %d later", over)
	}
	return b.String()
}

// floor is how late plain timers were: at most, and how often the machine stood still, for longer than usual.
type floor struct {
	worst  time.Duration
	stalls int
}

// asTimers makes the test binary be plain timers, one on each processor, which tell their floor in the end.
const asTimers = "DROVER_TEST_AS_TIMERS"

// watchTimers runs the program with VRRP's real-time priority, until its result is asked for.
func (p *punctual) watchTimers() (result func() floor) {
	p.t.Helper()
	self, err := os.Executable()
	p.must(err)
	cmd := exec.CommandContext(p.t.Context(), "chrt", "--rr", "10", self)
	cmd.Env = append(os.Environ(), asTimers+"=1")
	end, err := cmd.StdinPipe()
	p.must(err)
	out, err := cmd.StdoutPipe()
	p.must(err)
	p.must(cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() { // they run
		p.t.Fatalf("the timers do not start: %v", errors.Join(lines.Err(), cmd.Wait()))
	}
	return func() (f floor) {
		p.t.Helper()
		p.must(end.Close())
		lines.Scan()
		p.must(errors.Join(lines.Err(), cmd.Wait()))
		_, err := fmt.Sscan(lines.Text(), (*int64)(&f.worst), &f.stalls)
		p.must(err)
		return f
	}
}

// timers is the program. It ends with its input.
func timers() error {
	var usable unix.CPUSet
	if err := unix.SchedGetaffinity(0, &usable); err != nil {
		return err
	}
	var ended atomic.Bool
	begun, results := make(chan error), make(chan floor)
	for processor, running := 0, 0; running < usable.Count(); processor++ {
		if !usable.IsSet(processor) {
			continue
		}
		go func() {
			runtime.LockOSThread()
			var own unix.CPUSet
			own.Set(processor)
			begun <- unix.SchedSetaffinity(0, &own)
			results <- timer(&ended)
		}()
		if err := <-begun; err != nil {
			return err
		}
		running++
	}
	fmt.Println("they run")
	_, err := io.Copy(io.Discard, os.Stdin)
	ended.Store(true)
	var all floor
	for range usable.Count() {
		f := <-results
		all = floor{max(all.worst, f.worst), all.stalls + f.stalls}
	}
	fmt.Println(int64(all.worst), all.stalls)
	return err
}

// timer is a timer of a millisecond.
func timer(ended *atomic.Bool) (f floor) {
	const period = time.Millisecond
	stands := false
	for due := time.Now().Add(period); !ended.Load(); due = due.Add(period) {
		for wait := time.Until(due); wait > 0; wait = time.Until(due) {
			timeout := unix.NsecToTimespec(int64(wait))
			// When it ends early, by a signal, it is called again.
			_, _ = unix.Ppoll(nil, &timeout, nil)
		}
		late, stood := time.Since(due), stands
		f.worst, stands = max(f.worst, late), late > usually
		if stands && !stood {
			f.stalls++
		}
	}
	return f
}
