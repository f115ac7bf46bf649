package main

import (
	"strings"
	"testing"
)

var sample = Report{
	Host: "a processor", Kernel: "6.1", Rounds: 3,
	Rows: []Row{
		{Program: "floor", Path: Established, Family: "ipv4", Flows: 1, Median: 10, Min: 9.5, Max: 12},
		{Program: "touch", Path: Established, Family: "ipv4", Flows: 1, Median: 10, Min: 10, Max: 10},
		{Program: "drover", Path: Established, Family: "ipv4", Flows: 1, Median: 30, Min: 30, Max: 31},
		{Program: "textbook", Path: Established, Family: "ipv4", Flows: 1, Median: 40, Min: 39, Max: 41},
	},
	Bars: []Bar{{Name: "a bar", Value: 3, Limit: 2.5, Held: false}},
}

func TestJSONHasTheDocumentedForm(t *testing.T) {
	const want = `{
  "host": "a processor",
  "kernel": "6.1",
  "rounds": 3,
  "rows": [
    {
      "program": "floor",
      "path": "established",
      "family": "ipv4",
      "flows": 1,
      "ns_median": 10,
      "ns_min": 9.5,
      "ns_max": 12
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
	one := sample
	one.Rows = sample.Rows[:1]
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
	if err := writePacketTables(sample, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a processor, kernel 6.1", "3 rounds", "established packets", "30 (30-31)", "3.00", "0.75",
		"NOT HELD  a bar: 3.00, limit 2.50",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
