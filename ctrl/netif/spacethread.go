package netif

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// spaceThread is an OS thread in a network namespace of its own. It does what it is asked, one thing after another, and
// ends with end.
type spaceThread struct {
	asked chan errand
	ended chan struct{}
}

type errand struct {
	do   func() error
	done chan<- error
}

// newSpaceThread makes a namespace with a thread in it, on which first is done first.
func newSpaceThread(first func() error) (*spaceThread, error) {
	t := &spaceThread{asked: make(chan errand), ended: make(chan struct{})}
	ready := make(chan error)
	onLostThread(func() {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			ready <- explainUnshare(err)
			return
		}
		if err := first(); err != nil {
			ready <- err
			return
		}
		ready <- nil
		t.serve()
	})
	if err := <-ready; err != nil {
		return nil, err
	}
	return t, nil
}

func explainUnshare(err error) error {
	if errors.Is(err, unix.EPERM) {
		err = fmt.Errorf("%w (CAP_SYS_ADMIN is needed; see CapabilityBoundingSet and RestrictNamespaces of the systemd unit)", err)
	}
	return os.NewSyscallError("unshare", err)
}

func (t *spaceThread) serve() {
	for {
		select {
		case e := <-t.asked:
			e.done <- e.do()
		case <-t.ended:
			return
		}
	}
}

// do has the thread do something, and waits for it. f must not wait for anything.
func (t *spaceThread) do(f func() error) error {
	done := make(chan error, 1)
	select {
	case t.asked <- errand{f, done}:
		return <-done
	case <-t.ended:
		return fmt.Errorf("%w: its namespace is closed", ErrNoProbePath)
	}
}

// end ends the thread. It is called once.
func (t *spaceThread) end() { close(t.ended) }

// onLostThread runs f on a thread that nothing else will run on: it stays locked and ends with f, so what f does to its
// namespace concerns nobody. It is never the first thread of the process, whose namespace /proc/self shows as everybody's.
func onLostThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		another := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(another)
			f()
		}()
		<-another
		runtime.UnlockOSThread()
	}()
}
