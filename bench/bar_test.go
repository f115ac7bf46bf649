package main

import (
	"slices"
	"testing"
)

// costs are the medians of all programs with so many flows.
func costs(path Path, family Family, flows int, drover, floor, touch, textbook float64) []Row {
	return []Row{
		{Program: "drover", Path: path, Family: family, Flows: flows, Median: drover},
		{Program: "floor", Path: path, Family: family, Flows: flows, Median: floor},
		{Program: "touch", Path: path, Family: family, Flows: flows, Median: touch},
		{Program: "textbook", Path: path, Family: family, Flows: flows, Median: textbook},
	}
}

func TestPacketBars(t *testing.T) {
	const manyFlows = 100_000
	for _, test := range []struct {
		name string
		rows []Row
		want []string
	}{
		{"nothing measured, nothing promised", nil, nil},
		{"a row without its yardsticks has no bar", costs(Established, IPv4, 1, 20, 10, 0, 0)[:1], nil},
		{
			"one flow is held against floor only; exactly the limit is held", costs(Established, IPv4, 1, 20, 10, 1, 1),
			[]string{"held established packet, ipv4, drover/floor, at 1 flow: 2, at most 2"},
		},
		{
			"more than the limit is not held", costs(Established, IPv4, 1, 20.1, 10, 1, 1),
			[]string{"MISSED established packet, ipv4, drover/floor, at 1 flow: 2.01, at most 2"},
		},
		{"a number of flows without a promise has no bar", costs(Established, IPv4, 1000, 20, 10, 1, 1), nil},
		{
			"many flows are held against touch and the textbook", costs(Established, IPv4, manyFlows, 130, 10, 100, 200),
			[]string{
				"held established packet, ipv4, drover/touch, at 100 000 flows: 1.30, at most 1.35",
				"MISSED established packet, ipv4, drover/textbook, at 100 000 flows: 0.65, at most 0.60",
			},
		},
		{
			"the other families are held against IPv4",
			slices.Concat(costs(Established, IPv4, 10, 100, 0, 0, 0), costs(Established, IPv6, 10, 131, 0, 0, 0),
				costs(Established, VLAN, 10, 110, 0, 0, 0), costs(New, VLAN, 10, 900, 0, 0, 0)),
			[]string{
				"MISSED established packet, drover, ipv6/ipv4, at 10 flows: 1.31, at most 1.30",
				"held established packet, drover, vlan/ipv4, at 10 flows: 1.10, at most 1.10",
			},
		},
		{
			"new connections are held against established ones",
			append(costs(Established, IPv4, newFlows, 100, 0, 0, 0)[:1], costs(New, IPv4, newFlows, 250, 0, 0, 0)...),
			[]string{"MISSED ipv4 packet, new/established, at 1 000 000 flows: 2.50, at most 2"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := verdicts(packetBars(Report{Rows: test.rows})); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func verdicts(bars []Bar) (lines []string) {
	for _, bar := range bars {
		verdict := "held "
		if !bar.Held {
			verdict = "MISSED "
		}
		lines = append(lines, verdict+bar.String())
	}
	return lines
}

func TestFloodBarsCountEveryConnectionOfDroverThatIsNotWhereItWas(t *testing.T) {
	rows := []Row{
		{Program: "drover", Path: BeforeSYNs, Flows: 10, Moved: 5},
		{Program: "drover", Path: AmongSYNs, Flows: 10, Moved: 1, Lost: 2},
		{Program: "drover", Path: SYNFlood, Flows: 1000, Lost: 1},
		{Program: "drover", Path: AmongACKs, Flows: 10},
		{Program: "drover", Path: ACKFlood, Flows: 1000, Moved: 2},
		{Program: "textbook", Path: AmongACKs, Flows: 10, Moved: 9},
	}
	want := []string{
		"MISSED established and SYNs in turns: connections moved or lost: 3, at most 0",
		"held SYN flood: share of new clients that keep their server: 0.999, at least 0.999",
		"held established and ACKs in turns: connections moved or lost: 0, at most 0",
		"MISSED ACK flood: share of new clients that keep their server: 0.998, at least 0.999",
	}
	if got := verdicts(floodBars(Report{Rows: rows})); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestCheckNamesTheBarsThatWereMissed(t *testing.T) {
	held, missed := atMost("good", 1, 2), atMost("bad", 3, 2)
	if err := (Report{Bars: []Bar{held}}).check(); err != nil {
		t.Errorf("a bar that was held: %v", err)
	}
	err := Report{Benchmark: "packet", Bars: []Bar{held, missed}}.check()
	if err == nil || err.Error() != `packet: bars not held: ["bad: 3, at most 2"]` {
		t.Errorf("one of two bars missed: %v", err)
	}
}

func TestNumbersOfThingsReadWell(t *testing.T) {
	for n, want := range map[int]string{
		0: "0 flows", 1: "1 flow", 1000: "1000 flows", 10_000: "10 000 flows", 4_000_000: "4 000 000 flows",
	} {
		if got := countOf(n, "flow"); got != want {
			t.Errorf("%d is written %q, want %q", n, got, want)
		}
	}
}
