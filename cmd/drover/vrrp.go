package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"drover/ctrl"
	"drover/dataplane"
)

// vrrpCommand is the word by which `drover run` starts its second process, which is not for people.
const vrrpCommand = "vrrp"

// The file descriptors of the second process, see ctrl.Options.VRRP.
const (
	gatesFile = 3
	clockFile = 4
)

// vrrpProcess is the second process, which is to be started.
func (e env) vrrpProcess() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(self, vrrpCommand)
	cmd.Stderr = e.stderr
	return cmd, nil
}

// runVRRP is the second process. It ends with the first one, whatever signal both are sent.
func runVRRP(e env) (err error) {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	gates, err := dataplane.OpenGates(gatesFile, clockFile)
	if err != nil {
		return usageError{errors.Join(errors.New(vrrpCommand+": it is for drover run to start this"), err)}
	}
	writer := newLogWriter(e.stderr)
	defer func() { err = errors.Join(err, writer.Close()) }()
	return ctrl.RunVRRP(context.Background(), slog.New(slog.NewTextHandler(writer, nil)), os.Stdin, os.Stdout, gates)
}
