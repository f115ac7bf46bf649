package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// outageRow has an outage in milliseconds.
func outageRow(pair string, path Path, median, most float64) Row {
	const ns = float64(time.Millisecond)
	return Row{Program: pair, Path: path, Family: IPv4, Median: median * ns, Min: median * ns, Max: most * ns}
}

func TestFailoverBarsHoldDroverToKeepalivedAndToItsPromises(t *testing.T) {
	second, short := allAdverts()[0], allAdverts()[2]
	report := Report{Rows: []Row{
		outageRow("drover", second.path(NoEvent), 0.3, 2), outageRow("keepalived", second.path(NoEvent), 0.3, 1.5),
		outageRow("drover", second.path(Kill), 1.9, 9), outageRow("keepalived", second.path(Kill), 0.2, 9),
		outageRow("drover", second.path(LinkDown), 3460, 4000), outageRow("keepalived", second.path(LinkDown), 3450, 4000),
		outageRow("drover", second.path(SilentCut), 3600, 4000), outageRow("keepalived", second.path(SilentCut), 3500, 4000),
		outageRow("drover", second.path(CleanStop), 20, 100), outageRow("keepalived", second.path(CleanStop), 960, 960),
		outageRow("drover+keepalived", second.path(CleanStop), 21, 100),
		outageRow("keepalived+drover", second.path(CleanStop), 960, 960),
		outageRow("drover", second.path(Preemption), 3, 100), outageRow("drover+keepalived", second.path(Preemption), 90, 100),
		outageRow("keepalived+drover", second.path(Preemption), 4, 100),
		outageRow("drover", second.path(Heal), 1, 51), outageRow("keepalived", second.path(Heal), 6000, 7000),
		outageRow("drover", short.path(Kill), 61, 90), outageRow("drover", short.path(CleanStop), 500, 500),
		outageRow("drover", short.path(Heal), 1, 50),
	}}
	want := []string{
		"held kill -9, v2 at 1s: drover/keepalived: 1, at most 1", // neither can be told from no event
		"held link down, v2 at 1s: drover/keepalived: 1, at most 1",
		"MISSED silent cut, v2 at 1s: drover/keepalived: 1.03, at most 1",
		"held clean stop, v2 at 1s: ms, drover: 20, at most 20",
		"held preemption, v2 at 1s: ms, drover: 3, at most 20",
		"MISSED clean stop, v2 at 1s: ms, drover+keepalived: 21, at most 20",
		"held preemption, v2 at 1s: ms, keepalived+drover: 4, at most 20",
		"MISSED heal of a split, v2 at 1s: ms in the worst round, drover: 51, at most 50",
		"MISSED kill -9, v3 at 10ms: ms, drover: 61, at most 60",
		"held heal of a split, v3 at 10ms: ms in the worst round, drover: 50, at most 50",
	}
	if got := verdicts(failoverBars(report)); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestFailoverRowsHaveTheSpreadOfTheRounds(t *testing.T) {
	a := allAdverts()[1]
	pairs := allPairs()[:2]
	found := outages{
		{Kill: {{gap: ms(3), lost: 5, taken: ms(340)}, {gap: ms(1), lost: 1, taken: ms(350)}, {gap: ms(2), lost: 2, taken: ms(360)}}},
		{Kill: {{gap: ms(7), taken: ms(370)}}, NoEvent: {{gap: ms(0.5)}}},
	}
	want := []Row{
		outageRow("keepalived", "no event, v3 at 100ms", 0.5, 0.5),
		{Program: "drover", Path: "kill -9, v3 at 100ms", Family: IPv4, Median: 2e6, Min: 1e6, Max: 3e6, Lost: 2},
		outageRow("keepalived", "kill -9, v3 at 100ms", 7, 7),
	}
	if got := failoverRows(a, pairs, found); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	notes := takeoverNotes(a, pairs, found)
	if want := []string{"kill -9, v3 at 100ms: ms to the first advert of the second node: drover 350, keepalived 370"}; !slices.Equal(notes, want) {
		t.Errorf("got %q", notes)
	}
}

func TestTheFailoverFigureHasAPanelForEachKindOfCases(t *testing.T) {
	a := allAdverts()[1]
	var titles []string
	figure := failoverFigure(Report{Unit: perOutage, Rows: []Row{
		outageRow("drover", a.path(Kill), 2, 3), outageRow("keepalived", a.path(Heal), 2000, 3000),
		outageRow("drover", a.path(LinkUp), 2, 3),
	}})
	for _, p := range figure.Panels {
		titles = append(titles, p.Title+", "+p.Unit+": "+strings.Join(p.Groups, ", "))
	}
	want := []string{"Failures, v3 at 100ms, ms: kill -9, heal of a split", "Planned, v3 at 100ms, ms: link up"}
	if !slices.Equal(titles, want) {
		t.Errorf("got %q, want %q", titles, want)
	}
}
