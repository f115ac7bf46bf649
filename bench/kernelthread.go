package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// kernelThread is a thread of the kernel's, by its number.
type kernelThread int

// kernelThreadOf finds it by its name, which is a pattern of [filepath.Match].
func kernelThreadOf(name string) (kernelThread, error) {
	files, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		comm, err := os.ReadFile(file)
		if err != nil {
			continue // a process that has ended meanwhile is not it
		}
		switch found, err := filepath.Match(name, strings.TrimSpace(string(comm))); {
		case err != nil:
			return 0, err
		case found:
			number, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			return kernelThread(number), err
		}
	}
	return 0, fmt.Errorf("no thread %s in /proc: run outside of containers", name)
}

// used is the processor time that the thread has used so far.
func (t kernelThread) used() (used time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", t))
	if err == nil {
		_, err = fmt.Sscan(string(text), &used)
	}
	if err != nil {
		return 0, fmt.Errorf("read the time of a kernel thread: %w", err)
	}
	return used, nil
}
