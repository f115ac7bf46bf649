package script

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// killAfter is how long a script has to end after SIGTERM, before it gets SIGKILL. It is keepalived's.
const killAfter = 2 * time.Second

// Settings are what holds for all scripts.
type Settings struct {
	// User and Group run a script that names no user of its own: script_user. Empty means keepalived_script if there is
	// such a user, and else whom the daemon runs as.
	User, Group string
	// Security refuses to run a script as root if another user could change it or put another in its place:
	// enable_script_security.
	Security bool
}

// Launcher runs scripts. All methods are safe for concurrent use.
type Launcher struct {
	starter  *starter
	settings atomic.Pointer[Settings]
}

// NewLauncher returns a launcher. From now on no program that this process starts inherits a file that is open already,
// but those that are passed on to it by hand.
func NewLauncher(settings Settings) (*Launcher, error) {
	const afterStandardFiles, last = 3, ^uint(0)
	if err := unix.CloseRange(afterStandardFiles, last, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, fmt.Errorf("keep open files from scripts: %w", err)
	}
	starter, err := newStarter()
	if err != nil {
		return nil, err
	}
	l := &Launcher{starter: starter}
	l.Configure(settings)
	return l, nil
}

// Configure makes settings those of all scripts that are run from now on.
func (l *Launcher) Configure(settings Settings) { l.settings.Store(&settings) }

// Close ends the launcher. No Run may be under way. What scripts have left running in the background stays.
func (l *Launcher) Close() { l.starter.close() }

// Check returns why Run would not start a command, or nil.
func (l *Launcher) Check(command []string, user, group string) error {
	_, err := prepare(*l.settings.Load(), command, user, group)
	return err
}

// Run runs a command to its end and returns nil if that exits with 0. If it exits otherwise or a signal ends it, the
// error wraps an [exec.ExitError]; every other error means that it was not run.
//
// When ctx ends, the command's process group gets SIGTERM, and two seconds later, or when the command itself has ended,
// SIGKILL. Run returns when the command has ended, with the cause of ctx's end if that was why.
//
// What a command that ends by itself leaves running in the background is let go on, as keepalived does.
func (l *Launcher) Run(ctx context.Context, command []string, user, group string) error {
	cmd, err := prepare(*l.settings.Load(), command, user, group)
	if err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := l.starter.start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	cut := superviseGroup(ctx, cmd.Process.Pid)
	err = cmd.Wait()
	if cut {
		return context.Cause(ctx)
	}
	return describe(err)
}

// superviseGroup returns when the leader of a process group has ended, but before it is reaped: until then no other
// group can have its number. It says whether the end was ctx's doing.
func superviseGroup(ctx context.Context, leader int) (cut bool) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		awaitEnd(leader)
	}()
	select {
	case <-ended:
		return false
	case <-ctx.Done():
	}
	signalGroup(leader, unix.SIGTERM)
	timer := time.NewTimer(killAfter)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
	signalGroup(leader, unix.SIGKILL)
	<-ended
	return true
}

// awaitEnd returns when a child has ended, and leaves it to be reaped.
func awaitEnd(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return // any other error means that there is nothing to wait for: Wait tells
		}
	}
}

// signalGroup sends a signal to a process group. It cannot fail for a reason that matters: an unreaped leader keeps the
// group in being, and the group's processes are this user's or less.
func signalGroup(leader int, signal unix.Signal) { _ = unix.Kill(-leader, signal) }

// describe says in words how a command ended.
func describe(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	status, known := exit.Sys().(syscall.WaitStatus)
	switch {
	case known && status.Signaled():
		return &ending{fmt.Sprintf("ended by signal %d (%v)", status.Signal(), status.Signal()), exit}
	default:
		return &ending{fmt.Sprintf("exited with status %d", exit.ExitCode()), exit}
	}
}

// ending is how a command ended, in words.
type ending struct {
	text string
	exit *exec.ExitError
}

func (e *ending) Error() string { return e.text }
func (e *ending) Unwrap() error { return e.exit }
