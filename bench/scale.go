package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"drover/bench/plot"
)

// Paths of the scale benchmark. The first three are changes of the tables of all services, and beside them the least
// that the kernel takes for them: see [openEntries].
const (
	FromNothing Path = "tables applied from nothing"
	OneServer   Path = "one real server of all services changed"
	Unchanged   Path = "the same tables applied again"
	ManyFlows   Path = "established, in a large table"
)

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
	limits := map[Path]time.Duration{FromNothing: longestApply, OneServer: longestChange}
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
	report.Notes = []string{fmt.Sprintf("%s of %s each", countOf(o.services, "service"), countOf(o.reals, "real server"))}
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
	apply() error        // everything, from nothing
	change() error       // one real server of all services
	again() (int, error) // the same; says how many entries it has written at least
	close() error
}

// benchChanges measures each change in every round, on tables that are made anew.
func benchChanges(ctx context.Context, o scaleOptions) (rows []Row, bars []Bar, err error) {
	found := make(map[string]map[Path][]float64)
	written := 0
	changers := []struct {
		name string
		open func(scaleOptions) (changer, error)
	}{{"drover", openServices}, {"map", openEntries}}
	for range o.rounds {
		for _, c := range changers {
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
			if c.name == "drover" {
				written += n
			}
		}
	}
	for _, path := range []Path{FromNothing, OneServer, Unchanged} {
		for _, c := range changers {
			rows = append(rows, newRow(&contestant{name: c.name, family: IPv4}, path, 0, found[c.name][path]))
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
	for _, step := range []struct {
		path Path
		do   func() error
	}{
		{FromNothing, c.apply},
		{OneServer, c.change},
		{Unchanged, func() (err error) {
			written, err = c.again()
			return err
		}},
	} {
		start := time.Now()
		if err := step.do(); err != nil {
			return 0, fmt.Errorf("%s: %w", step.path, err)
		}
		found[step.path] = append(found[step.path], float64(time.Since(start)))
	}
	return written, nil
}

func changeBars(rows []Row, written int) []Bar {
	bars := []Bar{}
	for _, row := range rows {
		if row.Program != "drover" {
			continue
		}
		took := time.Duration(row.Median)
		switch row.Path {
		case FromNothing:
			bars = append(bars, atMost(string(row.Path)+", s", thousandths(took.Seconds()), longestApply.Seconds()))
		case OneServer:
			ms := float64(took) / float64(time.Millisecond)
			bars = append(bars, atMost(string(row.Path)+", ms", hundredths(ms), float64(longestChange.Milliseconds())))
		}
	}
	return append(bars, atMost(string(Unchanged)+", entries written", float64(written), 0))
}
