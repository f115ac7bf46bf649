package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"drover/bench/plot"
)

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		name string
		args string
		code int
		says string
	}{
		{"no benchmark named", "", 2, "which benchmark?"},
		{"one that does not exist", "fast", 2, `no benchmark "fast"`},
		{"asking for help is no error", "packet -h", 0, "-rounds"},
		{"every benchmark has help", "scale -h", 0, "-services"},
		{"all has only the flags that every benchmark has", "all --flows 1", 2, "-flows"},
		{"an unknown flag", "packet --fast", 2, "-fast"},
		{"an argument too many", "packet now", 2, `unexpected argument "now"`},
		{"no rounds", "packet --rounds 0", 2, "not a number from 1 to 1000"},
		{"no packets", "flood --packets 0", 2, "not a number from 1"},
		{"more packets than a script holds", "packet --rounds 1000 --packets 1000000", 1, "lessen --rounds or --packets"},
		{"a flood too short for a client to come back", "flood --delay 50000000", 1, "lessen --delay"},
		{"no flows", "packet --flows 0", 2, `"0" is not a number from 1 to 10000000`},
		{"flows that are no number", "live --flows 1,many", 2, `"many" is not a number`},
		{"a family that does not exist", "packet --families ipv4,ipx", 2, `"ipx" is none of ipv4,ipv6,vlan`},
		{"a pair of daemons that does not exist", "failover --pairs vrrpd", 2, `"vrrpd" is none of drover,keepalived`},
		{"two families where one can be", "live --family ipv4,ipv6", 2, `"ipv4,ipv6" is none of`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stderr strings.Builder
			err := run(context.Background(), environment{io.Discard, &stderr}, strings.Fields(test.args))
			if code := exitCode(err, &stderr); code != test.code || !strings.Contains(stderr.String(), test.says) {
				t.Errorf("exit code %d, want %d, and %q in:\n%s", code, test.code, test.says, stderr.String())
			}
		})
	}
}

func TestExitCodeOfAFailureIsOne(t *testing.T) {
	var stderr strings.Builder
	if code := exitCode(errors.New("no luck"), &stderr); code != 1 || stderr.String() != "bench: no luck\n" {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

// fake is a benchmark that takes no time.
func fake(name string, report Report, err error) benchmark {
	report.Benchmark = name
	return benchmark{
		name: name,
		configure: func(set *flag.FlagSet) measure {
			o := packetOptions{flows: []int{1}}
			set.Var(counts{&o.flows, mostFlows}, "flows", "`N`")
			return func(_ context.Context, rounds int) (Report, error) {
				report.Rounds = rounds
				for _, flows := range o.flows {
					report.Rows = append(report.Rows, Row{Program: "drover", Path: New, Family: IPv4, Flows: flows, Median: 1})
				}
				return report, err
			}
		},
		figure: func(r Report) plot.Figure { return r.sectionFigure("fake") },
	}
}

func TestABenchmarkLeavesItsReportAndAPlot(t *testing.T) {
	var stdout, stderr strings.Builder
	dir := filepath.Join(t.TempDir(), "new", "results")
	b := fake("fake", Report{Host: "here", Unit: perPacket}, nil)
	err := runBenchmark(context.Background(), environment{&stdout, &stderr}, b,
		[]string{"--json", "--rounds", "3", "--flows", "1,20", "--out", dir})
	if err != nil {
		t.Fatal(err)
	}
	filed, err := os.ReadFile(filepath.Join(dir, "fake.json"))
	if err != nil || string(filed) != stdout.String() {
		t.Errorf("the file has %q (%v), the output %q", filed, err, stdout.String())
	}
	var report Report
	if err := json.Unmarshal(filed, &report); err != nil {
		t.Fatal(err)
	}
	if report.Rounds != 3 || len(report.Rows) != 2 || report.Rows[1].Flows != 20 {
		t.Errorf("the flags did not reach the benchmark: %+v", report)
	}
	drawing, err := os.ReadFile(filepath.Join(dir, "fake.svg"))
	if err != nil || !strings.Contains(string(drawing), "3 runs, in turns") {
		t.Errorf("the plot does not tell the runs: %v", err)
	}
}

func TestAllRunsEveryBenchmarkAndReportsWhatWentWrong(t *testing.T) {
	missed := Report{Unit: perPacket, Bars: []Bar{atMost("a bar", 3, 2)}}
	var stdout strings.Builder
	err := runAll(context.Background(), environment{&stdout, io.Discard}, []benchmark{
		fake("one", missed, nil), fake("two", Report{}, errors.New("no luck")), fake("three", Report{Unit: perPacket}, nil),
	}, []string{"--check", "--out", t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "one: bars not held") || !strings.Contains(err.Error(), "two: no luck") {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"one: median", "three: median"} {
		if !strings.Contains(stdout.String(), name) {
			t.Errorf("no %q in:\n%s", name, stdout.String())
		}
	}
}

func TestABenchmarkRunsAsOftenAsItWantsUnlessTold(t *testing.T) {
	for _, c := range []struct {
		wants int
		args  []string
		runs  int
	}{
		{0, nil, usualRounds}, {7, nil, 7}, {7, []string{"--rounds", "3"}, 3},
	} {
		b := fake("fake", Report{Unit: perPacket}, nil)
		b.rounds = c.wants
		for name, run := range map[string]func(env environment, args []string) error{
			"alone": func(env environment, args []string) error { return runBenchmark(context.Background(), env, b, args) },
			"among all": func(env environment, args []string) error {
				return runAll(context.Background(), env, []benchmark{b}, args)
			},
		} {
			var stdout strings.Builder
			if err := run(environment{&stdout, io.Discard}, append([]string{"--out", t.TempDir()}, c.args...)); err != nil {
				t.Fatal(err)
			}
			if want := countOf(c.runs, "run") + ", in turns"; !strings.Contains(stdout.String(), want) {
				t.Errorf("%s, wants %d, told %q: no %q in:\n%s", name, c.wants, c.args, want, stdout.String())
			}
		}
	}
}

func TestBenchmarksHaveNamesOfTheirOwn(t *testing.T) {
	var names []string
	for _, b := range benchmarks() {
		names = append(names, b.name)
	}
	if want := []string{"packet", "live", "flood", "scale", "failover", "health"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}
