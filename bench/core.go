package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// core is the processor that the thread stays on, and with it the soft interrupts that its frames raise.
type core struct {
	softirqs string // the statistics of the kernel thread that does what is too much for the interrupts themselves
}

// takeCore keeps the thread on the last processor that it may use: the first has most of the machine's interrupts.
func takeCore() (core, error) {
	var allowed, last unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return core{}, fmt.Errorf("ask for the processors: %w", err)
	}
	cpu := -1
	for seen := 0; seen < allowed.Count(); {
		cpu++
		if allowed.IsSet(cpu) {
			seen++
		}
	}
	last.Set(cpu)
	if err := unix.SchedSetaffinity(0, &last); err != nil {
		return core{}, fmt.Errorf("stay on processor %d: %w", cpu, err)
	}
	return softirqsOf(cpu)
}

// softirqsOf finds the kernel thread by its name.
func softirqsOf(cpu int) (core, error) {
	name := fmt.Appendf(nil, "ksoftirqd/%d\n", cpu)
	files, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return core{}, err
	}
	for _, file := range files {
		comm, err := os.ReadFile(file)
		if err == nil && bytes.Equal(comm, name) { // a process that ends meanwhile is not it
			return core{filepath.Join(filepath.Dir(file), "schedstat")}, nil
		}
	}
	return core{}, fmt.Errorf("no thread %s in /proc: run outside of containers", bytes.TrimSpace(name))
}

// used is the processor time that the thread and the soft interrupts have used so far.
func (c core) used() (time.Duration, error) {
	thread, err := processorTime()
	if err != nil {
		return 0, err
	}
	text, err := os.ReadFile(c.softirqs)
	if err != nil {
		return 0, fmt.Errorf("read the time of soft interrupts: %w", err)
	}
	var softirqs time.Duration
	if _, err := fmt.Sscan(string(text), &softirqs); err != nil {
		return 0, fmt.Errorf("read the time of soft interrupts: %w", err)
	}
	return thread + softirqs, nil
}
