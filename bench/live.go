package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"drover/bench/plot"
)

// liveOptions size the live benchmark.
type liveOptions struct {
	family  Family
	flows   []int
	packets int // in one measurement, at least
	rounds  int
}

// liveOverFloor is how much of the floor's throughput Drover keeps, with one connection.
const liveOverFloor = 0.85

func liveBenchmark() benchmark {
	return benchmark{
		name: "live", summary: "packets per second through a cable, on one core, beside yardsticks",
		configure: func(set *flag.FlagSet) measure {
			o := liveOptions{family: IPv4, flows: []int{1, 100_000}, packets: 500_000}
			set.Var(familyFlag{&o.family}, "family", "measure with frames of `F`")
			set.Var(counts{&o.flows, mostFlows}, "flows", "measure with `N,N...` flows")
			set.Var(count{&o.packets, mostPackets}, "packets", "send at least `N` packets in a measurement")
			return func(ctx context.Context, rounds int) (Report, error) {
				o.rounds = rounds
				return benchLive(ctx, o)
			}
		},
		figure: func(r Report) plot.Figure { return r.sectionFigure("Throughput of one core") },
	}
}

// lane is a contestant at the far end of a cable of its own.
type lane struct {
	*contestant
	cable *cable
}

// benchLive sends frames to every contestant in turn. Generator, balancer and sink share one processor, so that the
// rate is what one core does for all three. It is of the processor's time: a live run begins and ends with tens of
// milliseconds in which the kernel waits.
func benchLive(ctx context.Context, o liveOptions) (Report, error) {
	report, err := newReport("live", "native, on veth; live frames, processor time of one core", perPacket, o.rounds)
	if err != nil {
		return Report{}, err
	}
	for _, flows := range o.flows {
		err := inPrivate(func() error {
			core, err := takeCore()
			if err != nil {
				return err
			}
			if err := silence(); err != nil {
				return err
			}
			rows, ipvs, err := benchLanes(ctx, core, flows, o)
			report.Rows, report.IPVS = append(report.Rows, rows...), ipvs
			return err
		})
		if err != nil {
			return Report{}, fmt.Errorf("with %s: %w", countOf(flows, "flow"), err)
		}
	}
	if report.IPVS == errNoIPVS.Error() {
		rows, told, err := benchInUML(ctx, o)
		if err != nil {
			return Report{}, fmt.Errorf("beside IPVS: %w", err)
		}
		report.Rows, report.IPVS = append(report.Rows, rows...), report.IPVS+"; "+told
	}
	drover, found := report.row("drover", Established, o.family, 1)
	floor, foundFloor := report.row("floor", Established, o.family, 1)
	if found && foundFloor {
		rate := hundredths(floor.Median / drover.Median)
		report.Bars = append(report.Bars, atLeast("throughput at 1 flow, drover/floor", rate, liveOverFloor))
	}
	return report, nil
}

// benchLanes measures with one number of flows. It tells whether IPVS took part.
func benchLanes(ctx context.Context, core core, flows int, o liveOptions) (rows []Row, ipvs string, err error) {
	lanes, ipvs, err := openLanes(ctx, o.family, flows)
	defer func() { err = errors.Join(err, closeLanes(lanes)) }()
	if err != nil {
		return nil, "", err
	}
	opening, err := newPlayer(o.family, openEach(flows))
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, opening.close()) }()
	using, err := newPlayer(o.family, useEach(flows))
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, using.close()) }()

	all := make([]*contestant, len(lanes))
	laneOf := make(map[*contestant]lane)
	for i, l := range lanes {
		if err := l.open(l.driver(ctx, core, opening), flows); err != nil {
			return nil, "", fmt.Errorf("open connections in %s: %w", l.name, err)
		}
		all[i], laneOf[l.contestant] = l.contestant, l
	}
	passes := (o.packets + flows - 1) / flows
	found, err := inRounds(ctx, all, o.rounds, func(c *contestant, _ int) (float64, error) {
		return c.established(laneOf[c].driver(ctx, core, using), flows, passes)
	})
	if err != nil {
		return nil, "", err
	}
	for _, c := range all {
		rows = append(rows, liveRow(c, flows, found[c]))
	}
	return rows, ipvs, nil
}

// liveRow has times and rates.
func liveRow(c *contestant, flows int, ns []float64) Row {
	const nanosecondsPerMicrosecond = 1e3
	row := newRow(c, Established, flows, ns)
	rate := func(ns float64) float64 { return hundredths(nanosecondsPerMicrosecond / ns) }
	row.Mpps = &Rate{Median: rate(row.Median), Min: rate(row.Max), Max: rate(row.Min)}
	return row
}

// driver sends the script through the cable and waits for the sink to have it all. A frame that is lost, or comes back
// as it should not, is an error.
func (l lane) driver(ctx context.Context, core core, p *player) drive {
	return func(from, packets int) (float64, error) {
		reals, others, err := l.cable.received()
		if err != nil {
			return 0, err
		}
		start, err := core.used()
		if err != nil {
			return 0, err
		}
		if err := p.send(l.cable.near.index, from, packets); err != nil {
			return 0, err
		}
		if err := l.awaitFrames(ctx, reals+uint64(packets), others); err != nil {
			return 0, err
		}
		end, err := core.used()
		return float64(end-start) / float64(packets), err
	}
}

// awaitFrames waits until the sink has counted so many.
func (l lane) awaitFrames(ctx context.Context, reals, others uint64) error {
	const patience, pause = time.Second, 50 * time.Microsecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		gotReals, gotOthers, err := l.cable.received()
		switch {
		case err != nil:
			return err
		case gotOthers != others || gotReals > reals:
			return fmt.Errorf("%d frames too many came back to real servers, and %d to nobody",
				max(gotReals, reals)-reals, gotOthers-others)
		case gotReals == reals:
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s did not come back: %w", countOf(int(reals-gotReals), "frame"), ctx.Err())
		}
	}
}
