package ipvs

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// kernelRelease is that of the running kernel.
func kernelRelease() (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", fmt.Errorf("uname: %w", err)
	}
	return unix.ByteSliceToString(name.Release[:]), nil
}

// prepareToSend has nothing cut in on the goroutine, which keeps its thread from here on.
func prepareToSend() error {
	runtime.LockOSThread()
	// The kernel cuts a test run short at a signal, and the Go runtime sends some.
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); err != nil {
		return fmt.Errorf("block signals: %w", err)
	}
	return preferPackets()
}

// preferPackets gives the kernel's own thread for packets the right of way. The kernel leaves packets to it when there
// are many, and if the sender did not stand back then, it would overrun the cable.
func preferPackets() error {
	const thread = "ksoftirqd/0"
	pid, err := findProcess(thread)
	if err != nil {
		return err
	}
	first := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}
	if err := unix.SchedSetAttr(pid, &first, 0); err != nil {
		return fmt.Errorf("give %s the right of way: %w", thread, err)
	}
	return nil
}

// findProcess finds a process by its name.
func findProcess(name string) (pid int, err error) {
	files, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil && strings.TrimSpace(string(text)) == name { // one that cannot be read has ended
			return strconv.Atoi(filepath.Base(filepath.Dir(file)))
		}
	}
	return 0, fmt.Errorf("no process %s", name)
}
