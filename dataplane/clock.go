package dataplane

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/bpf"
)

// jiffiesPerSecond is the kernel's HZ: the coarse clocks tick once a jiffy.
func jiffiesPerSecond() (uint64, error) {
	var tick unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &tick); err != nil {
		return 0, fmt.Errorf("read the length of a jiffy: %w", err)
	}
	return uint64(time.Second) / uint64(tick.Nano()), nil
}

func toJiffies(d time.Duration, hz uint64) uint64 {
	return uint64(max(d, 0).Milliseconds()) * hz / 1000
}

func fromJiffies(n int64, hz uint64) time.Duration {
	return time.Duration(n * int64(time.Second) / int64(hz))
}

// clock is an instant in jiffies, and the means to reckon with it.
type clock struct {
	now uint64
	hz  uint64
}

func (d *DataPlane) clock() (clock, error) { return readClock(d.objects.ReadClock, d.hz) }

func readClock(program *ebpf.Program, hz uint64) (clock, error) {
	var read bpf.DroverClock
	if _, err := program.Run(&ebpf.RunOptions{Context: read, ContextOut: &read}); err != nil {
		return clock{}, fmt.Errorf("read the kernel's jiffies: %w", err)
	}
	return clock{now: read.Jiffies, hz: hz}, nil
}

func (c clock) after(d time.Duration) uint64 { return c.now + toJiffies(d, c.hz) }

// until is the time from now to an instant, negative if it has passed.
func (c clock) until(jiffies uint64) time.Duration { return fromJiffies(int64(jiffies-c.now), c.hz) }
