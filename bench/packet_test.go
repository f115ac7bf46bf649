package main

import (
	"context"
	"errors"
	"os"
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
	report, err := benchPacket(context.Background(), packetOptions{flows: []int{1, 500}, rounds: 2, packets: 2000})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 16 || report.Rounds != 2 || report.Host == "" || report.Kernel == "" {
		t.Errorf("got %+v", report)
	}
	for _, flows := range []int{1, 500} {
		for _, path := range []Path{Established, New} {
			for _, program := range []string{"drover", "floor", "touch", "textbook"} {
				r, found := report.row(program, path, flows)
				if !found || r.Family != "ipv4" || r.Min <= 0 || r.Median < r.Min || r.Max < r.Median {
					t.Errorf("%s, %s, %d flows: %+v", program, path, flows, r)
				}
			}
		}
	}
	if len(report.Bars) != 3 {
		t.Errorf("got bars %+v", report.Bars)
	}
}

func TestBenchmarkFailsWhenConnectionsThatItCountsOnWereNeverOpened(t *testing.T) {
	needRoot(t)
	err := inPrivate(func() (err error) {
		all, err := openContestants(10)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeContestants(all)) }()
		player, err := newPlayer(useEach(10))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, player.close()) }()
		for _, c := range all {
			c.tracked = 10
			if _, err := c.established(player, 1); (err == nil) != (c.count == nil) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
