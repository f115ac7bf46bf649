package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"time"

	"drover/bench/plot"
)

// Paths of the scale benchmark. The first are changes of the tables of all services, from what becomes known to the last
// write, and beside some of them the least that the kernel takes for that: see [openEntries].
const (
	FromNothing Path = "tables planned and applied from nothing"
	OneDown     Path = "one real server of all services goes down"
	OneUp       Path = "one real server of all services comes up"
	Reweighted  Path = "one real server of all services is reweighted"
	Unchanged   Path = "the same configuration loaded again"
	ManyFlows   Path = "established, in a large table"
)

// changePaths are those of the changes.
func changePaths() []Path { return []Path{FromNothing, OneDown, OneUp, Reweighted, Unchanged} }

// scaleOptions size the scale benchmark.
type scaleOptions struct {
	services int
	reals    int // in each service, the same in all
	flows    int // in the large table
	rounds   int
}

// Limits of the scale benchmark.
const (
	mostServices = 4096
	mostReals    = 1000

	longestApply    = time.Second
	longestChange   = 50 * time.Millisecond
	mostPerThousand = 1  // connections without a place in a table that is sized for them
	ipv4SlotBytes   = 20 // of map
	ipv6SlotBytes   = 40
)

func scaleBenchmark() benchmark {
	return benchmark{
		name: "scale", summary: "changes of many virtual servers, and a table of many connections",
		configure: func(set *flag.FlagSet) measure {
			o := scaleOptions{services: 1000, reals: 200, flows: 4_000_000}
			set.Var(count{&o.services, mostServices}, "services", "apply `N` virtual servers")
			set.Var(count{&o.reals, mostReals}, "reals", "give each virtual server `N` real servers")
			set.Var(count{&o.flows, mostFlows}, "flows", "open `N` connections in the large table")
			return func(ctx context.Context, rounds int) (Report, error) {
				o.rounds = rounds
				return benchScale(ctx, o)
			}
		},
		figure: scaleFigure,
	}
}

// scaleFigure has a panel for each path, with the limit of the changes in it.
func scaleFigure(r Report) plot.Figure {
	figure := r.emptyFigure("Many services, many flows")
	limits := changeLimits()
	for _, s := range r.sections() {
		panel := r.panel(string(s.path), func(row Row) string {
			switch {
			case row.Path != s.path:
				return ""
			case row.Flows > 0:
				return countOf(row.Flows, "flow")
			}
			return r.Notes[0]
		})
		panel.Limit = float64(limits[s.path].Milliseconds())
		figure.Panels = append(figure.Panels, panel)
	}
	return figure
}

// benchScale applies large tables, and then fills a large flow table.
func benchScale(ctx context.Context, o scaleOptions) (Report, error) {
	report, err := newReport("scale", testRuns+"; changes: wall-clock time", perChange, o.rounds)
	if err != nil {
		return Report{}, err
	}
	report.Notes = []string{
		fmt.Sprintf("%s of %s each", countOf(o.services, "service"), countOf(o.reals, "real server")),
		"a change of weight under mh makes all tables anew and has no bar; that a real server goes down changes none",
	}
	err = inPrivate(func() error {
		rows, bars, err := benchChanges(ctx, o)
		if err != nil {
			return err
		}
		more, barsOfFlows, err := benchManyFlows(ctx, o)
		if err != nil {
			return fmt.Errorf("with %s: %w", countOf(o.flows, "flow"), err)
		}
		report.Rows, report.Bars = append(rows, more...), append(bars, barsOfFlows...)
		return nil
	})
	if err != nil {
		return Report{}, err
	}
	return report, nil
}

// changer is what can be changed: the tables of Drover, or a plain map beside them.
type changer interface {
	steps() []changeStep
	written() int // entries, by the step Unchanged; at least
	close() error
}

// changeStep is one of the changes that are made one after the other.
type changeStep struct {
	path    Path
	prepare func() error // not measured; may be nil
	do      func() error
}

// changers are Drover, by its usual scheduler and by others, and the plain map.
func changers() []changerKind {
	return []changerKind{
		{"drover", openServices("rr")}, {"drover wrr", openServices("wrr")}, {"drover wlc", openServices("wlc")},
		{"drover mh", openServices("mh")}, {"map", openEntries},
	}
}

type changerKind struct {
	name string
	open func(scaleOptions) (changer, error)
}

// benchChanges measures each change in every round, on tables that are made anew.
func benchChanges(ctx context.Context, o scaleOptions) (rows []Row, bars []Bar, err error) {
	found := make(map[string]map[Path][]float64)
	written := 0
	for range o.rounds {
		for _, c := range changers() {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			if found[c.name] == nil {
				found[c.name] = make(map[Path][]float64)
			}
			n, err := changeOnce(c.open, o, found[c.name])
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", c.name, err)
			}
			written += n
		}
	}
	for _, path := range changePaths() {
		for _, c := range changers() {
			if ns := found[c.name][path]; ns != nil {
				rows = append(rows, newRow(&contestant{name: c.name, family: IPv4}, path, 0, ns))
			}
		}
	}
	return rows, changeBars(rows, written), nil
}

// changeOnce makes tables, changes them and takes them away.
func changeOnce(open func(scaleOptions) (changer, error), o scaleOptions, found map[Path][]float64) (
	written int, err error,
) {
	c, err := open(o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	runtime.GC() // what was made before is not this one's to clear away
	for _, step := range c.steps() {
		if step.prepare != nil {
			if err := step.prepare(); err != nil {
				return 0, fmt.Errorf("before %s: %w", step.path, err)
			}
		}
		start := time.Now()
		if err := step.do(); err != nil {
			return 0, fmt.Errorf("%s: %w", step.path, err)
		}
		found[step.path] = append(found[step.path], float64(time.Since(start)))
	}
	return c.written(), nil
}

// changeLimits are the bars of the changes.
func changeLimits() map[Path]time.Duration {
	return map[Path]time.Duration{
		FromNothing: longestApply, OneDown: longestChange, OneUp: longestChange, Reweighted: longestChange,
	}
}

func changeBars(rows []Row, written int) []Bar {
	bars := []Bar{}
	for _, row := range rows {
		limit, judged := changeLimits()[row.Path]
		// A table of mh has 4093 entries in each service, whatever changes in it.
		rewritesAll := row.Program == "drover mh" && row.Path == Reweighted
		if !judged || row.Program == "map" || rewritesAll {
			continue
		}
		ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
		name := fmt.Sprintf("%s, %s, ms", row.Path, row.Program)
		bars = append(bars, atMost(name, hundredths(ms(time.Duration(row.Median))), ms(limit)))
	}
	return append(bars, atMost(string(Unchanged)+", entries written", float64(written), 0))
}
