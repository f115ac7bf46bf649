package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// Report is what a benchmark found. Its JSON form is stable.
type Report struct {
	Host   string `json:"host"`   // processor
	Kernel string `json:"kernel"` // release
	Rounds int    `json:"rounds"` // how often each row was measured
	Rows   []Row  `json:"rows"`
	Bars   []Bar  `json:"bars"`
}

// Row is one measurement: a program on one path, with so many connections in its table.
type Row struct {
	Program string  `json:"program"`
	Path    Path    `json:"path"`
	Family  string  `json:"family"` // of addresses: ipv4
	Flows   int     `json:"flows"`
	Median  float64 `json:"ns_median"` // nanoseconds per packet, over the rounds
	Min     float64 `json:"ns_min"`
	Max     float64 `json:"ns_max"`
}

// Bar is a promise that a benchmark keeps: a ratio of medians and its limit.
type Bar struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Held  bool    `json:"held"`
}

func (r Report) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// row finds a measurement.
func (r Report) row(program string, path Path, flows int) (Row, bool) {
	for _, row := range r.Rows {
		if row.Program == program && row.Path == path && row.Flows == flows {
			return row, true
		}
	}
	return Row{}, false
}

// check returns an error that names the bars that were not held.
func (r Report) check() error {
	var missed []string
	for _, bar := range r.Bars {
		if !bar.Held {
			missed = append(missed, fmt.Sprintf("%s is %.2f, the limit is %.2f", bar.Name, bar.Value, bar.Limit))
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("bars not held: %v", missed)
	}
	return nil
}
