package script

import (
	"fmt"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// umask is what keepalived gives its scripts: what they make is for their own user alone, and is no program.
const umask = 0o177

// starter starts processes on a thread of its own, that has what they inherit and the daemon need not have: the
// ordinary scheduling policy and keepalived's umask. That thread is also what they hang on: they get SIGTERM when it
// ends (PR_SET_PDEATHSIG looks at the thread, not at the process), which must not be just when the Go runtime lets go of
// some thread, but when the daemon ends, however it does.
type starter struct {
	requests chan request
	ended    chan struct{}
}

// request is a command to start.
type request struct {
	cmd     *exec.Cmd
	started chan error
}

func newStarter() (*starter, error) {
	s := &starter{requests: make(chan request), ended: make(chan struct{})}
	ready := make(chan error)
	go s.work(ready)
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("prepare a thread that starts scripts: %w", err)
	}
	return s, nil
}

// start starts a command.
func (s *starter) start(cmd *exec.Cmd) error {
	r := request{cmd, make(chan error, 1)}
	s.requests <- r
	return <-r.started
}

func (s *starter) close() {
	close(s.requests)
	<-s.ended
}

// work is the thread. It is never given back, so that it ends with this goroutine.
func (s *starter) work(ready chan<- error) {
	defer close(s.ended)
	runtime.LockOSThread()
	err := settle()
	ready <- err
	if err != nil {
		return
	}
	for r := range s.requests {
		r.started <- r.cmd.Start()
	}
}

// settle gives the thread what scripts are to inherit.
func settle() error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("unshare the umask: %w", err)
	}
	unix.Umask(umask)
	const thisThread = 0
	attributes, err := unix.SchedGetAttr(thisThread, 0)
	if err != nil {
		return fmt.Errorf("read the scheduling policy: %w", err)
	}
	switch attributes.Policy {
	case unix.SCHED_FIFO, unix.SCHED_RR, unix.SCHED_DEADLINE:
		ordinary := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_NORMAL}
		if err := unix.SchedSetAttr(thisThread, ordinary, 0); err != nil {
			return fmt.Errorf("set the scheduling policy: %w", err)
		}
	}
	return nil
}
