package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"drover/bench/testbed"
)

// lab runs the test executable as lab.
func lab(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asLab+"=1")
	return cmd
}

// mustLab runs lab and returns what it wrote to its standard output.
func mustLab(t *testing.T, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := lab(t, args...)
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("lab %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return string(output)
}

// buildDrover builds the daemon of this source tree.
func buildDrover(t *testing.T) string {
	t.Helper()
	testbed.Require(t)
	path := filepath.Join(t.TempDir(), "drover")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "drover/cmd/drover").CombinedOutput()
	if err != nil {
		t.Fatalf("build drover: %v: %s", err, output)
	}
	return path
}

func TestUpToDown(t *testing.T) {
	drover := buildDrover(t)
	logs := t.TempDir()
	mustLab(t, "up", "--drover", drover, "--logs", logs)
	dir, err := findKept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := os.Stat(dir); err == nil {
			mustLab(t, "down")
		}
	})
	if hosts := mustLab(t, "hosts"); strings.Count(hosts, "\n") != 9 || !strings.Contains(hosts, "00:0d:b9:4a:7c:40") {
		t.Errorf("hosts:\n%s", hosts)
	}
	carrier := func() string { return mustLab(t, "exec", "web151", "cat", "/sys/class/net/eth0/carrier") }
	if before := carrier(); before != "1\n" {
		t.Errorf("carrier before: %q", before)
	}
	mustLab(t, "pull", "web151")
	if pulled := carrier(); pulled != "0\n" {
		t.Errorf("carrier after pull: %q", pulled)
	}
	mustLab(t, "plug", "web151")
	if plugged := carrier(); plugged != "1\n" {
		t.Errorf("carrier after plug: %q", plugged)
	}

	mustLab(t, "exec", "u109lb14", "touch", "/run/before")
	mustLab(t, "reboot", "u109lb14")
	if err := lab(t, "exec", "u109lb14", "test", "-e", "/run/before").Run(); exitCode(err) != 1 {
		t.Errorf("the file in /run survives a reboot: %v", err)
	}
	if err := lab(t, "exec", "u109lb14", "sh", "-c", "cat /proc/[0-9]*/comm | grep -qx drover").Run(); err != nil {
		t.Errorf("drover does not run after a reboot: %v", err)
	}

	if err := lab(t, "up", "--drover", drover, "--logs", logs).Run(); exitCode(err) != exitFailed {
		t.Errorf("a second up: %v", err)
	}
	mustLab(t, "down")
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", dir, err)
	}
	if err := lab(t, "down").Run(); exitCode(err) != exitFailed {
		t.Errorf("a second down: %v", err)
	}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

func TestAnInterruptedDemoCleansUp(t *testing.T) {
	drover := buildDrover(t)
	demo := lab(t, "demo", "--drover", drover, "--pcap", filepath.Join(t.TempDir(), "demo.pcapng"))
	output, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	var id string
	for lines.Scan() && !strings.Contains(lines.Text(), "drover run") {
		if rest, ok := strings.CutPrefix(lines.Text(), "This is lab "); ok {
			id, _, _ = strings.Cut(rest, ".")
		}
	}
	if id == "" {
		t.Fatal("the demo does not say which lab it is")
	}
	if err := demo.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, output); err != nil {
		t.Error(err)
	}
	if err := demo.Wait(); exitCode(err) != exitFailed {
		t.Errorf("exit: %v", err)
	}
	labs, err := testbed.Labs()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range labs {
		if filepath.Base(dir) == id {
			t.Errorf("%s is left", dir)
		}
	}
}
