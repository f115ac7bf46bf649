package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"drover/bench/plot"
)

// benchmark is one of the subcommands that measure.
type benchmark struct {
	name    string
	summary string
	// configure adds the benchmark's own flags, and returns what measures once they are parsed.
	configure func(set *flag.FlagSet) measure
	figure    func(Report) plot.Figure
	rounds    int // by default, if not as most
}

// measure runs a benchmark. Every row is measured so many times.
type measure func(ctx context.Context, rounds int) (Report, error)

// sharedFlags are those of every benchmark.
type sharedFlags struct {
	json   bool
	check  bool
	rounds int
	out    string
}

const (
	mostRounds  = 1000
	usualRounds = 21
)

// add adds the flags with their defaults.
func (f *sharedFlags) add(set *flag.FlagSet, rounds int) {
	f.rounds = rounds
	set.BoolVar(&f.json, "json", false, "write the report as JSON")
	set.BoolVar(&f.check, "check", false, "exit 1 when a bar is not held")
	set.Var(count{&f.rounds, mostRounds}, "rounds", "measure each row `N` times")
	set.StringVar(&f.out, "out", filepath.Join("bench", "results"), "write the report and its plot to `DIR`")
}

// runBenchmark is a subcommand.
func runBenchmark(ctx context.Context, env environment, b benchmark, args []string) error {
	var shared sharedFlags
	set := newFlagSet(env, b.name)
	shared.add(set, cmp.Or(b.rounds, usualRounds))
	run := b.configure(set)
	if err := parse(env, set, args); err != nil {
		return err
	}
	return b.run(ctx, env, shared, run)
}

// runAll runs all of them as they are by default, and as often if no rounds are given. One that fails does not keep the others from running.
func runAll(ctx context.Context, env environment, all []benchmark, args []string) error {
	var shared sharedFlags
	set := newFlagSet(env, "all")
	shared.add(set, 0)
	if err := parse(env, set, args); err != nil {
		return err
	}
	var errs []error
	for _, b := range all {
		if ctx.Err() != nil {
			break
		}
		errs = append(errs, b.run(ctx, env, shared, b.configure(newFlagSet(env, b.name))))
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// run measures, shows the report and files it.
func (b benchmark) run(ctx context.Context, env environment, shared sharedFlags, run measure) error {
	report, err := run(ctx, cmp.Or(shared.rounds, b.rounds, usualRounds))
	if err = cmp.Or(err, report.makeSense()); err != nil {
		return fmt.Errorf("%s: %w", b.name, err)
	}
	write := report.writeTables
	if shared.json {
		write = report.writeJSON
	}
	if err := errors.Join(write(env.stdout), b.file(report, shared.out)); err != nil {
		return fmt.Errorf("%s: %w", b.name, err)
	}
	if shared.check {
		return report.check()
	}
	return nil
}

// file writes the report and its plot into the directory.
func (b benchmark) file(report Report, dir string) error {
	var asJSON, asSVG bytes.Buffer
	if err := errors.Join(report.writeJSON(&asJSON), b.figure(report).WriteSVG(&asSVG)); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make a place for the results: %w", err)
	}
	for extension, content := range map[string][]byte{".json": asJSON.Bytes(), ".svg": asSVG.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, b.name+extension), content, 0o644); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	return nil
}

func newFlagSet(env environment, name string) *flag.FlagSet {
	set := flag.NewFlagSet("bench "+name, flag.ContinueOnError)
	set.SetOutput(env.stderr)
	return set
}

func parse(env environment, set *flag.FlagSet, args []string) error {
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage // the flag set has said what is wrong
	}
	if set.NArg() > 0 {
		fmt.Fprintf(env.stderr, "%s: unexpected argument %q\n", set.Name(), set.Arg(0))
		return errUsage
	}
	return nil
}
