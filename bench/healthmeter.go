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
