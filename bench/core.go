package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// core is the processor that the thread stays on, and with it the soft interrupts that its frames raise.
type core struct {
	softirqs kernelThread // does what is too much for the interrupts themselves
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
	softirqs, err := kernelThreadOf(fmt.Sprintf("ksoftirqd/%d", cpu))
	return core{softirqs}, err
}

// used is the processor time that the thread and the soft interrupts have used so far.
func (c core) used() (time.Duration, error) {
	thread, err := processorTime()
	if err != nil {
		return 0, err
	}
	softirqs, err := c.softirqs.used()
	return thread + softirqs, err
}
