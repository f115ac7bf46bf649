// Command bench measures Drover. Each benchmark is a subcommand:
//
//	go run ./bench COMMAND [--json] [--check] [--rounds N] [--out DIR] [FLAGS]
//
//	packet    nanoseconds per packet of the XDP program, beside yardsticks
//	live      packets per second through a cable, on one core
//	flood     what a flood does to the connections that are there, and to new ones
//	scale     changes of many virtual servers, and a table of many connections
//	failover  what a client notices of a takeover, beside keepalived
//	health    thousands of health checks, and how soon a dead server is known
//	all       all of them
//
// Every benchmark reports in one form, see [Report], and compares only what it measured in the same run. It leaves the
// report and a plot of it in DIR, bench/results by default. Exit codes: 0 done, 1 failed or, with --check, a bar not
// held; 2 wrong usage. They need root, live and health also ip(8), failover
// and health taskset(1) and chrt(1), and failover keepalived.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"drover/bench/ipvs"
	"drover/bench/testbed"
)

// environment is what a benchmark may write to.
type environment struct {
	stdout, stderr io.Writer
}

func benchmarks() []benchmark {
	return []benchmark{packetBenchmark(), liveBenchmark(), floodBenchmark(), scaleBenchmark(), failoverBenchmark(), healthBenchmark()}
}

// errUsage says that the command line was wrong; what was wrong is on stderr already.
var errUsage = errors.New("wrong usage")

func main() {
	ipvs.RunGuest(guestJobs()...)
	testbed.RunChild()
	runHealthServers()
	runEchoServers()
	runFailoverClient()
	runHealthChecker()
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
	if args[0] == "all" {
		return runAll(ctx, env, benchmarks(), args[1:])
	}
	for _, b := range benchmarks() {
		if b.name == args[0] {
			return runBenchmark(ctx, env, b, args[1:])
		}
	}
	return usage(env, fmt.Sprintf("no benchmark %q", args[0]))
}

func usage(env environment, problem string) error {
	fmt.Fprintf(env.stderr, "bench: %s\nusage: bench COMMAND [FLAGS]; COMMAND -h shows the flags\n", problem)
	for _, b := range benchmarks() {
		fmt.Fprintf(env.stderr, "  %-8s %s\n", b.name, b.summary)
	}
	fmt.Fprintf(env.stderr, "  %-8s %s\n", "all", "all of them")
	return errUsage
}
