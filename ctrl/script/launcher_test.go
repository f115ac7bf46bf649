package script

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func newLauncher(t *testing.T, settings Settings) *Launcher {
	t.Helper()
	l, err := NewLauncher(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// me runs a script as who runs the test, whatever users there are.
func me(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// write makes a script.
func write(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.sh")
	const executable = 0o755
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+strings.Join(lines, "\n")+"\n"), executable); err != nil {
		t.Fatal(err)
	}
	return path
}

// read waits until a script has written a file, and returns the lines.
func read(t *testing.T, path string) []string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(path)
		if err == nil && strings.HasSuffix(string(text), "\n") {
			return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	t.Fatalf("nobody has written %s", path)
	return nil
}

func TestHowAScriptEnds(t *testing.T) {
	l := newLauncher(t, Settings{})
	for name, test := range map[string]struct {
		line, want string
		ran        bool
	}{
		"0 is well":                 {"exit 0", "", true},
		"another status is told":    {"exit 3", "exited with status 3", true},
		"a signal is told":          {"kill -USR1 $$", "ended by signal 10 (user defined signal 1)", true},
		"127 is a status, no error": {"exit 127", "exited with status 127", true},
	} {
		t.Run(name, func(t *testing.T) {
			err := l.Run(t.Context(), []string{write(t, test.line)}, me(t), "")
			if got := fmt.Sprint(err); err == nil && test.want != "" || err != nil && got != test.want {
				t.Errorf("Run: %v, want %q", err, test.want)
			}
			if err != nil && !errors.As(err, new(*exec.ExitError)) {
				t.Errorf("%v does not say that the script was run", err)
			}
		})
	}
}

func TestWhatCannotBeRunIsNoExit(t *testing.T) {
	l := newLauncher(t, Settings{})
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		command    []string
		user, want string
	}{
		"no such file":            {[]string{"/nowhere/script.sh"}, me(t), "find script: "},
		"a file, not executable":  {[]string{plain}, me(t), "permission denied"},
		"a name not in PATH":      {[]string{"no-such-program"}, me(t), "executable file not found in $PATH"},
		"nothing":                 {nil, me(t), "there is no script to run"},
		"a user that is not here": {[]string{"/bin/true"}, "no-such-user", "look up who runs the script: user: unknown user no-such-user"},
	} {
		t.Run(name, func(t *testing.T) {
			err := l.Run(t.Context(), test.command, test.user, "")
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.As(err, new(*exec.ExitError)) {
				t.Errorf("Run: %v, want that it was not run: %s", err, test.want)
			}
			if check := l.Check(test.command, test.user, ""); check == nil || check.Error() != err.Error() {
				t.Errorf("Check: %v, want the same: %v", check, err)
			}
		})
	}
}

func TestNoShellSeesTheArguments(t *testing.T) {
	l := newLauncher(t, Settings{})
	out := filepath.Join(t.TempDir(), "out")
	path := write(t, `for a; do echo "<$a>"; done > `+out)
	arguments := []string{"a b", "$HOME", "*", "`id`", ";", "", "'q'"}
	if err := l.Run(t.Context(), append([]string{path}, arguments...), me(t), ""); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, a := range arguments {
		want = append(want, "<"+a+">")
	}
	if got := read(t, out); !slices.Equal(got, want) {
		t.Errorf("the script got %q, want %q", got, want)
	}
}

// As measured of keepalived 2.2.7: the daemon's environment and directory, umask 0177, and its own process group.
func TestWhatAScriptInherits(t *testing.T) {
	t.Setenv("DROVER_TEST_MARK", "handed down")
	l := newLauncher(t, Settings{})
	out := filepath.Join(t.TempDir(), "out")
	path := write(t, "{ echo $DROVER_TEST_MARK; umask; pwd", "ps -o cls= -p $$ | tr -d ' '", "echo $$",
		"ps -o pgid= -p $$ | tr -d ' '; } > "+out)
	if err := l.Run(t.Context(), []string{path}, me(t), ""); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, out)
	want := []string{"handed down", "0177", here, "TS"}
	if len(got) != len(want)+2 || !slices.Equal(got[:len(want)], want) {
		t.Fatalf("inherited %q, want %q, its number and its group", got, want)
	}
	if pid, group := got[len(want)], got[len(want)+1]; group != pid {
		t.Errorf("process %s is in group %s, want its own", pid, group)
	}
}

