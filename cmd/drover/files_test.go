package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"drover/ctrl/config"
)

// Whoever reads them as they are never comes back.
func TestFilesWithoutEndAreRefusedAtTheirPlace(t *testing.T) {
	dir := t.TempDir()
	fifo, large := filepath.Join(dir, "fifo"), filepath.Join(dir, "large.conf")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, config.MaxFileSize+1); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, file, included, given string }{
		{"a device", "/dev/zero",
			"warning: included file /dev/zero cannot be read: it is no regular file: left out",
			"error: cannot read the configuration file: it is no regular file"},
		{"a FIFO that nobody writes to", fifo,
			"warning: included file " + fifo + " cannot be read: it is no regular file: left out",
			"error: cannot read the configuration file: it is no regular file"},
		{"a directory", dir,
			"warning: included file " + dir + " cannot be read: is a directory: left out",
			"error: cannot read the configuration file: is a directory"},
		{"a large file", large,
			"error: included file " + large + " is too large: it has more than 16 MiB",
			"error: cannot read the configuration file: it has more than 16 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := writeConfig(t, wellAnywhere+"include "+test.file+"\n")
			code := exitDone
			if strings.HasPrefix(test.included, "error") {
				code = exitFailed
			}
			call(t, "check", file).expect(t, code, file+":9:1: "+test.included+"\n", "")
			if test.file != fifo { // a check waits for who writes to it
				call(t, "check", test.file).expect(t, exitFailed, test.file+":1:1: "+test.given+"\n", "")
			}
			got := call(t, "run", "--config", test.file, "--bpffs", dir)
			if got.code != exitFailed || !strings.Contains(got.stderr, strings.TrimPrefix(test.given, "error: ")) {
				t.Errorf("run exits with %d and says %q", got.code, got.stderr)
			}
		})
	}
}

// A file that a template becomes is checked without being written.
func TestAPipeThatEndsIsCheckedAndExplained(t *testing.T) {
	for name, test := range map[string]struct {
		args   []string // before the pipe
		text   string
		code   int
		stdout string // after the name of the pipe
	}{
		"nothing is wrong":      {[]string{"check"}, wellAnywhere, exitDone, ""},
		"a finding":             {[]string{"check"}, wellAnywhere + "mystery\n", exitFailed, ":9:1: error: "},
		"for several machines":  {[]string{"check", "--id", "one,two"}, "@two mystery\n" + wellAnywhere, exitFailed, ":1:6: error: "},
		"nothing comes":         {[]string{"check"}, "", exitFailed, ":1:1: error: there is nothing to do"},
		"it does not end":       {[]string{"check"}, strings.Repeat("#", config.MaxFileSize+1), exitFailed, ":1:1: error: cannot read the configuration file: it has more than 16 MiB"},
		"a pipe, for a program": {[]string{"explain"}, wellAnywhere, exitDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			reads, writes, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer reads.Close()
			written := make(chan error, 1)
			go func() {
				_, err := writes.WriteString(test.text)
				written <- errors.Join(err, writes.Close())
			}()
			pipe := fmt.Sprintf("/dev/fd/%d", reads.Fd())
			got := call(t, append(test.args, pipe)...)
			if err := <-written; err != nil {
				t.Error(err)
			}
			switch {
			case test.args[0] == "explain":
				got.expect(t, test.code, "global_defs {\n}\nvirtual_server 10.0.0.1 80 {", "")
			case test.stdout == "":
				got.expect(t, test.code, "", "")
			default:
				got.expect(t, test.code, pipe+test.stdout, "")
			}
		})
	}
}

func TestAFIFOIsCheckedWhenSomebodyHasWrittenToIt(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(fifo, []byte(wellAnywhere+"mystery\n"), 0) }() // waits until it is read
	call(t, "check", fifo).expect(t, exitFailed, fifo+":9:1: error: ", "")
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestASignalEndsACheck(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, command := range []string{"check", "explain"} {
			t.Run(fmt.Sprint(command, " that nobody listens to, by ", signal), func(t *testing.T) {
				t.Parallel()
				endBy(t, signal, func(says io.Reader) error {
					_, err := bufio.NewReader(says).ReadByte()
					return err
				}, command, writeConfig(t, strings.Repeat(strings.Repeat("mystery", 100)+"\n", 1000)))
			})
			t.Run(fmt.Sprint(command, " that waits for a FIFO, by ", signal), func(t *testing.T) {
				t.Parallel()
				fifo := filepath.Join(t.TempDir(), "fifo")
				if err := syscall.Mkfifo(fifo, 0o600); err != nil {
					t.Fatal(err)
				}
				endBy(t, signal, func(io.Reader) error {
					writes, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits until it is read
					if err == nil {
						t.Cleanup(func() { writes.Close() })
					}
					return err
				}, command, fifo)
			})
		}
	}
}

// endBy sends a signal to a process once it has begun, which is told of what it says, and wants it to end by that.
func endBy(t *testing.T, signal syscall.Signal, begun func(says io.Reader) error, args ...string) {
	drover := exec.Command(os.Args[0], args...)
	drover.Env = append(os.Environ(), asDrover+"=1")
	says, tell, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	drover.Stdout, drover.Stderr = tell, tell
	err = errors.Join(drover.Start(), tell.Close())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- drover.Wait() }()
	if err := begun(says); err != nil {
		t.Error(err)
	}
	if err := drover.Process.Signal(signal); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
		if by := drover.ProcessState.Sys().(syscall.WaitStatus).Signal(); by != signal {
			t.Errorf("it ends by %v, want %v", by, signal)
		}
	case <-time.After(30 * time.Second):
		t.Error("it does not end")
		if err := drover.Process.Kill(); err != nil {
			t.Error(err)
		}
		<-ended
	}
	if err := says.Close(); err != nil {
		t.Error(err)
	}
}
