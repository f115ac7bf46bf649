package main

import (
	"slices"

	"drover/bench/plot"
)

// failoverFigure has two panels for each kind of adverts: what nobody planned, and the rest.
func failoverFigure(r Report) plot.Figure {
	figure := r.emptyFigure("What a client notices of a takeover")
	figure.Order, figure.Notes = nil, slices.DeleteFunc(r.facts(), func(fact string) bool {
		return slices.Contains(r.Notes, fact) && !slices.Contains(failoverNotes(), fact) // those are for the table
	})
	for _, p := range allPairs() {
		figure.Order = append(figure.Order, p.name)
	}
	hard := append(unplanned(), Heal)
	for _, a := range allAdverts() {
		for _, part := range []struct {
			title string
			paths []Path
		}{
			{"Failures, " + a.String(), hard},
			{"Planned, " + a.String(), slices.DeleteFunc(casePaths(), func(p Path) bool {
				return p == Busy || slices.Contains(hard, p) // Busy is no outage
			})},
		} {
			panel := r.panel(part.title, func(row Row) string { return caseOf(row.Path, part.paths, a) })
			if len(panel.Groups) > 0 {
				figure.Panels = append(figure.Panels, panel)
			}
		}
	}
	return figure
}

// caseOf names the case of a path, if it is one of some at these adverts.
func caseOf(path Path, some []Path, a adverts) string {
	for _, p := range some {
		if a.path(p) == path {
			return string(p)
		}
	}
	return ""
}
