package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// A Cmd is a command of a host. It is an exec.Cmd whose process lives in the host's namespaces: it sees the host's
// network, processes, /sys/fs/bpf, /run and /etc. Process.Pid is the number outside of the host.
//
// The process ends with its host. A command that outlives ctx is killed.
type Cmd struct {
	*exec.Cmd

	host *Host
	wait func() error
}

// Command returns a command that Start, Run, Output or CombinedOutput runs on the host. It starts in /. Ctrl-C at the
// terminal does not reach it.
func (h *Host) Command(ctx context.Context, name string, args ...string) *Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	return &Cmd{Cmd: cmd, host: h}
}

// Start starts the command. Wait must be called some time after, unless the host is turned off before.
func (c *Cmd) Start() error {
	h := c.host
	m := h.running()
	if m == nil {
		return fmt.Errorf("start %s on %s: %w", c.Path, h.Name(), ErrHostOff)
	}
	c.wait = sync.OnceValue(func() error {
		err := c.Cmd.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		m.cmds = slices.DeleteFunc(m.cmds, func(other *Cmd) bool { return other == c })
		return err
	})
	// Under the lock, so that stop sees every process that exists.
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run != m {
		return fmt.Errorf("start %s on %s: %w", c.Path, h.Name(), ErrHostOff)
	}
	if err := m.ns.Start(c.Cmd); err != nil {
		return fmt.Errorf("start %s on %s: %w", c.Path, h.Name(), err)
	}
	m.cmds = append(m.cmds, c)
	return nil
}

// Wait waits for the command to end, as exec.Cmd.Wait. It may be called more than once and by several goroutines.
func (c *Cmd) Wait() error {
	if c.wait == nil {
		return errors.New("wait for a command that was not started")
	}
	return c.wait()
}

// Run starts the command and waits for it.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the command and returns what it wrote to its standard output. The error holds what it wrote to its
// standard error.
func (c *Cmd) Output() ([]byte, error) {
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		return stdout.Bytes(), fmt.Errorf("%s on %s: %w: %s", c.Path, c.host.Name(), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// CombinedOutput runs the command and returns what it wrote to its standard output and its standard error.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	err := c.Run()
	return output.Bytes(), err
}
