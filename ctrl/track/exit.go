package track

import (
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// mostExits is how many processes one exitWatch waits for at most: each takes a file descriptor. The end of others is
// seen at the next look.
const mostExits = 64

// exitWatch tells when one of some processes ends.
type exitWatch struct {
	heard chan struct{} // holds a token when one has ended
	files map[int]*os.File
}

func newExitWatch() *exitWatch {
	return &exitWatch{heard: make(chan struct{}, 1), files: make(map[int]*os.File)}
}

// watch waits for the end of these processes, and no others.
func (e *exitWatch) watch(pids []int) {
	for pid, file := range e.files {
		if !slices.Contains(pids, pid) {
			e.drop(pid, file)
		}
	}
	for _, pid := range pids {
		if e.files[pid] == nil && len(e.files) < mostExits {
			e.add(pid)
		}
	}
}

// add waits for the end of one process. If it has ended by now, the next look sees that.
func (e *exitWatch) add(pid int) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	connection, err := file.SyscallConn()
	if err != nil {
		_ = file.Close() // it was only waited on
		return
	}
	e.files[pid] = file
	go func() {
		if err := connection.Read(readable); err == nil {
			wake(e.heard)
		}
	}()
}

func (e *exitWatch) drop(pid int, file *os.File) {
	_ = file.Close() // it was only waited on; who waits is let go
	delete(e.files, pid)
}

func (e *exitWatch) close() {
	for pid, file := range e.files {
		e.drop(pid, file)
	}
}

// readable says whether a pidfd's process has ended.
func readable(fd uintptr) bool {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	const atOnce = 0
	n, err := unix.Poll(poll, atOnce)
	return n > 0 || err != nil && !errors.Is(err, unix.EINTR)
}
