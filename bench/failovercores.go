package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// share is some of the machine's processors, by number.
type share []int

// shares gives the better node, which comes and goes, the first half of the processors, and the second half to all that
// must not notice: the other node, the client and the servers. In a network of real machines they share none, and a
// daemon that starts keeps a processor busy in the kernel for tens of milliseconds. A single processor is both halves.
func shares() (first, second share, err error) {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return nil, nil, fmt.Errorf("ask for the processors: %w", err)
	}
	var all share
	for cpu := 0; len(all) < allowed.Count(); cpu++ {
		if allowed.IsSet(cpu) {
			all = append(all, cpu)
		}
	}
	half := len(all) / 2
	return all[:max(1, half)], all[half:], nil
}

// restrict puts a command line behind taskset(1).
func (s share) restrict(command []string) []string {
	list := make([]string, len(s))
	for i, cpu := range s {
		list[i] = strconv.Itoa(cpu)
	}
	return append([]string{"taskset", "--cpu-list", strings.Join(list, ",")}, command...)
}

// precede is restrict for a process that runs before all that has no real-time priority.
func (s share) precede(command []string) []string {
	return append([]string{"chrt", "--fifo", "10"}, s.restrict(command)...)
}

// mask is the share as sysfs wants it: a bit for each processor, 32 in a group, the highest first.
func (s share) mask() string {
	groups := make([]uint32, slices.Max(s)/32+1)
	for _, cpu := range s {
		groups[len(groups)-1-cpu/32] |= 1 << (cpu % 32)
	}
	words := make([]string, len(groups))
	for i, group := range groups {
		words[i] = fmt.Sprintf("%08x", group)
	}
	return strings.Join(words, ",")
}

// comeFirst puts the thread before all others of its processors: what measures must not wait for what is measured.
func (s share) comeFirst() error {
	const priority = 50 // of 1 to 99; what a daemon may have is less
	attributes := unix.SchedAttr{Policy: unix.SCHED_FIFO, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: priority}
	if err := unix.SchedSetAttr(0, &attributes, 0); err != nil {
		return fmt.Errorf("take a real-time priority: %w (CAP_SYS_NICE is needed)", err)
	}
	var set unix.CPUSet
	for _, cpu := range s {
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("stay on processors %v: %w", s, err)
	}
	return nil
}
