package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"drover/bench/testbed"
)

// upCommand starts the keeper in the background and waits until the network stands.
func upCommand(ctx context.Context, env environment, args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.SetOutput(env.stderr)
	drover := flags.String("drover", "", "the drover binary (default: beside lab)")
	logs := flags.String("logs", "", "directory for log files (default: .lab here, or a temporary one)")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errUsage
	}
	if dir, err := findKept(); err == nil {
		return fmt.Errorf("a network is up already (%s): lab down ends it", filepath.Base(dir))
	}
	program, err := findDrover(*drover)
	if err != nil {
		return err
	}
	logDir, err := outputDir(*logs)
	if err != nil {
		return err
	}
	if err := startKeeper(ctx, program, logDir); err != nil {
		return fmt.Errorf("bring the network up: %w", err)
	}
	fmt.Fprintf(env.stdout, "The network is up; logs are in %s. Try:\n\n", logDir)
	for _, g := range groups() {
		fmt.Fprintf(env.stdout, "  lab exec %s curl http://%s/\n", clientName, g.vip)
	}
	fmt.Fprintf(env.stdout, "  lab exec %s ip neigh\n  lab exec %s ip addr\n  lab pull web151\n  lab reboot u109lb14\n  lab down\n",
		clientName, groups()[2].master().name)
	return nil
}

// startKeeper runs the keeper as a process of its own session and waits until the network stands. If ctx ends before,
// the keeper is told to tear down.
func startKeeper(ctx context.Context, drover, logs string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	readyRead, readyWrite, err := os.Pipe()
	if err != nil {
		return err
	}
	defer readyRead.Close()
	defer readyWrite.Close()
	log, err := os.OpenFile(filepath.Join(logs, "lab.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	keeper := exec.Command(self, keeperName, "--drover", drover, "--logs", logs)
	keeper.Stdout, keeper.Stderr, keeper.ExtraFiles = log, log, []*os.File{readyWrite}
	keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := keeper.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = keeper.Process.Signal(syscall.SIGTERM) }) // its report ends, see below
	defer stop()
	if err := readyWrite.Close(); err != nil {
		return err
	}
	report, err := io.ReadAll(readyRead)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), keeper.Wait())
	}
	if len(report) > 0 {
		return errors.New(string(report))
	}
	return keeper.Process.Release()
}

// outputDir makes and returns the directory that a command writes to: the wanted one, or .lab in the current
// directory, or a temporary one where that cannot be.
func outputDir(wanted string) (string, error) {
	if wanted != "" {
		dir, err := filepath.Abs(wanted)
		if err != nil {
			return "", err
		}
		return dir, os.MkdirAll(dir, 0o755)
	}
	if dir, err := filepath.Abs(".lab"); err == nil && os.MkdirAll(dir, 0o755) == nil {
		return dir, nil
	}
	return os.MkdirTemp("", "lab-")
}

// downCommand tears down what up built and waits until it is gone.
func downCommand(ctx context.Context, _ environment, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	dir, err := findKept()
	if err != nil {
		return err
	}
	if _, err := order(ctx, dir, "POST", "/down"); err != nil {
		return fmt.Errorf("take the network down: %w", err)
	}
	return testbed.Until(ctx, func() (bool, error) {
		_, err := os.Stat(dir)
		return errors.Is(err, fs.ErrNotExist), nil
	})
}

func hostsCommand(ctx context.Context, env environment, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	dir, err := findKept()
	if err != nil {
		return err
	}
	table, err := order(ctx, dir, "GET", "/hosts")
	if err != nil {
		return err
	}
	_, err = io.WriteString(env.stdout, table)
	return err
}

// orderCommand is a subcommand that tells the keeper to do something to a host.
func orderCommand(action string) func(context.Context, environment, []string) error {
	return func(ctx context.Context, _ environment, args []string) error {
		if len(args) != 1 || strings.Contains(args[0], "/") {
			return fmt.Errorf("%s needs a host: %w", action, errUsage)
		}
		dir, err := findKept()
		if err != nil {
			return err
		}
		if _, err := order(ctx, dir, "POST", "/hosts/"+args[0]+"/"+action); err != nil {
			return fmt.Errorf("%s %s: %w", action, args[0], err)
		}
		return nil
	}
}

// execCommand runs a command on a host of the running network, at the user's terminal.
func execCommand(_ context.Context, env environment, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("exec needs a host and a command: %w", errUsage)
	}
	dir, err := findKept()
	if err != nil {
		return err
	}
	host, err := testbed.OpenHost(dir, args[0])
	if err != nil {
		return err
	}
	defer host.Close()
	// Ctrl-C is for the command, which shares the terminal; lab waits for what it makes of it.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = env.stdin, env.stdout, env.stderr
	if err := host.Start(cmd); err != nil {
		return fmt.Errorf("run %s on %s: %w", args[1], args[0], err)
	}
	err = cmd.Wait()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.Exited() {
		return childExit(ended.ExitCode())
	}
	return err
}
