package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"

	"drover/bench/plot"
	"drover/bench/yardstick"
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

// measurements of one path with one number of flows.
type measurements map[*contestant][]float64

// benchPacket measures all programs with frames of all families. In each round each takes its turn, so that what disturbs
// the machine disturbs all of them.
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
		for _, flows := range options.flows {
			rows, profile, err := benchFlows(ctx, flows, options)
			if err != nil {
				return fmt.Errorf("with %s: %w", countOf(flows, "flow"), err)
			}
			report.Rows, report.Profile = append(report.Rows, rows...), profile // of the last, which is the largest as a rule
		}
		return nil
	})
	if err != nil {
		return Report{}, err
	}
	slices.SortStableFunc(report.Rows, func(a, b Row) int {
		return cmp.Compare(slices.Index(options.families, a.Family), slices.Index(options.families, b.Family))
	})
	report.Bars = packetBars(report)
	return report, nil
}

// newShare is how many packets are played for one that opens a connection: the tables have room for all of those, so
// that what is measured is no flood, which is for another benchmark.
const newShare = 5

// benchFlows measures both paths with one number of flows, in the same rounds, and then profiles them.
func benchFlows(ctx context.Context, flows int, o packetOptions) (rows []Row, profile []ProfileLine, err error) {
	fresh := max(1, o.packets/newShare)
	established, err := openField(o.families, flows, flows, establishedPath(flows, (o.packets+flows-1)/flows))
	defer func() { err = errors.Join(err, established.close()) }()
	if err != nil {
		return nil, nil, fmt.Errorf("established: %w", err)
	}
	rounds := o.rounds + profileRounds
	opening, err := openField(o.families, flows, flows+rounds*fresh, newPath(flows, fresh, rounds))
	defer func() { err = errors.Join(err, opening.close()) }()
	if err != nil {
		return nil, nil, fmt.Errorf("new: %w", err)
	}
	fields := []field{established, opening}
	found, err := playRounds(ctx, fields, o.rounds)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range fields {
		for _, c := range f.all {
			rows = append(rows, newRow(c, f.name, flows, found[c]))
		}
		lines, err := f.profile(flows, o.rounds, found)
		if err != nil {
			return nil, nil, fmt.Errorf("profile of %s: %w", f.name, err)
		}
		profile = append(profile, lines...)
	}
	return rows, profile, nil
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

// path is what is played to contestants.
type path struct {
	name    Path
	script  []yardstick.PlayerStep
	measure func(c *contestant, d drive, round int) (ns float64, err error)
}

// establishedPath has every program see all connections equally often.
func establishedPath(flows, passes int) path {
	return path{Established, useEach(flows), func(c *contestant, d drive, _ int) (float64, error) {
		return c.established(d, flows, passes)
	}}
}

// newPath has so many new SYNs in each round.
func newPath(flows, packets, rounds int) path {
	return path{New, openMore(flows, rounds*packets), func(c *contestant, d drive, round int) (float64, error) {
		return c.opening(d, round*packets, packets)
	}}
}

// field is contestants that have connections open, and a path to be played to them in frames of their families.
type field struct {
	path
	all     []*contestant
	players map[Family]*player
}

// openField opens connections of every family in tables that have room for so many. The field is to be closed also after an
// error.
func openField(families []Family, flows, room int, p path) (f field, err error) {
	f = field{path: p, players: make(map[Family]*player)}
	for _, family := range families {
		some, err := openContestants(family, room)
		if err != nil {
			return f, fmt.Errorf("%s: %w", family, err)
		}
		f.all = append(f.all, some...)
		if err := openConnections(some, family, flows); err != nil {
			return f, fmt.Errorf("%s: %w", family, err)
		}
		if err := f.addPlayer(family); err != nil {
			return f, fmt.Errorf("%s: %w", family, err)
		}
	}
	return f, nil
}

func (f field) addPlayer(family Family) error {
	p, err := newPlayer(family, f.script)
	if err == nil {
		f.players[family] = p
	}
	return err
}

func (f field) close() error {
	errs := []error{closeContestants(f.all)}
	for _, p := range f.players {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// playRounds lets every program of all fields take its turn in every round.
func playRounds(ctx context.Context, fields []field, rounds int) (measurements, error) {
	var all []*contestant
	fieldOf := make(map[*contestant]field)
	for _, f := range fields {
		for _, c := range f.all {
			all, fieldOf[c] = append(all, c), f
		}
	}
	return inRounds(ctx, all, rounds, func(c *contestant, round int) (float64, error) {
		f := fieldOf[c]
		return f.measure(c, c.driver(f.players[c.family]), round)
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
				return nil, fmt.Errorf("%s, %s: %w", c.name, c.family, err)
			}
			found[c] = append(found[c], ns)
		}
	}
	return found, nil
}
