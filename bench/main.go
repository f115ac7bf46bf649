// Command bench measures Drover. Each benchmark is a subcommand:
//
//	go run ./bench packet [--json] [--check] [--rounds N] [--flows N,N] [--packets N]
//
// Every benchmark reports in one form, see [Report], and compares only what it measured in the same run. Exit codes: 0
// done, 1 failed or, with --check, a bar not held; 2 wrong usage. They need root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

// command is one benchmark.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, env environment, args []string) error
}

// environment is what a benchmark may write to.
type environment struct {
	stdout, stderr io.Writer
}

var commands = []command{
	{"packet", "nanoseconds per packet of the XDP program, beside yardsticks", runPacket},
}

// errUsage says that the command line was wrong; what was wrong is on stderr already.
var errUsage = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(exitCode(run(ctx, environment{stdout: os.Stdout, stderr: os.Stderr}, os.Args[1:]), os.Stderr))
}

// exitCode shows the error, if it is one to show.
func exitCode(err error, stderr io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	default:
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
}

func run(ctx context.Context, env environment, args []string) error {
	if len(args) == 0 {
		return usage(env, "which benchmark?")
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(ctx, env, args[1:])
		}
	}
	return usage(env, fmt.Sprintf("no benchmark %q", args[0]))
}

func usage(env environment, problem string) error {
	fmt.Fprintf(env.stderr, "bench: %s\nusage: bench COMMAND [FLAGS]; COMMAND -h shows the flags\n", problem)
	for _, c := range commands {
		fmt.Fprintf(env.stderr, "  %-8s %s\n", c.name, c.summary)
	}
	return errUsage
}
