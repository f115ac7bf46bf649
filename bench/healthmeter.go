package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const megabyte = 1 << 20

// holdings are what a process can hold too much of.
type holdings struct {
	files, goroutines int
	heap              float64 // bytes
}

// held looks several times, for checks under way hold something, too, and returns the least of each.
func held() (least holdings, err error) {
	const looks = 50
	for i := range looks {
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			return least, err
		}
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		now := holdings{len(files), runtime.NumGoroutine(), float64(memory.HeapAlloc)}
		if i == 0 {
			least = now
		}
		least = holdings{min(least.files, now.files), min(least.goroutines, now.goroutines), min(least.heap, now.heap)}
		time.Sleep(time.Millisecond)
	}
	return least, nil
}

// mostMemoryUsed is the most memory that the process has had, in MB.
func mostMemoryUsed() (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, errors.New("read /proc/self/status: no VmHWM")
	}
	kilobytes, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return 0, fmt.Errorf("read /proc/self/status: %w", err)
	}
	return kilobytes / 1024, nil
}

// processorTimeOfProcess is what all threads have used so far.
func processorTimeOfProcess() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0 // it fails for no argument that is right
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// idleTime is how long the processors that the process may use have had nothing to do so far, to a hundredth of a second.
// What they receive for a process that waits is in no process's time.
func idleTime() (idle time.Duration, err error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return 0, fmt.Errorf("ask for the processors: %w", err)
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var cpu int
		var user, nice, system, ticks, waiting int64
		if _, err := fmt.Sscanf(line, "cpu%d %d %d %d %d %d", &cpu, &user, &nice, &system, &ticks, &waiting); err != nil {
			continue // the line of all processors, or of something else
		}
		if allowed.IsSet(cpu) {
			idle += time.Duration(ticks+waiting) * time.Second / ticksPerSecond
		}
	}
	return idle, nil
}

// ticksPerSecond is the unit of /proc/stat, on every architecture that Go runs on.
const ticksPerSecond = 100
