package testbed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// initName is argument 0 of a host's init.
const initName = "drover-testbed-init"

// The init's file descriptors. Both are pipes to the process that owns the lab.
const (
	// initControl carries the bootOrder. Its end of file means that the owner is gone or wants the host off.
	initControl = 3
	// initReport carries the reason why the host could not boot; nothing when it did.
	initReport = 4
)

// bootOrder is what an init must know.
type bootOrder struct {
	Hostname string
	Files    map[string]string // absolute path to content, below fileRoots
}

// RunChild makes the process the init of a host, if that is what it was started for, and then never returns.
// Programs that use the testbed call it first thing in main, tests in TestMain.
func RunChild() {
	if os.Args[0] != initName {
		return
	}
	control, report := os.NewFile(initControl, "control"), os.NewFile(initReport, "report")
	if err := boot(control); err != nil {
		fmt.Fprint(report, err)
		os.Exit(1)
	}
	report.Close()
	reapUntilClosed(control)
	// The kernel kills every process of the host with its init.
	os.Exit(0)
}

// boot turns the fresh namespaces into a host.
func boot(control io.Reader) error {
	var order bootOrder
	if err := json.NewDecoder(control).Decode(&order); err != nil {
		return fmt.Errorf("read boot order: %w", err)
	}
	if err := unix.Sethostname([]byte(order.Hostname)); err != nil {
		return fmt.Errorf("set host name: %w", err)
	}
	if err := mountAll(); err != nil {
		return err
	}
	for name, content := range order.Files {
		if err := writeFile(name, content); err != nil {
			return err
		}
	}
	return nil
}

// mountAll gives the host a file system of its own where it must have one; the rest is the machine's.
func mountAll() error {
	// Nothing that happens here may travel back to the machine.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	const upper, work = "/run/.etc/upper", "/run/.etc/work"
	const plain = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	mounts := []struct {
		kind, target, data string
		flags              uintptr
		needs              []string // directories to make first
	}{
		{kind: "proc", target: "/proc", flags: plain},
		{kind: "sysfs", target: "/sys", flags: plain},
		{kind: "bpf", target: "/sys/fs/bpf", data: "mode=0700", flags: plain},
		{kind: "tmpfs", target: "/run", data: "mode=0755", flags: unix.MS_NOSUID | unix.MS_NODEV},
		{kind: "overlay", target: "/etc", data: "lowerdir=/etc,upperdir=" + upper + ",workdir=" + work,
			needs: []string{upper, work}},
	}
	for _, m := range mounts {
		for _, dir := range m.needs {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if err := unix.Mount(m.kind, m.target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.kind, m.target, err)
		}
	}
	return nil
}

func writeFile(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(content), 0o644)
}

// reapUntilClosed does an init's duty, to collect orphans, until control reaches its end.
func reapUntilClosed(control io.Reader) {
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT)
	orphans := make(chan os.Signal, 1)
	signal.Notify(orphans, unix.SIGCHLD)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		// The owner sends nothing more; a read error means as much as the end.
		_, _ = io.Copy(io.Discard, control)
	}()
	for {
		select {
		case <-closed:
			return
		case <-orphans:
			reap()
		}
	}
}

// reap collects every child that has ended.
func reap() {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
	}
}
