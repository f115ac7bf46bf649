package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
)

// failoverOptions choose what is measured.
type failoverOptions struct {
	drover  string // the daemon; built if empty
	adverts []adverts
	pairs   []pair
	faults  []fault
	rounds  int
}

// perOutage is the unit of a report of outages.
const perOutage = "outage"

// failoverRounds is how often each case is measured by default.
const failoverRounds = 7

func failoverBenchmark() benchmark {
	return benchmark{
		name: "failover", summary: "what a client notices of a takeover, beside keepalived", rounds: failoverRounds,
		configure: func(set *flag.FlagSet) measure {
			o := failoverOptions{adverts: allAdverts(), pairs: allPairs(), faults: allFaults()}
			set.StringVar(&o.drover, "drover", "", "measure the daemon `FILE` (default: built from the source)")
			set.Var(newChoice(&o.adverts, func(a adverts) string { return a.name }), "adverts", "advert every `T,T...`")
			set.Var(newChoice(&o.pairs, func(p pair) string { return p.name }), "pairs", "measure the pairs `P,P...`")
			set.Var(newChoice(&o.faults, func(f fault) string { return f.name }), "faults", "measure the faults `F,F...`")
			return func(ctx context.Context, rounds int) (Report, error) {
				o.rounds = rounds
				return benchFailover(ctx, o)
			}
		},
		figure: failoverFigure,
	}
}

// benchFailover has every pair go through every fault in every round.
func benchFailover(ctx context.Context, o failoverOptions) (report Report, err error) {
	report, err = newReport("failover", "native, on veth", perOutage, o.rounds)
	if err != nil {
		return Report{}, err
	}
	report.Notes = failoverNotes()
	if _, err := exec.LookPath("keepalived"); err != nil && slices.ContainsFunc(o.pairs, pair.hasKeepalived) {
		return Report{}, fmt.Errorf("%w: install it, or choose with --pairs drover", err)
	}
	dir, err := os.MkdirTemp("", "bench-failover-")
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if slices.ContainsFunc(o.pairs, pair.hasDrover) {
		if o.drover, err = droverBinary(ctx, o.drover, dir); err != nil {
			return Report{}, err
		}
	}
	defer calmRuntime()()
	for _, a := range o.adverts {
		found, err := o.measure(ctx, a)
		if err != nil {
			return Report{}, fmt.Errorf("%s: %w", a, err)
		}
		report.Rows = append(report.Rows, failoverRows(a, o.pairs, found)...)
		report.Notes = append(report.Notes, roundsNote(a, o.rounds))
		report.Notes = append(append(report.Notes, takeoverNotes(a, o.pairs, found)...), stallNote(a, found))
	}
	report.Bars = failoverBars(report)
	return report, nil
}

// calmRuntime keeps the Go runtime from stopping the threads that measure: none waits for its turn or for the garbage
// collector, which runs between the repetitions only. The answer undoes it.
func calmRuntime() (restore func()) {
	const turns = 32
	processors, percent := runtime.GOMAXPROCS(turns), debug.SetGCPercent(-1)
	return func() {
		runtime.GOMAXPROCS(processors)
		debug.SetGCPercent(percent)
	}
}

// outages are what was found of each pair, by the place of the pair, in each round.
type outages []map[Path][]outage

// measure runs the pairs in turns, one at a time: a daemon that starts keeps the kernel busy for some milliseconds, which
// clients of another pair on the same machine would notice.
func (o failoverOptions) measure(ctx context.Context, a adverts) (outages, error) {
	found := make(outages, len(o.pairs))
	for i := range found {
		found[i] = make(map[Path][]outage)
	}
	rounds := a.roundsOf(o.rounds)
	for round := range rounds {
		for i, p := range o.pairs {
			runtime.GC()
			r := repetition{faults: o.faults, number: round, of: rounds}
			if err := onLAN(ctx, a, p, o.drover, r.run); err != nil {
				return nil, fmt.Errorf("%s, round %d: %w", p.name, round+1, err)
			}
			for path, outage := range r.found {
				found[i][path] = append(found[i][path], outage)
			}
		}
	}
	return found, nil
}
