package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"drover/bench/plot"
)

// Paths of the packet benchmark.
const (
	// Established packets belong to connections that are in the table, each in turn in an order of chance.
	Established Path = "established"
	// New packets are each the SYN of a connection never seen before, while the table holds so many established ones.
	New Path = "new"
)

// packetOptions size the packet benchmark.
type packetOptions struct {
	families []Family
	flows    []int // sizes to measure at
	packets  int   // in one measurement, at least
	rounds   int   // measurements of each row
}

// Most that the scripts of the player are made for: they hold every packet.
const (
	mostFlows   = 10_000_000
	mostPackets = 50_000_000 // rounds times packets
)

// testRuns is the mode of programs that no driver runs.
const testRuns = "test runs of the program (BPF_PROG_TEST_RUN), processor time"

func packetBenchmark() benchmark {
	return benchmark{
		name: "packet", summary: "nanoseconds per packet of the XDP program, beside yardsticks",
		configure: func(set *flag.FlagSet) measure {
			o := packetOptions{families: families(), flows: []int{1, 1_000, 100_000, 1_000_000}, packets: 250_000}
			set.Var(familyList{&o.families}, "families", "measure with frames of `F,F...`")
			set.Var(counts{&o.flows, mostFlows}, "flows", "measure with `N,N...` flows")
			set.Var(count{&o.packets, mostPackets}, "packets", "play at least `N` packets in a measurement")
			return func(ctx context.Context, rounds int) (Report, error) {
				o.rounds = rounds
				return benchPacket(ctx, o)
			}
		},
		figure: func(r Report) plot.Figure { return r.sectionFigure("Nanoseconds per packet") },
	}
}

// measurements of one path with one number of flows, by program.
type measurements map[string][]float64

// benchPacket measures all programs. In each round every program takes its turn, so that what disturbs the machine
// disturbs all of them.
func benchPacket(ctx context.Context, options packetOptions) (Report, error) {
	if options.rounds > mostPackets/options.packets {
		return Report{}, fmt.Errorf("%d rounds of %d packets are more than %d: lessen --rounds or --packets",
			options.rounds, options.packets, mostPackets)
	}
	report, err := newReport("packet", testRuns, perPacket, options.rounds)
	if err != nil {
		return Report{}, err
	}
	err = inPrivate(func() error {
		for _, family := range options.families {
			rows, err := benchFamily(ctx, family, options)
			if err != nil {
				return fmt.Errorf("%s: %w", family, err)
			}
			report.Rows = append(report.Rows, rows...)
		}
		return nil
	})
	if err != nil {
		return Report{}, err
	}
	report.Bars = packetBars(report)
	return report, nil
}

// benchFamily measures with every number of flows.
func benchFamily(ctx context.Context, family Family, options packetOptions) (rows []Row, err error) {
	for _, flows := range options.flows {
		more, err := benchFlows(ctx, family, flows, options)
		if err != nil {
			return nil, fmt.Errorf("with %s: %w", countOf(flows, "flow"), err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// benchFlows measures both paths with one number of flows.
func benchFlows(ctx context.Context, family Family, flows int, options packetOptions) (rows []Row, err error) {
	passes := (options.packets + flows - 1) / flows
	established, err := inTables(family, flows, flows, Established, func(all []*contestant) (measurements, error) {
		return benchEstablished(ctx, all, family, flows, passes, options.rounds)
	})
	if err != nil {
		return nil, fmt.Errorf("established: %w", err)
	}
	fresh := max(1, options.packets/newShare)
	opening, err := inTables(family, flows, flows+options.rounds*fresh, New, func(all []*contestant) (measurements, error) {
		return benchNew(ctx, all, family, flows, fresh, options.rounds)
	})
	if err != nil {
		return nil, fmt.Errorf("new: %w", err)
	}
	return append(established, opening...), nil
}

// newShare is how many packets are played for one that opens a connection: the tables have room for all of those, so
// that what is measured is no flood, which is for another benchmark.
const newShare = 5

// inTables opens connections in tables that have room for so many, measures one path, and makes rows of it.
func inTables(family Family, flows, room int, path Path, measure func([]*contestant) (measurements, error)) (
	rows []Row, err error,
) {
	all, err := openContestants(family, room)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeContestants(all)) }()
	if err := openConnections(all, family, flows); err != nil {
		return nil, err
	}
	found, err := measure(all)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		rows = append(rows, newRow(c, path, flows, found[c.name]))
	}
	return rows, nil
}

// openConnections has all contestants see the handshake of every connection.
func openConnections(all []*contestant, family Family, flows int) (err error) {
	player, err := newPlayer(family, openEach(flows))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, player.close()) }()
	for _, c := range all {
		if err := c.open(c.driver(player), flows); err != nil {
			return fmt.Errorf("open connections in %s: %w", c.name, err)
		}
	}
	return nil
}

// benchEstablished has every program see all connections equally often.
func benchEstablished(ctx context.Context, all []*contestant, family Family, flows, passes, rounds int) (
	_ measurements, err error,
) {
	player, err := newPlayer(family, useEach(flows))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, player.close()) }()
	return inRounds(ctx, all, rounds, func(c *contestant, _ int) (float64, error) {
		return c.established(c.driver(player), flows, passes)
	})
}

// benchNew takes new SYNs in each round.
func benchNew(ctx context.Context, all []*contestant, family Family, flows, packets, rounds int) (
	_ measurements, err error,
) {
	player, err := newPlayer(family, openMore(flows, rounds*packets))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, player.close()) }()
	return inRounds(ctx, all, rounds, func(c *contestant, round int) (float64, error) {
		return c.opening(c.driver(player), round*packets, packets)
	})
}

// inRounds lets every program take its turn in every round.
func inRounds(ctx context.Context, all []*contestant, rounds int,
	measure func(c *contestant, round int) (float64, error)) (measurements, error) {
	found := make(measurements)
	for round := range rounds {
		for _, c := range all {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			ns, err := measure(c, round)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			found[c.name] = append(found[c.name], ns)
		}
	}
	return found, nil
}
