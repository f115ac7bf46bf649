package main

import (
	"fmt"
	"time"
)

// What the client of a pair may notice, in milliseconds.
const (
	mostKill    = 60 // of kill -9, at the shortest adverts
	mostPlanned = 20 // of a clean stop and a preemption, at adverts of a second
	mostHeal    = 50 // of a split that heals, in every round
)

// failoverBars holds the outages against what Drover promises. What was not measured has no bar.
func failoverBars(r Report) []Bar {
	j := failoverJudge{report: r, bars: []Bar{}}
	for _, a := range allAdverts() {
		for _, path := range unplanned() {
			j.besideKeepalived(a, path)
		}
		switch a.interval {
		case time.Second:
			j.planned(a)
		case 10 * time.Millisecond:
			j.most(a.path(Kill), "drover", mostKill)
		}
		if row, found := j.row(a.path(Heal), "drover"); found {
			name := fmt.Sprintf("%s: ms in the worst round, drover", row.Path)
			j.bars = append(j.bars, atMost(name, hundredths(row.Max/nsPerMS), mostHeal))
		}
	}
	return j.bars
}

const nsPerMS = float64(time.Millisecond)

// failoverJudge collects bars.
type failoverJudge struct {
	report Report
	bars   []Bar
}

func (j *failoverJudge) row(path Path, pair string) (Row, bool) {
	return j.report.row(pair, path, IPv4, 0)
}

// most holds the median to milliseconds.
func (j *failoverJudge) most(path Path, pair string, ms float64) {
	if row, found := j.row(path, pair); found {
		j.bars = append(j.bars, atMost(fmt.Sprintf("%s: ms, %s", path, pair), hundredths(row.Median/nsPerMS), ms))
	}
}

// besideKeepalived holds Drover's pair to what keepalived's takes. Outages that are no longer than those without any
// event are equal.
func (j *failoverJudge) besideKeepalived(a adverts, path Path) {
	drover, found := j.row(a.path(path), "drover")
	keepalived, foundKeepalived := j.row(a.path(path), "keepalived")
	if found && foundKeepalived {
		floor := j.floor(a)
		drover.Median, keepalived.Median = max(drover.Median, floor), max(keepalived.Median, floor)
		j.bars = append(j.bars, atMost(fmt.Sprintf("%s: drover/keepalived", drover.Path), ratio(drover, keepalived), 1))
	}
}

// floor is the shortest outage that the client can tell from none, in nanoseconds: the time between two echoes, or what
// it saw without any event.
func (j *failoverJudge) floor(a adverts) float64 {
	floor := float64(echoPeriod)
	for _, row := range j.report.Rows {
		if row.Path == a.path(NoEvent) {
			floor = max(floor, row.Max)
		}
	}
	return floor
}

// planned holds the pairs in which it is Drover that leaves, or gives way.
func (j *failoverJudge) planned(a adverts) {
	for _, p := range allPairs() {
		if p.better == droverDaemon {
			j.most(a.path(CleanStop), p.name, mostPlanned)
		}
		if p.second == droverDaemon {
			j.most(a.path(Preemption), p.name, mostPlanned)
		}
	}
}
