package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// Report is what a benchmark found. Its JSON form is stable.
type Report struct {
	Benchmark string   `json:"benchmark"`
	Host      string   `json:"host"`           // processor
	Kernel    string   `json:"kernel"`         // release
	Mode      string   `json:"mode"`           // of XDP
	Unit      string   `json:"unit"`           // what a row's time is of: "packet" or "change"
	Rounds    int      `json:"rounds"`         // runs: how often each row was measured
	IPVS      string   `json:"ipvs,omitempty"` // whether IPVS ran beside, and why not
	Notes     []string `json:"notes,omitempty"`
	Rows      []Row    `json:"rows"`
	Bars      []Bar    `json:"bars"`
	// Profile is where the time of Drover's packets goes, where the benchmark looks.
	Profile []ProfileLine `json:"profile,omitempty"`
}

// Path is what the packets of a row are, or what else was measured.
type Path string

// Row is one measurement: a program on one path, with so many connections in its table.
type Row struct {
	Program string  `json:"program"`
	Path    Path    `json:"path"`
	Family  Family  `json:"family"`         // of the frames
	Flows   int     `json:"flows"`          // 0 for a change of the tables
	Unit    string  `json:"unit,omitempty"` // when it is not the report's
	Median  float64 `json:"ns_median"`      // nanoseconds for each of the unit, over the rounds
	Min     float64 `json:"ns_min"`
	Max     float64 `json:"ns_max"`
	// Mpps are the same in millions of packets per second, where the benchmark measures throughput.
	Mpps *Rate `json:"mpps,omitempty"`
	// Moved and Lost are the connections that went to another real server than before, and to none. Of a failover Lost is
	// how many echoes were not answered.
	Moved int `json:"moved,omitempty"`
	Lost  int `json:"lost,omitempty"`
}

// Units of a report or a row.
const (
	perPacket = "packet"
	perChange = "change"
)

// Rate is a throughput over the rounds.
type Rate struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// newRow has the spread of the measured times, in nanoseconds.
func newRow(c *contestant, path Path, flows int, ns []float64) Row {
	s := spreadOf(ns)
	return Row{Program: c.name, Path: path, Family: c.family, Flows: flows, Median: s.median, Min: s.min, Max: s.max}
}

// newReport has the facts of the machine.
func newReport(benchmark, mode, unit string, rounds int) (Report, error) {
	host, kernel, err := hostAndKernel()
	if err != nil {
		return Report{}, err
	}
	return Report{
		Benchmark: benchmark, Host: host, Kernel: kernel, Mode: mode, Unit: unit, Rounds: rounds,
		Rows: []Row{}, Bars: []Bar{},
	}, nil
}

// makeSense returns an error for a row whose time cannot be: then it was not measured but made up.
func (r Report) makeSense() error {
	for _, row := range r.Rows {
		if !(row.Min >= 0 && row.Median >= 0 && row.Max >= 0) {
			return fmt.Errorf("%s, %s: a time of %g ns (%g to %g) cannot be", row.Program, row.Path, row.Median, row.Min, row.Max)
		}
	}
	return nil
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
func (r Report) row(program string, path Path, family Family, flows int) (Row, bool) {
	for _, row := range r.Rows {
		if row.Program == program && row.Path == path && row.Family == family && row.Flows == flows {
			return row, true
		}
	}
	return Row{}, false
}
