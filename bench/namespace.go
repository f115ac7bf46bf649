package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// bpffs is where the BPF file system of the private mount namespace lies.
const bpffs = "/sys/fs/bpf"

// inPrivate runs do on a thread in network and mount namespaces of its own, with an empty BPF file system. They end
// with the thread, and nothing is left of what do made there, not even when the process is killed.
//
// No signal reaches the thread: the kernel cuts a test run short at one, and the Go runtime sends some.
func inPrivate(do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the runtime ends the thread with the goroutine
		if err := leave(); err != nil {
			done <- fmt.Errorf("make private namespaces: %w", err)
			return
		}
		done <- do()
	}()
	return <-done
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
