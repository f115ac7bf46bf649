package ipvs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Job is other work than a comparison for a user-mode Linux whose kernel has IPVS.
type Job struct {
	// Name tells it from others.
	Name string
	// Do does it, in the guest. It gets what [Run] was told, and returns what Run is to answer, as JSON.
	Do func(order json.RawMessage) (answer any, err error)
}

// compareJob is the name of the work of [Compare].
const compareJob = "compare"

// RunGuest makes the process the init of a user-mode Linux, if that is what it was started for, and then never returns:
// it ends by turning the machine off. Programs that call [Compare] or [Run] call it first thing in main, tests in
// TestMain, with all jobs there are.
func RunGuest(jobs ...Job) {
	dir := os.Getenv(guestVariable)
	if dir == "" || os.Getpid() != 1 {
		return
	}
	if err := serve(dir, jobs); err != nil {
		fmt.Fprintln(os.Stderr, err) // the console, which the host shows when it finds no answer
	}
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Fprintf(os.Stderr, "turn the machine off: %v\n", err)
	}
	os.Exit(1) // the kernel panics when its init ends, which turns the machine off, too
}

// serve does as it is ordered and writes the answer.
func serve(dir string, jobs []Job) error {
	shared, err := mountAll(dir)
	if err != nil {
		return err
	}
	var a answer
	if a.Result, err = followOrder(shared, jobs); err != nil {
		a.Error = err.Error()
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(shared, answerFile), text, 0o600)
}

func followOrder(shared string, jobs []Job) (json.RawMessage, error) {
	text, err := os.ReadFile(filepath.Join(shared, orderFile))
	if err != nil {
		return nil, err
	}
	var told order
	if err := json.Unmarshal(text, &told); err != nil {
		return nil, fmt.Errorf("read the order: %w", err)
	}
	for _, job := range append(jobs, Job{compareJob, compareInGuest}) {
		if job.Name != told.Job {
			continue
		}
		result, err := job.Do(told.Of)
		if err != nil {
			return nil, err
		}
		return json.Marshal(result)
	}
	return nil, fmt.Errorf("read the order: no job %q", told.Job)
}

// compareInGuest is the work of [Compare].
func compareInGuest(of json.RawMessage) (any, error) {
	var options Options
	if err := json.Unmarshal(of, &options); err != nil {
		return nil, fmt.Errorf("read the order: %w", err)
	}
	return measure(options)
}

// LoadIPVS loads IPVS into the guest's kernel, for jobs that want it.
func LoadIPVS() error {
	release, err := kernelRelease()
	if err != nil {
		return err
	}
	return loadModules(release, defaultTableBits)
}

// mountAll mounts what a kernel offers over the read-only tree of the host. It returns where the directory shared with
// the host is to be found, writable.
func mountAll(dir string) (shared string, err error) {
	shared = "/run/shared"
	for _, m := range []struct{ kind, target, data string }{
		{"proc", "/proc", ""},
		{"sysfs", "/sys", ""},
		{"bpf", "/sys/fs/bpf", ""},
		{"tmpfs", "/run", ""},
		{"hostfs", shared, dir},
	} {
		if m.target == shared {
			if err := os.Mkdir(shared, 0o700); err != nil {
				return "", err
			}
		}
		if err := unix.Mount(m.kind, m.target, m.kind, 0, m.data); err != nil {
			return "", fmt.Errorf("mount %s on %s: %w", m.kind, m.target, err)
		}
	}
	return shared, nil
}
