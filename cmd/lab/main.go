// Command lab is the tutorial's network on one machine: five balancers that run drover, two web servers, a client and
// a reverse proxy, out of network namespaces. `lab demo` walks through the tutorial and checks every step; `lab up`
// leaves the network running for the other commands.
//
// It needs root and Linux 5.15 or newer, and touches no interface of the machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"drover/bench/testbed"
)

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

// errUsage marks a command line that makes no sense.
var errUsage = errors.New("see lab help")

// childExit is the exit code of the command of `lab exec`, which becomes lab's.
type childExit int

func (c childExit) Error() string { return fmt.Sprintf("the command ended with exit code %d", int(c)) }

// environment is what a command may use of the process.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// command is a subcommand.
type command struct {
	name, args, help string
	run              func(ctx context.Context, env environment, args []string) error
}

// commands returns all subcommands; those without help are for lab itself.
func commands() []command {
	return []command{
		{"demo", "[--drover FILE] [--pcap FILE]", "build the network, walk through the tutorial, tear it down", demoCommand},
		{"up", "[--drover FILE] [--logs DIR]", "build the network and leave it running", upCommand},
		{"down", "", "tear down what up built", downCommand},
		{"hosts", "", "list the hosts of the running network", hostsCommand},
		{"exec", "HOST COMMAND [ARG...]", "run a command on a host", execCommand},
		{"pull", "HOST", "pull the host's cable out of the switch", orderCommand("pull")},
		{"plug", "HOST", "put the cable back", orderCommand("plug")},
		{"cut", "HOST", "lose every frame of the host while its carrier stays", orderCommand("cut")},
		{"mend", "HOST", "undo cut", orderCommand("mend")},
		{"reboot", "HOST", "turn the host off and on again", orderCommand("reboot")},
		{keeperName, "", "", keeperCommand},
		{webName, "", "", webCommand},
		{proxyName, "", "", proxyCommand},
	}
}

func main() {
	testbed.RunChild()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, environment{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}, os.Args[1:])
	stop()
	os.Exit(report(os.Stderr, err))
}

func run(ctx context.Context, env environment, args []string) error {
	if len(args) == 0 {
		usage(env.stderr)
		return errUsage
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, env, args[1:])
		}
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(env.stdout)
		return nil
	}
	return fmt.Errorf("unknown command %q: %w", args[0], errUsage)
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "lab builds the tutorial's network on this machine. Needs root.")
	fmt.Fprintln(w)
	for _, c := range commands() {
		if c.help != "" {
			fmt.Fprintf(w, "  lab %-6s %-30s %s\n", c.name, c.args, c.help)
		}
	}
}

// report prints the error and returns the exit code.
func report(w io.Writer, err error) int {
	var child childExit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &child): // it has said why
		return int(child)
	case errors.Is(err, errUsage):
		fmt.Fprintln(w, "lab:", err)
		return exitUsage
	}
	fmt.Fprintln(w, "lab:", err)
	return exitFailed
}
