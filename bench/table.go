package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// section is a path with frames of one family: a table in the report, a panel of the plot.
type section struct {
	path   Path
	family Family
}

// sections lists those of the report in the order of their rows.
func (r Report) sections() (all []section) {
	for _, row := range r.Rows {
		if s := (section{row.Path, row.Family}); !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// rowsOf lists what was measured in a section, and the programs and numbers of flows of its rows, each once.
func (r Report) rowsOf(s section) (programs []string, flows []int) {
	for _, row := range r.Rows {
		if (section{row.Path, row.Family}) != s {
			continue
		}
		if !slices.Contains(programs, row.Program) {
			programs = append(programs, row.Program)
		}
		if !slices.Contains(flows, row.Flows) {
			flows = append(flows, row.Flows)
		}
	}
	return programs, flows
}

// facts are what a reader must know beside the numbers.
func (r Report) facts() []string {
	facts := []string{
		fmt.Sprintf("%s, kernel %s", r.Host, r.Kernel),
		fmt.Sprintf("XDP: %s; %s, in turns", r.Mode, countOf(r.Rounds, "run")),
	}
	if r.IPVS != "" {
		facts = append(facts, "IPVS: "+r.IPVS)
	}
	return append(facts, r.Notes...)
}

// quantity is how a row's value is shown to people.
type quantity struct{ median, least, most float64 }

// quantityOf has the unit of the quantity, too.
func (r Report) quantityOf(row Row) (q quantity, unit string) {
	if row.Mpps != nil {
		return quantity{row.Mpps.Median, row.Mpps.Min, row.Mpps.Max}, "Mpps"
	}
	if cmp.Or(row.Unit, r.Unit) == perPacket {
		return quantity{row.Median, row.Min, row.Max}, "ns/packet"
	}
	const millisecond = 1e6 // nanoseconds
	return quantity{row.Median / millisecond, row.Min / millisecond, row.Max / millisecond}, "ms"
}

// writeTables shows the report to people: a table for each section, then the bars.
func (r Report) writeTables(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%s: median (least-most)\n", r.Benchmark)
	for _, fact := range r.facts() {
		fmt.Fprintln(out, fact)
	}
	for _, s := range r.sections() {
		r.writeSection(out, s)
	}
	fmt.Fprintln(out)
	for _, bar := range r.Bars {
		verdict := "held    "
		if !bar.Held {
			verdict = "NOT HELD"
		}
		fmt.Fprintf(out, "%s  %s\n", verdict, bar)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return r.writeProfile(w)
}

// writeSection shows every program, then the first, which is Drover, as a multiple of each of the others.
func (r Report) writeSection(out io.Writer, s section) {
	programs, flows := r.rowsOf(s)
	sample, _ := r.row(programs[0], s.path, s.family, flows[0])
	_, unit := r.quantityOf(sample)
	fmt.Fprintf(out, "\n%s, %s, %s\nflows\t", s.path, s.family, unit)
	for _, program := range programs {
		fmt.Fprintf(out, "%s\t", program)
	}
	for _, program := range programs[1:] {
		fmt.Fprintf(out, "%s/%s\t", programs[0], program)
	}
	fmt.Fprintln(out)
	for _, n := range flows {
		if n > 0 {
			fmt.Fprint(out, grouped(n))
		}
		fmt.Fprint(out, "\t")
		for _, program := range programs {
			fmt.Fprintf(out, "%s\t", r.cell(program, s, n))
		}
		for _, program := range programs[1:] {
			fmt.Fprintf(out, "%s\t", r.multiple(programs[0], program, s, n))
		}
		fmt.Fprintln(out)
	}
}

// cell is one measurement, empty where there is none.
func (r Report) cell(program string, s section, flows int) string {
	row, found := r.row(program, s.path, s.family, flows)
	if !found {
		return ""
	}
	q, _ := r.quantityOf(row)
	text := fmt.Sprintf("%.3g (%.3g-%.3g)", q.median, q.least, q.most)
	if q.median >= 100 {
		text = fmt.Sprintf("%.0f (%.0f-%.0f)", q.median, q.least, q.most)
	}
	if row.Moved > 0 {
		text += fmt.Sprintf(" %s moved", grouped(row.Moved))
	}
	if row.Lost > 0 {
		text += fmt.Sprintf(" %s lost", grouped(row.Lost))
	}
	return text
}

// multiple compares two programs, if both were measured.
func (r Report) multiple(a, b string, s section, flows int) string {
	rowA, foundA := r.row(a, s.path, s.family, flows)
	rowB, foundB := r.row(b, s.path, s.family, flows)
	if !foundA || !foundB {
		return ""
	}
	of, by := first(r.quantityOf(rowA)), first(r.quantityOf(rowB))
	return fmt.Sprintf("%.2f", of.median/by.median)
}

func first(q quantity, _ string) quantity { return q }
