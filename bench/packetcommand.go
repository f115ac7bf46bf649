package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
)

// packetFlags are the command line of the packet benchmark.
type packetFlags struct {
	packetOptions
	json  bool
	check bool
}

// runPacket is the subcommand.
func runPacket(ctx context.Context, env environment, args []string) error {
	flags, err := parsePacketFlags(env, args)
	if err != nil {
		return err
	}
	report, err := benchPacket(ctx, flags.packetOptions)
	if err != nil {
		return fmt.Errorf("packet: %w", err)
	}
	write := writePacketTables
	if flags.json {
		write = Report.writeJSON
	}
	if err := write(report, env.stdout); err != nil {
		return err
	}
	if flags.check {
		return report.check()
	}
	return nil
}

func parsePacketFlags(env environment, args []string) (packetFlags, error) {
	f := packetFlags{packetOptions: packetOptions{flows: []int{1, 1_000, 100_000, 1_000_000}}}
	set := flag.NewFlagSet("bench packet", flag.ContinueOnError)
	set.SetOutput(env.stderr)
	set.BoolVar(&f.json, "json", false, "write the report as JSON")
	set.BoolVar(&f.check, "check", false, "exit 1 when a bar is not held")
	set.IntVar(&f.rounds, "rounds", 7, "measure each row `N` times")
	set.IntVar(&f.packets, "packets", 500_000, "play at least `N` packets in a measurement")
	set.Func("flows", "measure with `N,N...` flows (default 1,1000,100000,1000000)", func(text string) (err error) {
		f.flows, err = parseCounts(text)
		return err
	})
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return packetFlags{}, err
		}
		return packetFlags{}, errUsage // the flag set has said what is wrong
	}
	if problem := f.problem(set.Args()); problem != "" {
		fmt.Fprintf(env.stderr, "bench packet: %s\n", problem)
		return packetFlags{}, errUsage
	}
	return f, nil
}

// Most that the scripts of the player are made for: they hold every packet.
const (
	mostFlows   = 10_000_000
	mostPackets = 50_000_000 // rounds times packets
)

// problem says what is wrong with the values, if anything.
func (f packetFlags) problem(rest []string) string {
	switch {
	case len(rest) > 0:
		return fmt.Sprintf("unexpected argument %q", rest[0])
	case f.rounds < 1 || f.packets < 1:
		return "--rounds and --packets want at least 1"
	case f.rounds > mostPackets/f.packets:
		return fmt.Sprintf("--rounds times --packets is more than %d", mostPackets)
	}
	return ""
}

func parseCounts(text string) ([]int, error) {
	var counts []int
	for _, field := range strings.Split(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > mostFlows {
			return nil, fmt.Errorf("%q is not a number from 1 to %d", field, mostFlows)
		}
		counts = append(counts, n)
	}
	return counts, nil
}
