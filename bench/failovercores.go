package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
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

// checkPriority is that of the checker, of the servers and of what receives for them: nothing of it is to wait for what
// else runs on this machine.
const checkPriority = 10

// firstPriority is that of what measures, which must not wait for what is measured: of 1 to 99; what a daemon may have is less.
const firstPriority = 50

// again is the command that runs this executable once more, with a real-time priority and a variable that says what it is to do.
// What it complains of is this process's complaint.
func (s share) again(ctx context.Context, priority int, variable string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := append([]string{"chrt", "--fifo", strconv.Itoa(priority)}, s.restrict([]string{self})...)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Stderr = append(os.Environ(), variable), os.Stderr
	return cmd, nil
}

// take puts a thread, 0 for the calling one, on the processors, with a real-time priority.
func (s share) take(thread int, priority uint32) error {
	attributes := unix.SchedAttr{Policy: unix.SCHED_FIFO, Flags: unix.SCHED_FLAG_RESET_ON_FORK, Priority: priority}
	if err := unix.SchedSetAttr(thread, &attributes, 0); err != nil {
		return fmt.Errorf("take a real-time priority: %w (CAP_SYS_NICE is needed)", err)
	}
	var set unix.CPUSet
	for _, cpu := range s {
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("stay on processors %v: %w", s, err)
	}
	return nil
}
