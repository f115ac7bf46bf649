package testbed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A processID tells one process from all others, past and present: process numbers are used again, a number together
// with the start time is not.
type processID struct {
	PID int `json:"pid"`
	// StartTime is field 22 of /proc/PID/stat, in clock ticks since the machine started.
	StartTime string `json:"start_time"`
}

func identify(pid int) (processID, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return processID{}, err
	}
	start, err := startTime(string(stat))
	if err != nil {
		return processID{}, fmt.Errorf("read /proc/%d/stat: %w", pid, err)
	}
	return processID{PID: pid, StartTime: start}, nil
}

// startTime returns field 22 of the content of /proc/PID/stat.
func startTime(stat string) (string, error) {
	// The command name, field 2, may hold anything; it ends at the last parenthesis.
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	const index = 22 - 3 // fields begins with field 3
	if len(fields) <= index {
		return "", fmt.Errorf("%d fields after the name, want %d", len(fields), index+1)
	}
	return fields[index], nil
}

// alive reports whether this very process still exists.
func (p processID) alive() bool {
	now, err := identify(p.PID)
	return err == nil && now == p
}

// kill ends the process, and nothing when it is gone already.
func (p processID) kill() error {
	pidfd, err := unix.PidfdOpen(p.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open process %d: %w", p.PID, err)
	}
	defer unix.Close(pidfd)
	// The descriptor pins the process; only now is it safe to compare.
	now, err := identify(p.PID)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) || now != p {
		return nil
	}
	if err != nil {
		return err
	}
	if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d: %w", p.PID, err)
	}
	return nil
}
