package testbed_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"drover/bench/testbed"
)

// crash builds a lab with a busy host, prints where it is and which process runs on it, and waits to be killed.
func crash() error {
	lab, err := testbed.New(testbed.Options{Name: "crash"})
	if err != nil {
		return err
	}
	h, err := lab.AddHost(testbed.HostSpec{Name: "h", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")}})
	if err != nil {
		return err
	}
	daemon := h.Command(context.Background(), "sleep", "1000")
	if err := daemon.Start(); err != nil {
		return err
	}
	fmt.Println(lab.Dir(), daemon.Process.Pid)
	return daemon.Wait()
}

func TestACrashedLabIsRemoved(t *testing.T) {
	testbed.Require(t)
	self, err := os.Executable()
	check(t, err)
	owner := exec.CommandContext(within(t), self)
	owner.Env = append(os.Environ(), crashVariable+"=1")
	owner.Stderr = os.Stderr
	output, err := owner.StdoutPipe()
	check(t, err)
	check(t, owner.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	check(t, err)
	dir, pidText, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.Atoi(pidText)
	check(t, err)

	live := newLab(t)
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
		t.Fatalf("the lab of a live process was removed: %v", err)
	}

	check(t, owner.Process.Kill())
	if err := owner.Wait(); err == nil {
		t.Fatal("the owner was not killed")
	}
	check(t, testbed.Until(within(t), func() (bool, error) {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH), nil
	}))
	newLab(t)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
	if _, err := os.Stat(live.Dir()); err != nil {
		t.Errorf("the lab of this process was removed: %v", err)
	}
}

func TestAClosedLabLeavesNothing(t *testing.T) {
	p := newPair(t)
	daemon := p.left.Command(t.Context(), "sleep", "1000")
	check(t, daemon.Start())
	check(t, p.lab.Close())
	if err := syscall.Kill(daemon.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("a process is left: %v", err)
	}
	if _, err := os.Stat(p.lab.Dir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
}
