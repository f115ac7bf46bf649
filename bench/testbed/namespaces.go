package testbed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespaces are the namespaces of a running host, held open. Close releases them; the host does not depend on them.
type Namespaces struct {
	files []*os.File // in the order of namespaceKinds
	// root is the root directory of the host. It is not that of its mount namespace when the lab was begun in a chroot.
	root *os.File
}

// namespaceKinds are entered in this order. The PID namespace is that of the children of whoever enters.
var namespaceKinds = []struct {
	name string
	flag int
}{
	{"pid", unix.CLONE_NEWPID},
	{"uts", unix.CLONE_NEWUTS},
	{"ipc", unix.CLONE_NEWIPC},
	{"net", unix.CLONE_NEWNET},
	{"mnt", unix.CLONE_NEWNS},
}

// networkKind is the place of "net" in namespaceKinds.
const networkKind = 3

// openNamespaces opens the namespaces of a process.
func openNamespaces(pid int) (*Namespaces, error) {
	ns := &Namespaces{}
	for _, kind := range namespaceKinds {
		file, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", pid, kind.name))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open namespaces of process %d: %w", pid, err), ns.Close())
		}
		ns.files = append(ns.files, file)
	}
	root, err := os.Open(fmt.Sprintf("/proc/%d/root", pid))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the root of process %d: %w", pid, err), ns.Close())
	}
	ns.root = root
	return ns, nil
}

// Close releases the namespaces.
func (ns *Namespaces) Close() error {
	var errs []error
	for _, file := range ns.files {
		errs = append(errs, file.Close())
	}
	if ns.root != nil {
		errs = append(errs, ns.root.Close())
	}
	ns.files, ns.root = nil, nil
	return errors.Join(errs...)
}

// Start starts the command as a process of the host. Its working directory is / unless cmd.Dir names another.
func (ns *Namespaces) Start(cmd *exec.Cmd) error {
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	return ns.enter(cmd.Start)
}

// enter runs f on a thread that is inside all of the namespaces and ends afterwards.
func (ns *Namespaces) enter(f func() error) error {
	return onOwnThread(func() error {
		// Threads of one process share their root and working directory; a mount namespace is entered without.
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return fmt.Errorf("unshare the working directory: %w", err)
		}
		for i, kind := range namespaceKinds {
			if err := unix.Setns(int(ns.files[i].Fd()), kind.flag); err != nil {
				return fmt.Errorf("enter %s namespace: %w", kind.name, err)
			}
		}
		if err := errors.Join(unix.Fchdir(int(ns.root.Fd())), unix.Chroot(".")); err != nil {
			return fmt.Errorf("enter the root directory: %w", err)
		}
		return f()
	})
}

// network is the network namespace.
func (ns *Namespaces) network() *os.File { return ns.files[networkKind] }

// inNetwork runs f on a thread that is inside the network namespace and ends afterwards.
func inNetwork(network *os.File, f func() error) error {
	return onOwnThread(func() error {
		if err := unix.Setns(int(network.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return f()
	})
}

// onOwnThread runs f on a thread that is used for nothing else: it stays locked and ends with the goroutine, so
// whatever f does to its namespaces is gone with it.
func onOwnThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// newNetwork makes a network namespace without interfaces but lo. It exists until the file is closed.
func newNetwork() (*os.File, error) {
	var network *os.File
	err := onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make network namespace: %w", err)
		}
		var err error
		network, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return network, err
}
