package main

import (
	"slices"
	"testing"
)

func medians(path Path, flows int, drover, floor, textbook float64) []Row {
	return []Row{
		{Program: "drover", Path: path, Flows: flows, Median: drover},
		{Program: "floor", Path: path, Flows: flows, Median: floor},
		{Program: "textbook", Path: path, Flows: flows, Median: textbook},
	}
}

func TestPacketBars(t *testing.T) {
	const (
		overFloor     = "established packet at 1 flow, drover/floor"
		overTextbook  = "established packet at 1 flow, drover/textbook"
		overTextbooks = "established packet at 1000 flows, drover/textbook"
	)
	for _, test := range []struct {
		name string
		rows []Row
		want []Bar
	}{
		{"nothing measured, nothing promised", nil, []Bar{}},
		{"new connections have no bar", medians(New, 1, 500, 10, 20), []Bar{}},
		{"a row without its yardsticks has no bar", medians(Established, 1, 25, 10, 40)[:1], []Bar{}},
		{
			"exactly the limit above the floor is held", medians(Established, 1, 25, 10, 40),
			[]Bar{{overFloor, 2.5, 2.5, true}, {overTextbook, 0.63, 1, true}},
		},
		{
			"more than the limit above the floor is not", medians(Established, 1, 26, 10, 40),
			[]Bar{{overFloor, 2.6, 2.5, false}, {overTextbook, 0.65, 1, true}},
		},
		{
			"as slow as the textbook is not below it, and the floor binds at one flow only",
			medians(Established, 1000, 40, 10, 40), []Bar{{overTextbooks, 1, 1, false}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := packetBars(Report{Rows: test.rows}); !slices.Equal(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestCheckNamesTheBarsThatWereMissed(t *testing.T) {
	held, missed := Bar{"good", 1, 2, true}, Bar{"bad", 3, 2, false}
	if err := (Report{Bars: []Bar{held}}).check(); err != nil {
		t.Errorf("a bar that was held: %v", err)
	}
	err := Report{Bars: []Bar{held, missed}}.check()
	if err == nil || err.Error() != "bars not held: [bad is 3.00, the limit is 2.00]" {
		t.Errorf("one of two bars missed: %v", err)
	}
}
