package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"drover/bench/plot"
)

// Paths of the flood benchmark. A flood has as many parts as there are rounds. Before each part the established
// connections are alone; after it they send as many packets as strangers do, in turns, and the time is that of a packet
// of either. Nothing is taken off from it: the difference of two measurements would have the noise of both.
const (
	BeforeSYNs Path = "established, before SYNs"
	AmongSYNs  Path = "established and SYNs in turns"
	SYNFlood   Path = "SYN flood" // of the flood's packets; its flows are new clients that come meanwhile
	BeforeACKs Path = "established, before ACKs"
	AmongACKs  Path = "established and ACKs in turns"
	ACKFlood   Path = "ACK flood"
)

// floodKind is what a flood consists of, and the paths of its rows.
type floodKind struct {
	path, before, among Path
	flags               uint16
}

func floodKinds() []floodKind {
	return []floodKind{
		{SYNFlood, BeforeSYNs, AmongSYNs, tcpSYN},
		{ACKFlood, BeforeACKs, AmongACKs, tcpACK},
	}
}

// floodOptions size the flood benchmark.
type floodOptions struct {
	family  Family
	flows   int // established connections
	table   int // connections that the tables are sized for
	packets int // in each flood
	every   int // one packet of a flood in so many is of a connection, not a stranger
	delay   int // packets of the flood between the two of a new client
	rounds  int // parts of each flood
}

// uses is how many packets of established connections a measurement has: some passes over all, so that what the kernel
// takes to begin a run does not count.
func (o floodOptions) uses() int {
	const least = 250_000
	return (min(least, o.packets) + o.flows - 1) / o.flows * o.flows
}

// keepClients is the share of new clients whose connection stays on one real server.
const keepClients = 0.999

func floodBenchmark() benchmark {
	return benchmark{
		name: "flood", summary: "what a flood does to the connections that are there, and to new ones",
		configure: func(set *flag.FlagSet) measure {
			o := floodOptions{
				family: IPv4, flows: 10_000, table: 1_000_000, packets: 10_000_000, every: 1000, delay: 20_000,
			}
			set.Var(familyFlag{&o.family}, "family", "flood with frames of `F`")
			set.Var(count{&o.flows, mostFlows}, "flows", "keep `N` connections alive")
			set.Var(count{&o.table, mostFlows}, "table", "size the tables for `N` connections")
			set.Var(count{&o.packets, mostPackets}, "packets", "flood with `N` SYNs, then with as many ACKs")
			set.Var(count{&o.every, mostPackets}, "every", "one packet of a flood in `N` is of a connection")
			set.Var(count{&o.delay, mostPackets}, "delay", "a new client's second packet comes `N` packets after its first")
			return func(ctx context.Context, rounds int) (Report, error) {
				o.rounds = rounds
				return benchFlood(ctx, o)
			}
		},
		figure: floodFigure,
	}
}

func floodFigure(r Report) plot.Figure {
	figure := r.emptyFigure("Established connections under a flood")
	named := func(names map[Path]string) func(Row) string {
		return func(row Row) string { return names[row.Path] }
	}
	figure.Panels = []plot.Panel{
		r.panel("a packet of a connection", named(map[Path]string{
			BeforeSYNs: "before SYNs", BeforeACKs: "before ACKs",
		})),
		r.panel("a packet of the flood", named(map[Path]string{SYNFlood: "SYN", ACKFlood: "ACK"})),
		r.panel("a packet of both in turns", named(map[Path]string{AmongSYNs: "among SYNs", AmongACKs: "among ACKs"})),
	}
	return figure
}

// benchFlood has connections open, and then floods the tables while they send a packet now and then.
func benchFlood(ctx context.Context, o floodOptions) (Report, error) {
	if o.judged() < 1 {
		return Report{}, fmt.Errorf("with %d packets no client comes back after %d: lessen --delay or --every",
			o.packets, o.delay)
	}
	report, err := newReport("flood", testRuns, perPacket, o.rounds)
	if err != nil {
		return Report{}, err
	}
	report.Notes = []string{fmt.Sprintf("%s of each kind beside %s, tables for %s; every %dth packet is of a connection",
		countOf(o.packets, "packet"), countOf(o.flows, "connection"), grouped(o.table), o.every)}
	err = inPrivate(func() (err error) {
		opened, err := openContestants(o.family, o.table)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeContestants(opened)) }()
		all := without(opened, "touch", "busy")
		if err := openConnections(all, o.family, o.flows); err != nil {
			return err
		}
		report.Rows, err = floodAll(ctx, all, o)
		return err
	})
	if err != nil {
		return Report{}, err
	}
	report.Bars = floodBars(report)
	for _, kind := range floodKinds() {
		report.Notes = append(report.Notes, slowdown(report, kind))
	}
	return report, nil
}

func without(all []*contestant, names ...string) []*contestant {
	return slices.DeleteFunc(slices.Clone(all), func(c *contestant) bool { return slices.Contains(names, c.name) })
}

// floodAll measures both floods.
func floodAll(ctx context.Context, all []*contestant, o floodOptions) (rows []Row, err error) {
	user, err := newPlayer(o.family, useEach(o.flows))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, user.close()) }()
	for i, kind := range floodKinds() {
		f := flood{floodOptions: o, floodKind: kind, firstClient: o.flows + i*o.clients()}
		more, err := f.run(ctx, all, user)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.path, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// slowdown says how much longer the packets of connections and of a flood take among each other than each for itself.
func slowdown(r Report, kind floodKind) string {
	var ratios []string
	for _, row := range r.Rows {
		before, found := r.row(row.Program, kind.before, row.Family, row.Flows)
		i := slices.IndexFunc(r.Rows, func(o Row) bool { return o.Program == row.Program && o.Path == kind.path })
		if row.Path == kind.among && found && i >= 0 {
			apart := (before.Median + r.Rows[i].Median) / 2
			ratios = append(ratios, fmt.Sprintf("%s %.2f", row.Program, row.Median/apart))
		}
	}
	return fmt.Sprintf("%s, as a multiple of each apart: %s", kind.among, strings.Join(ratios, ", "))
}

// floodBars holds Drover to keeping every connection, and the clients that come in a flood.
func floodBars(r Report) []Bar {
	bars := []Bar{}
	for _, row := range r.Rows {
		if row.Program != "drover" {
			continue
		}
		broken := row.Moved + row.Lost
		switch row.Path {
		case AmongSYNs, AmongACKs:
			bars = append(bars, atMost(string(row.Path)+": connections moved or lost", float64(broken), 0))
		case SYNFlood, ACKFlood:
			share := 1 - float64(broken)/float64(row.Flows)
			bars = append(bars, atLeast(string(row.Path)+": share of new clients that keep their server", share, keepClients))
		}
	}
	return bars
}
