package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"drover/bench/plot"
)

func sampleReport() Report {
	return Report{
		Benchmark: "packet", Host: "a processor", Kernel: "6.1", Mode: testRuns, Unit: perPacket, Rounds: 3,
		Rows: []Row{
			{Program: "drover", Path: Established, Family: IPv4, Flows: 1, Median: 30, Min: 29.5, Max: 31},
			{Program: "floor", Path: Established, Family: IPv4, Flows: 1, Median: 10, Min: 10, Max: 10},
			{Program: "textbook", Path: Established, Family: IPv4, Flows: 1, Median: 40, Min: 39, Max: 41, Moved: 7},
			{Program: "drover", Path: FromNothing, Family: IPv4, Flows: 50_000, Unit: perChange, Median: 2e6, Min: 1e6, Max: 3e6},
			{Program: "drover", Path: New, Family: IPv6, Flows: 1, Median: 500, Min: 400, Max: 800, Mpps: &Rate{2, 1.25, 2.5}},
		},
		Bars: []Bar{atMost("a bar", 3, 2.5), atLeast("another", 0.9, 0.85)},
	}
}

func TestJSONHasTheDocumentedForm(t *testing.T) {
	const want = `{
  "benchmark": "packet",
  "host": "a processor",
  "kernel": "6.1",
  "mode": "test runs of the program (BPF_PROG_TEST_RUN), processor time",
  "unit": "packet",
  "rounds": 3,
  "rows": [
    {
      "program": "drover",
      "path": "established",
      "family": "ipv4",
      "flows": 1,
      "ns_median": 30,
      "ns_min": 29.5,
      "ns_max": 31
    }
  ],
  "bars": [
    {
      "name": "a bar",
      "value": 3,
      "limit": 2.5,
      "held": false
    }
  ]
}
`
	one := sampleReport()
	one.Rows, one.Bars = one.Rows[:1], one.Bars[:1]
	var out strings.Builder
	if err := one.writeJSON(&out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestTableShowsWhatPeopleLookFor(t *testing.T) {
	var out strings.Builder
	if err := sampleReport().writeTables(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a processor, kernel 6.1", "3 runs", "established, ipv4, ns/packet", "30 (29.5-31)", "drover/floor", "3.00", "0.75",
		"40 (39-41) 7 moved", "50 000", "2 (1-3)", "new, ipv6, Mpps", "2 (1.25-2.5)",
		"NOT HELD  a bar: 3, at most 2.50", "held      another: 0.90, at least 0.85",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestFigureHasAPanelForEachSection(t *testing.T) {
	f := sampleReport().sectionFigure("a title")
	if len(f.Panels) != 3 {
		t.Fatalf("got %+v", f.Panels)
	}
	first := f.Panels[0]
	if first.Title != "established, ipv4" || first.Unit != "ns/packet" || !slices.Equal(first.Groups, []string{"1 flow"}) {
		t.Errorf("got %+v", first)
	}
	if s := first.Series[2]; s.Name != "textbook" || s.Values[0] != (plot.Value{Middle: 40, Low: 39, High: 41}) {
		t.Errorf("got %+v", s)
	}
	if p := f.Panels[1]; p.Unit != "ms" || p.Series[0].Values[0].Middle != 2 {
		t.Errorf("got %+v", p)
	}
	if p := f.Panels[2]; p.Unit != "Mpps" || p.Series[0].Values[0] != (plot.Value{Middle: 2, Low: 1.25, High: 2.5}) {
		t.Errorf("got %+v", p)
	}
}

func TestATimeThatCannotBeIsAnError(t *testing.T) {
	good := Row{Program: "drover", Path: AmongSYNs, Median: 100, Min: 0, Max: 120}
	negative, none := good, good
	negative.Min, none.Median = -29, math.NaN()
	if err := (Report{Rows: []Row{good}}).makeSense(); err != nil {
		t.Errorf("a good row: %v", err)
	}
	for _, bad := range []Row{negative, none} {
		if err := (Report{Rows: []Row{good, bad}}).makeSense(); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
