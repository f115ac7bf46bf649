package ctrl

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// bell wakes a thread that waits for it in the kernel, without the timers of the Go runtime: those are other threads'.
type bell struct {
	fd   int // an eventfd
	rung atomic.Bool
}

func newBell() (*bell, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	return &bell{fd: fd}, nil
}

// ring ends the wait that is under way, or else the next one. Any goroutine may call it.
func (b *bell) ring() {
	if b.rung.CompareAndSwap(false, true) {
		// It cannot fail: the counter is far from full, and nobody rings after close.
		_, _ = unix.Write(b.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// wait waits for the bell, or until one of these files can be read, for no longer than a time.
func (b *bell) wait(most time.Duration, files ...int) error {
	timeout := unix.NsecToTimespec(max(0, int64(most)))
	awaited := []unix.PollFd{{Fd: int32(b.fd), Events: unix.POLLIN}}
	for _, fd := range files {
		awaited = append(awaited, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	_, err := unix.Ppoll(awaited, &timeout, nil)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return os.NewSyscallError("ppoll", err)
	}
	var count [8]byte
	if _, err := unix.Read(b.fd, count[:]); err != nil && !errors.Is(err, unix.EAGAIN) {
		return os.NewSyscallError("read of an eventfd", err)
	}
	b.rung.Store(false)
	return nil
}

func (b *bell) close() error { return os.NewSyscallError("close", unix.Close(b.fd)) }

// defaultRealTimePriority is above all that is not real-time, and below the threads of interrupts (50).
const defaultRealTimePriority = 10

// beRealTime has all threads of this process, and those that they will make, run before whatever is not real-time. All have
// one priority, for they wait for each other. It needs CAP_SYS_NICE or a limit of RLIMIT_RTPRIO.
func beRealTime(priority int) error {
	if priority == 0 {
		priority = defaultRealTimePriority
	}
	attributes := unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: uint32(min(priority, math.MaxInt8)),
	}
	done := make(map[int]bool)
	for {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("list the threads: %w", err)
		}
		before := len(done)
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil || done[id] {
				continue
			}
			if err := unix.SchedSetAttr(id, &attributes, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				return os.NewSyscallError("sched_setattr", err)
			}
			done[id] = true
		}
		if len(done) == before { // and whatever a thread makes is as it is itself
			return nil
		}
	}
}

// lockMemory keeps the memory of this process from being written to a disk or dropped, so that no thread waits for a disk
// that is busy to get it back: what it has used so far, and what it will use. Of the addresses that the Go runtime reserves
// only those count that are used. It needs CAP_IPC_LOCK, or that RLIMIT_MEMLOCK is unlimited: with a limit that was kept now,
// the process would end when it grows.
func lockMemory() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	var has [2]unix.CapUserData
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &has[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	if has[0].Effective&(1<<unix.CAP_IPC_LOCK) == 0 && limit.Cur != unix.RLIM_INFINITY {
		return fmt.Errorf("it has no CAP_IPC_LOCK, and RLIMIT_MEMLOCK is %d bytes", limit.Cur)
	}
	return os.NewSyscallError("mlockall", unix.Mlockall(unix.MCL_CURRENT|unix.MCL_FUTURE|unix.MCL_ONFAULT))
}