func TestAScriptHasNoOpenFileButDevNull(t *testing.T) {
	var pipe [2]int
	if err := unix.Pipe(pipe[:]); err != nil { // as left open by whoever started the daemon
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	l := newLauncher(t, Settings{})
	out := filepath.Join(t.TempDir(), "out")
	command := []string{"/usr/bin/find", "/proc/self/fd", "-type", "l", "-fprintf", out, `%f %l\n`}
	if err := l.Run(t.Context(), command, me(t), ""); err != nil {
		t.Fatal(err)
	}
	got := read(t, out)
	if want := []string{"0 /dev/null", "1 /dev/null", "2 /dev/null"}; len(got) < 3 || !slices.Equal(got[:3], want) {
		t.Errorf("standard files %q, want %q", got, want)
	}
	for _, file := range got {
		if strings.Contains(file, "pipe:") {
			t.Errorf("the script has %s", file)
		}
	}
}

func TestTheDaemonKeepsItsUmask(t *testing.T) {
	before := unix.Umask(0o022)
	defer unix.Umask(before)
	newLauncher(t, Settings{})
	if got := unix.Umask(0o022); got != 0o022 {
		t.Errorf("umask %#o, want it unchanged", got)
	}
}

func TestTheEndOfTheContextEndsTheWholeGroup(t *testing.T) {
	for name, trap := range map[string]string{
		"that heeds SIGTERM":          "trap 'exit 0' TERM",
		"whose leader only heeds it":  "trap 'trap - TERM; exit 3' TERM",
		"that does not heed it":       "trap '' TERM",
		"that does nothing about it":  ":",
		"whose leader has gone ahead": "trap '' TERM; exec sleep 1000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLauncher(t, Settings{})
			out := filepath.Join(t.TempDir(), "out")
			path := write(t, trap, "(trap '' TERM; sleep 1000; :) & child=$!", "echo $$ $child > "+out, "wait")
			if strings.Contains(trap, "exec") {
				path = write(t, "(sleep 1000; :) & child=$!", "echo $$ $child > "+out, trap)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- l.Run(ctx, []string{path}, me(t), "") }()
			pids := strings.Fields(read(t, out)[0])
			why := errors.New("timed out after 1s")
			cancel(why)
			select {
			case err := <-ended:
				if !errors.Is(err, why) || errors.As(err, new(*exec.ExitError)) {
					t.Errorf("Run: %v, want the cause", err)
				}
			case <-time.After(patience):
				t.Fatal("Run did not return")
			}
			for _, pid := range pids {
				awaitGone(t, pid)
			}
		})
	}
}

// awaitGone waits until a process is gone or a zombie.
func awaitGone(t *testing.T, pid string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("process %s lives on", pid)
}

func TestAContextThatHasEndedStartsNothing(t *testing.T) {
	l := newLauncher(t, Settings{})
	out := filepath.Join(t.TempDir(), "out")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Run(ctx, []string{write(t, "echo > "+out)}, me(t), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v, want %v", err, context.Canceled)
	}
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the script was run: %v", err)
	}
}

func TestWhatAScriptLeavesInTheBackgroundGoesOn(t *testing.T) {
	l := newLauncher(t, Settings{})
	out := filepath.Join(t.TempDir(), "out")
	if err := l.Run(t.Context(), []string{write(t, "sleep 1000 & echo $! > "+out)}, me(t), ""); err != nil {
		t.Fatal(err)
	}
	pid := read(t, out)[0]
	if _, err := os.Stat("/proc/" + pid); err != nil {
		t.Errorf("the background process is gone: %v", err)
	}
	if err := exec.Command("kill", "-KILL", pid).Run(); err != nil {
		t.Error(err)
	}
}
