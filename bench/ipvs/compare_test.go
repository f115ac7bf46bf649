package ipvs

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
)

func TestMain(m *testing.M) {
	RunGuest()
	os.Exit(m.Run())
}

// require skips the test on a machine that cannot run a user-mode Linux. With DROVER_TEST_STRICT=1 it fails instead,
// unless there is none for such a machine.
func require(t *testing.T) {
	t.Helper()
	testbed.Require(t)
	err := Available()
	if err == nil {
		return
	}
	if os.Getenv("DROVER_TEST_STRICT") == "1" && runtime.GOARCH == umlArch {
		t.Fatal(err)
	}
	t.Skip(err)
}

func TestEveryContenderIsMeasuredInEveryRound(t *testing.T) {
	require(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	result, err := Compare(ctx, Options{Flows: 100, Rounds: 3, Packets: 9_999})
	if err != nil {
		t.Fatal(err)
	}
	if result.Kernel == "" || !result.Interpreted || result.Flows != 100 || result.Packets != 10_000 {
		t.Errorf("got %+v", result)
	}
	var names []string
	for _, c := range result.Contenders {
		names = append(names, c.Name)
		if len(c.Rounds) != 3 || c.Min <= 0 || c.Median < c.Min || c.Max < c.Median {
			t.Errorf("%+v", c)
		}
	}
	if want := []string{Drover, IPVS, Wire}; !slices.Equal(names, want) {
		t.Errorf("measured %q, want %q", names, want)
	}
}

func TestWhoNoLongerWaitsIsNotKeptWaiting(t *testing.T) {
	require(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // the machine is not up by then
	defer cancel()
	_, err := Compare(ctx, Options{Rounds: 1_000_000})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestOptionsOutOfRangeAreRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		options Options
		says    string // nothing when they are accepted
	}{
		{"zero values stand for the defaults", Options{}, ""},
		{"as much as there may be", Options{Flows: MaxFlows, Rounds: 1, Packets: maxPackets}, ""},
		{"less than one flow", Options{Flows: -1}, "-1 flows"},
		{"more flows than IPVS has rows for", Options{Flows: MaxFlows + 1}, "1000001 flows"},
		{"less than one round", Options{Rounds: -1}, "-1 rounds"},
		{"less than one packet", Options{Packets: -1}, "-1 packets"},
		{"more packets than one test run takes", Options{Packets: maxPackets + 1}, "100000001 packets"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.options.withDefaults().validate()
			if test.says == "" && err != nil {
				t.Error(err)
			}
			if test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("got %v, want %q in it", err, test.says)
			}
		})
	}
}

func TestAllConnectionsAreUsedEquallyOften(t *testing.T) {
	for _, test := range []struct {
		name                 string
		flows, packets, want int
	}{
		{"one connection takes any number", 1, 7, 7},
		{"a whole number of passes stays", 10, 30, 30},
		{"a pass that was begun is ended", 10, 31, 40},
		{"at least one pass", 1000, 1, 1000},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (Options{Flows: test.flows, Packets: test.packets}).packetsInARound(); got != test.want {
				t.Errorf("got %d packets, want %d", got, test.want)
			}
		})
	}
}

func TestMedianOfTheRounds(t *testing.T) {
	for _, test := range []struct {
		name             string
		rounds           []float64
		median, min, max float64
	}{
		{"one round is all three", []float64{5}, 5, 5, 5},
		{"an odd number has a middle one", []float64{9, 1, 4}, 4, 1, 9},
		{"of an even number the two in the middle are averaged", []float64{4, 1, 9, 5}, 4.5, 1, 9},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newContender("x", test.rounds)
			if c.Median != test.median || c.Min != test.min || c.Max != test.max || !slices.Equal(c.Rounds, test.rounds) {
				t.Errorf("got %+v", c)
			}
		})
	}
}

func TestContenderByName(t *testing.T) {
	result := Result{Contenders: []Contender{{Name: Wire, Median: 1}, {Name: IPVS, Median: 2}}}
	if c, there := result.Contender(IPVS); !there || c.Median != 2 {
		t.Errorf("got %+v, %v", c, there)
	}
	if c, there := result.Contender(Drover); there {
		t.Errorf("found %+v, which was not measured", c)
	}
}
