package main

import (
	"context"
	"errors"
	"fmt"
)

// Path is what the packets of a row are.
type Path string

// Paths.
const (
	// Established packets belong to connections that are in the table, each in turn in an order of chance.
	Established Path = "established"
	// New packets are each the SYN of a connection never seen before, while the table holds so many established ones.
	New Path = "new"
)

// packetOptions size the packet benchmark.
type packetOptions struct {
	flows   []int // sizes to measure at
	rounds  int   // measurements of each row
	packets int   // in one measurement, at least
}

// measurements of one path with one number of flows, by program.
type measurements map[string][]float64

// benchPacket measures all programs. In each round every program takes its turn, so that what disturbs the machine
// disturbs all of them.
func benchPacket(ctx context.Context, options packetOptions) (Report, error) {
	host, kernel, err := hostAndKernel()
	if err != nil {
		return Report{}, err
	}
	report := Report{Host: host, Kernel: kernel, Rounds: options.rounds, Rows: []Row{}}
	err = inPrivate(func() error {
		for _, flows := range options.flows {
			rows, err := benchFlows(ctx, flows, options)
			if err != nil {
				return fmt.Errorf("with %s: %w", countOf(flows, "flow"), err)
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

// benchFlows measures both paths with one number of flows.
func benchFlows(ctx context.Context, flows int, options packetOptions) (rows []Row, err error) {
	all, err := openContestants(flows)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeContestants(all)) }()

	if err := openConnections(all, flows); err != nil {
		return nil, err
	}
	established, err := benchEstablished(ctx, all, flows, options)
	if err != nil {
		return nil, fmt.Errorf("established: %w", err)
	}
	opening, err := benchNew(ctx, all, flows, options)
	if err != nil {
		return nil, fmt.Errorf("new: %w", err)
	}
	for _, c := range all {
		rows = append(rows, row(c.name, Established, flows, established[c.name]))
	}
	for _, c := range all {
		rows = append(rows, row(c.name, New, flows, opening[c.name]))
	}
	return rows, nil
}

func row(program string, path Path, flows int, ns []float64) Row {
	s := spreadOf(ns)
	return Row{Program: program, Path: path, Family: "ipv4", Flows: flows, Median: s.median, Min: s.min, Max: s.max}
}

func openConnections(all []*contestant, flows int) (err error) {
	player, err := newPlayer(openEach(flows))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, player.close()) }()
	for _, c := range all {
		if err := c.open(player, flows); err != nil {
			return fmt.Errorf("open connections in %s: %w", c.name, err)
		}
	}
	return nil
}

// benchEstablished has every program see all connections equally often.
func benchEstablished(ctx context.Context, all []*contestant, flows int, o packetOptions) (_ measurements, err error) {
	player, err := newPlayer(useEach(flows))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, player.close()) }()
	passes := (o.packets + flows - 1) / flows
	return inRounds(ctx, all, o.rounds, func(c *contestant, _ int) (float64, error) {
		return c.established(player, passes)
	})
}

// benchNew takes new SYNs in each round.
func benchNew(ctx context.Context, all []*contestant, flows int, o packetOptions) (_ measurements, err error) {
	player, err := newPlayer(openMore(flows, o.rounds*o.packets))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, player.close()) }()
	return inRounds(ctx, all, o.rounds, func(c *contestant, round int) (float64, error) {
		return c.opening(player, round*o.packets, o.packets)
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
