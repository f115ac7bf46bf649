package main

import (
	"fmt"
	"strings"
	"time"
)

// failoverNotes say what the figures are.
func failoverNotes() []string {
	return []string{
		"a client sends an echo to the VIP every millisecond; an outage is the longest time between two answers, less that " +
			"millisecond; lost: echoes, the median",
		"an event comes at the same time after the master's last advert for every pair: of n rounds in the one of number k, from 0 " +
			"on, (k + 1/2) / n of an interval; a split heals 1/100 of one after an advert of either master in turns; the pairs take " +
			"turns as well",
		"late adverts: the longest time between two adverts of the master in a second, less their interval, while two other " +
			"processes keep each of its processors busy; keepalived and Drover with their own priorities",
		"a pair is the better node + the second; behind Drover a real server answers, behind keepalived the node itself in " +
			"place of IPVS, after kill -9 too",
	}
}

// failoverRows has the cases in the order of the tables.
func failoverRows(a adverts, pairs []pair, found outages) (rows []Row) {
	for _, path := range casePaths() {
		for i, p := range pairs {
			if measured := found[i][path]; len(measured) > 0 {
				rows = append(rows, failoverRow(p, a.path(path), measured))
			}
		}
	}
	return rows
}

func failoverRow(p pair, path Path, measured []outage) Row {
	gaps, lost := make([]float64, len(measured)), make([]float64, len(measured))
	for i, o := range measured {
		gaps[i], lost[i] = float64(o.gap), float64(o.lost)
	}
	s := spreadOf(gaps)
	return Row{
		Program: p.name, Path: path, Family: IPv4, Median: s.median, Min: s.min, Max: s.max,
		Lost: int(spreadOf(lost).median),
	}
}

// takeoverNotes say how long it took the second node to advert, which a client need not notice.
func takeoverNotes(a adverts, pairs []pair, found outages) (notes []string) {
	for _, path := range append(unplanned(), CleanStop) {
		var medians []string
		for i, p := range pairs {
			var taken []float64
			for _, o := range found[i][path] {
				taken = append(taken, float64(o.taken)/nsPerMS)
			}
			if len(taken) > 0 {
				medians = append(medians, fmt.Sprintf("%s %.0f", p.name, spreadOf(taken).median))
			}
		}
		if len(medians) > 0 {
			notes = append(notes, fmt.Sprintf("%s: ms to the first advert of the second node: %s",
				a.path(path), strings.Join(medians, ", ")))
		}
	}
	return notes
}

// roundsNote says how often the pairs were measured.
func roundsNote(a adverts, rounds int) string {
	return fmt.Sprintf("%s: %d rounds", a, a.roundsOf(rounds))
}

// stallNote says how far the client itself kept its time.
func stallNote(a adverts, found outages) string {
	var longest time.Duration
	for _, of := range found {
		for _, measured := range of {
			for _, o := range measured {
				longest = max(longest, o.stall)
			}
		}
	}
	return fmt.Sprintf("%s: ms in which the machine kept the client from asking, not counted: %.1f at most",
		a, float64(longest)/nsPerMS)
}
