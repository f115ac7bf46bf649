package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// bpffs is where the BPF file system of the private mount namespace lies.
const bpffs = "/sys/fs/bpf"

// private is a thread in network and mount namespaces of its own, with an empty BPF file system. They end with the
// thread, and nothing is left of what was made there, not even when the process is killed.
//
// No signal reaches the thread: the kernel cuts a test run short at one, and the Go runtime sends some.
type private struct {
	thread int // its number
	asked  chan func() error
	done   chan error
}

// newPrivate starts a thread that ends with end.
func newPrivate() (*private, error) {
	p := &private{asked: make(chan func() error), done: make(chan error)}
	go func() {
		runtime.LockOSThread() // and never unlocked: the runtime ends the thread with the goroutine
		p.thread = unix.Gettid()
		if err := leave(); err != nil {
			p.done <- fmt.Errorf("make private namespaces: %w", err)
			return
		}
		p.done <- nil
		for do := range p.asked {
			p.done <- do()
		}
	}()
	if err := <-p.done; err != nil {
		return nil, err
	}
	return p, nil
}

// do runs f on the thread, and waits for it. It is not for concurrent use.
func (p *private) do(f func() error) error {
	p.asked <- f
	return <-p.done
}

func (p *private) end() { close(p.asked) }

// inPrivate runs do on a private thread that ends with it.
func inPrivate(do func() error) error {
	p, err := newPrivate()
	if err != nil {
		return err
	}
	defer p.end()
	return p.do(do)
}

func leave() error {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w (root is needed)", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	if err := unix.Mount("bpf", bpffs, "bpf", 0, ""); err != nil {
		return fmt.Errorf("mount %s: %w", bpffs, err)
	}
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); err != nil {
		return fmt.Errorf("block signals: %w", err)
	}
	return nil
}
