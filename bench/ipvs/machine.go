package ipvs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// umlCommand is Debian's kernel in a program, which umlArch alone has.
const (
	umlCommand = "linux.uml"
	umlArch    = "amd64"
)

// memory of the machine: a million connections fit, in each of the tables.
const memory = "1536M"

// The guest finds its directory, which it shares with the host, by this variable. The kernel gives its init what it
// does not understand on its command line.
const guestVariable = "DROVER_IPVS_GUEST"

// Files in the shared directory.
const (
	orderFile  = "order.json"  // order, to the guest
	answerFile = "answer.json" // answer, from the guest
	initFile   = "init"        // link to the executable; a path without blanks, which a command line cannot have
)

// order is what the guest is to do.
type order struct {
	Job string          // its name
	Of  json.RawMessage // what the job wants to know
}

// answer is what the guest has to say.
type answer struct {
	Error  string // empty when all went well
	Result json.RawMessage
}

// runInUML boots a machine that runs this executable as its init, which does the job, and waits until it has turned
// itself off.
func runInUML(ctx context.Context, job string, of, result any) (err error) {
	dir, err := os.MkdirTemp("", "drover-ipvs-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := prepare(dir, job, of); err != nil {
		return err
	}
	var console bytes.Buffer
	if err := onOneCore(func() error { return boot(ctx, dir, &console) }); err != nil {
		return withConsole(err, console.Bytes())
	}
	text, err := os.ReadFile(filepath.Join(dir, answerFile))
	if err != nil {
		return withConsole(fmt.Errorf("it ended without an answer: %w", err), console.Bytes())
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return fmt.Errorf("read its answer: %w", err)
	}
	if a.Error != "" {
		return errors.New(a.Error)
	}
	if err := json.Unmarshal(a.Result, result); err != nil {
		return fmt.Errorf("read its answer: %w", err)
	}
	return nil
}

func prepare(dir, job string, of any) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.Symlink(executable, filepath.Join(dir, initFile)); err != nil {
		return err
	}
	told, err := json.Marshal(of)
	if err != nil {
		return err
	}
	text, err := json.Marshal(order{job, told})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, orderFile), text, 0o600)
}

// underShell is a shell's script that runs a command and stays.
const underShell = `"$@"; exit $?`

// boot runs the machine in a PID namespace, so that its helpers end with it and all end with the calling thread. The
// namespace's init is a shell: the machine could not be, for it aborts when it panics, and no init can do that.
func boot(ctx context.Context, dir string, console *bytes.Buffer) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", underShell, "sh", umlCommand,
		"mem="+memory, "rootfstype=hostfs", "ro", "init="+filepath.Join(dir, initFile),
		"con=null", "con0=null,fd:1", "uml_dir="+dir+"/", "umid=uml",
		"panic=-1", "noreboot", // a panic ends the machine; else it would spin for ever
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", guestVariable+"="+dir)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = console, console
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID, Pdeathsig: unix.SIGKILL}
	if err := cmd.Run(); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// onOneCore runs f on a thread that keeps to one core, with all that it starts. The thread ends with f.
func onOneCore(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the runtime ends the thread with the goroutine
		if err := errors.Join(keepToLastCore(), goFirst()); err != nil {
			done <- fmt.Errorf("take one core: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

// keepToLastCore binds the thread to the last core that it may use: the first has most of a machine's interrupts.
func keepToLastCore() error {
	var allowed, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return err
	}
	last := 0
	for cpu := range len(allowed) * 64 {
		if allowed.IsSet(cpu) {
			last = cpu
		}
	}
	one.Set(last)
	return unix.SchedSetaffinity(0, &one)
}

// goFirst gives the thread the right of way on its core: what else runs there would count as time that packets took.
func goFirst() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -20) }

// withConsole adds to an error what the machine said: from its init on, when it came so far, else at its end.
func withConsole(err error, console []byte) error {
	const enough = 20 // lines
	_, told, booted := strings.Cut(string(console), "as init process")
	if !booted {
		told = string(console)
	}
	lines := strings.Split(strings.TrimSpace(told), "\n")
	if booted {
		lines = lines[:min(enough, len(lines))]
	} else {
		lines = lines[max(0, len(lines)-enough):]
	}
	return fmt.Errorf("%w; its console has:\n%s", err, strings.Join(lines, "\n"))
}
