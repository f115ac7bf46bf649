package main

import (
	"bufio"
	"errors"
	"fmt"
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
			call(t, "check", test.file).expect(t, exitFailed, test.file+":1:1: "+test.given+"\n", "")
			got := call(t, "run", "--config", test.file, "--bpffs", dir)
			if got.code != exitFailed || !strings.Contains(got.stderr, strings.TrimPrefix(test.given, "error: ")) {
				t.Errorf("run exits with %d and says %q", got.code, got.stderr)
			}
		})
	}
}

// Nobody reads what it says, so it cannot come to its end.
func TestASignalEndsACheck(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, command := range []string{"check", "explain"} {
			t.Run(fmt.Sprint(command, " by ", signal), func(t *testing.T) {
				t.Parallel()
				endBy(t, signal, command, writeConfig(t, strings.Repeat(strings.Repeat("mystery", 100)+"\n", 1000)))
			})
		}
	}
}

// endBy sends a signal to a process that has begun to speak, and wants it to end by that.
func endBy(t *testing.T, signal syscall.Signal, args ...string) {
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
	if _, err := bufio.NewReader(says).ReadByte(); err != nil {
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
