package main

import (
	"fmt"
	"slices"

	"drover/bench/plot"
)

// emptyFigure has the title and the facts of the report. A program has the same colour in all figures.
func (r Report) emptyFigure(title string) plot.Figure {
	return plot.Figure{
		Title: title, Notes: r.facts(), Order: []string{"drover", "floor", "touch", "busy", "textbook", "ipvs", "map", "wire"},
	}
}

// panel shows those rows of the report that a group is named for, as bars of each program side by side.
func (r Report) panel(title string, group func(Row) string) plot.Panel {
	panel := plot.Panel{Title: title}
	var programs []string
	for _, row := range r.Rows {
		name := group(row)
		if name == "" {
			continue
		}
		if !slices.Contains(panel.Groups, name) {
			panel.Groups = append(panel.Groups, name)
		}
		if !slices.Contains(programs, row.Program) {
			programs = append(programs, row.Program)
		}
	}
	for _, program := range programs {
		panel.Series = append(panel.Series, plot.Series{Name: program, Values: make([]plot.Value, len(panel.Groups))})
	}
	for _, row := range r.Rows {
		if name := group(row); name != "" {
			q, unit := r.quantityOf(row)
			panel.Unit = unit
			series := panel.Series[slices.Index(programs, row.Program)]
			series.Values[slices.Index(panel.Groups, name)] = plot.Value{Middle: q.median, Low: q.least, High: q.most}
		}
	}
	return panel
}

// sectionFigure has a panel for each section, with a group for each number of flows.
func (r Report) sectionFigure(title string) plot.Figure {
	figure := r.emptyFigure(title)
	for _, s := range r.sections() {
		figure.Panels = append(figure.Panels, r.panel(fmt.Sprintf("%s, %s", s.path, s.family), func(row Row) string {
			if (section{row.Path, row.Family}) != s {
				return ""
			}
			return countOf(row.Flows, "flow")
		}))
	}
	return figure
}
