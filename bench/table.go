package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// writePacketTables shows the report to people: a table for each path, then the bars.
func writePacketTables(r Report, w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%s, kernel %s\n", r.Host, r.Kernel)
	fmt.Fprintf(out, "ns per packet: median of %s (min-max); last columns: drover as a multiple of the other\n",
		countOf(r.Rounds, "round"))
	for _, path := range []Path{Established, New} {
		writePathTable(out, r, path)
	}
	fmt.Fprintln(out)
	for _, bar := range r.Bars {
		verdict := "held    "
		if !bar.Held {
			verdict = "NOT HELD"
		}
		fmt.Fprintf(out, "%s  %s: %.2f, limit %.2f\n", verdict, bar.Name, bar.Value, bar.Limit)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func writePathTable(out io.Writer, r Report, path Path) {
	fmt.Fprintf(out, "\n%s packets\n", path)
	fmt.Fprint(out, "flows\tfloor\ttouch\tdrover\ttextbook\t/floor\t/touch\t/textbook\t\n")
	for _, drover := range r.Rows {
		if drover.Program != "drover" || drover.Path != path {
			continue
		}
		fmt.Fprintf(out, "%d\t", drover.Flows)
		for _, program := range []string{"floor", "touch", "drover", "textbook"} {
			row, _ := r.row(program, path, drover.Flows)
			fmt.Fprintf(out, "%.0f (%.0f-%.0f)\t", row.Median, row.Min, row.Max)
		}
		for _, program := range []string{"floor", "touch", "textbook"} {
			row, _ := r.row(program, path, drover.Flows)
			fmt.Fprintf(out, "%.2f\t", drover.Median/row.Median)
		}
		fmt.Fprintln(out)
	}
}
