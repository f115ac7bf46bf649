package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
)

// needRoot skips a test that cannot run, unless DROVER_TEST_STRICT=1 says that none may be skipped.
func needRoot(t *testing.T) {
	t.Helper()
	switch {
	case os.Geteuid() == 0:
	case os.Getenv("DROVER_TEST_STRICT") == "1":
		t.Fatal("needs root")
	default:
		t.Skip("needs root")
	}
}

// The benchmark checks every verdict and counter itself, so that it ends without an error says most.
func TestPacketBenchmarkMeasuresEveryProgramOnEveryPath(t *testing.T) {
	needRoot(t)
	options := packetOptions{families: families(), flows: []int{1, 500}, rounds: 2, packets: 2000}
	report, err := benchPacket(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	if report.Benchmark != "packet" || report.Rounds != 2 || report.Host == "" || report.Kernel == "" || report.Mode == "" {
		t.Errorf("got %+v", report)
	}
	programs := map[Family][]string{
		IPv4: {"drover", "floor", "touch", "busy", "textbook"},
		IPv6: {"drover", "floor", "touch", "busy"},
		VLAN: {"drover", "floor", "touch", "busy", "textbook"},
	}
	rows := 0
	for _, flows := range options.flows {
		for _, path := range []Path{Established, New} {
			for family, names := range programs {
				for _, program := range names {
					r, found := report.row(program, path, family, flows)
					if !found || r.Min <= 0 || r.Median < r.Min || r.Max < r.Median {
						t.Errorf("%s, %s, %s, %d flows: %+v", program, path, family, flows, r)
					}
					rows++
				}
			}
		}
	}
	if len(report.Rows) != rows {
		t.Errorf("%d rows, want %d", len(report.Rows), rows)
	}
	for _, path := range []Path{Established, New} {
		if !slices.ContainsFunc(report.Profile, func(l ProfileLine) bool { return l.Path == path && l.Flows == 500 }) {
			t.Errorf("the profile has nothing of %s: %+v", path, report.Profile)
		}
	}
	const floorAtOneFlow, familiesAtBoth = 1, 4
	if len(report.Bars) != floorAtOneFlow+familiesAtBoth {
		t.Errorf("got bars %+v", report.Bars)
	}
}

func TestEveryYardstickForwardsFramesOfEveryFamily(t *testing.T) {
	needRoot(t)
	for _, family := range families() {
		err := inPrivate(func() (err error) {
			floors, err := openFloors(family, 16)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closeContestants(floors)) }()
			player, err := newPlayer(family, useEach(100))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, player.close()) }()
			for _, c := range floors {
				if _, err := player.play(c.program, 0, 100); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", family, err)
		}
	}
}

func TestBenchmarkFailsWhenConnectionsThatItCountsOnWereNeverOpened(t *testing.T) {
	needRoot(t)
	err := inPrivate(func() (err error) {
		all, err := openContestants(IPv4, 10)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeContestants(all)) }()
		player, err := newPlayer(IPv4, useEach(10))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, player.close()) }()
		for _, c := range all {
			c.tracked = 10
			if _, err := c.established(c.driver(player), 10, 1); (err == nil) != (c.count == nil) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
