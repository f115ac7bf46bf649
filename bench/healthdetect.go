package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"drover/bench/ipvs"
)

// detectRetries is the retry of the checks that look for a server that goes down.
const detectRetries = 2

// detectCase is a kind of check, and what happens to the server.
type detectCase struct {
	path    Path
	keyword string        // of the checker
	silent  bool          // the server takes connections and says nothing; else its port is closed
	loop    time.Duration // delay_loop, delay_before_retry and connect_timeout
}

func detectCases(loop time.Duration) []detectCase {
	return []detectCase{
		{"HTTP_GET, port closed: from the last check that passed to down", "HTTP_GET", false, loop},
		{"TCP_CHECK, port closed: from the last check that passed to down", "TCP_CHECK", false, loop},
		{"HTTP_GET, silent: from the last check that passed to down", "HTTP_GET", true, loop},
	}
}

// schedule is how long it takes a daemon that is never late: delay_loop + retries x delay_before_retry, and the timeout of
// each check that has to run into it.
func (c detectCase) schedule() time.Duration {
	took := c.loop + detectRetries*c.loop
	if c.silent {
		took += (1 + detectRetries) * c.loop
	}
	return took
}

// bound is the longest that it may take: delay_loop + retries x delay_before_retry + the timeout. Where each check runs
// into the timeout, the schedule has it that often, as keepalived's has, and each check may be late.
func (c detectCase) bound() time.Duration {
	if c.silent {
		return c.schedule() + (1+detectRetries)*onTime
	}
	return c.schedule() + c.loop
}

// detectOrder is what the machine that has keepalived is told.
type detectOrder struct {
	Rounds     int
	Loop       time.Duration // delay_loop, delay_before_retry and connect_timeout
	Keepalived bool
}

// detections are how long each daemon took, by the place of the case, in each round.
type detections struct {
	Kernel string
	Took   map[string][][]time.Duration
}

// detectJob is the name of the work for a user-mode Linux.
const detectJob = "health"

// guestJobs are all that a user-mode Linux may be asked to do, but comparing.
func guestJobs() []ipvs.Job {
	return []ipvs.Job{{Name: detectJob, Do: func(of json.RawMessage) (any, error) {
		var order detectOrder
		if err := json.Unmarshal(of, &order); err != nil {
			return nil, fmt.Errorf("read the order: %w", err)
		}
		if err := ipvs.LoadIPVS(); err != nil {
			return nil, err
		}
		return order.follow(context.Background())
	}}}
}

// detect has servers go down, beside keepalived where that can be. keepalived checks nothing without IPVS, so that both
// run in a user-mode Linux that has it. It says what came of that, too.
func detect(ctx context.Context, o healthOptions) (found detections, told string, err error) {
	order := detectOrder{Rounds: o.rounds, Loop: o.loop, Keepalived: o.uml}
	_, missing := exec.LookPath("keepalived")
	switch unavailable := ipvs.Available(); {
	case !o.uml:
		told = "keepalived was not asked"
	case missing != nil || unavailable != nil:
		order.Keepalived, told = false, fmt.Sprintf("no keepalived beside: %v", errors.Join(missing, unavailable))
	}
	if order.Keepalived {
		if err := ipvs.Run(ctx, detectJob, order, &found); err != nil {
			return found, "", err
		}
		return found, "servers go down beside keepalived in user-mode Linux " + found.Kernel, nil
	}
	err = inPrivate(func() error {
		findings, err := runChecker(ctx, healthOrder{Falls: &order})
		found = findings.Falls
		return err
	})
	return found, told, err
}

// rows has Drover before keepalived in each case.
func (d detections) rows(loop time.Duration) (rows []Row) {
	for i, c := range detectCases(loop) {
		for _, daemon := range []daemonKind{droverDaemon, keepalivedDaemon} {
			var took []float64
			for _, t := range d.Took[string(daemon)] {
				took = append(took, float64(t[i]))
			}
			if len(took) > 0 {
				rows = append(rows, newRow(&contestant{name: string(daemon), family: IPv4}, c.path, 0, took))
			}
		}
	}
	return rows
}

// detectBars holds every round to the bound, and the middle of them to keepalived's. Both have the same schedule: who is
// as little behind it as a check may be late is equal.
func detectBars(r Report, loop time.Duration) (bars []Bar) {
	for _, c := range detectCases(loop) {
		drover, found := r.row(string(droverDaemon), c.path, IPv4, 0)
		if !found {
			continue
		}
		name, _, _ := strings.Cut(string(c.path), ":")
		bars = append(bars, atMost(name+": s to down, in the worst round", thousandths(drover.Max/nsPerMS/1000), c.bound().Seconds()))
		if keepalived, found := r.row(string(keepalivedDaemon), c.path, IPv4, 0); found {
			floor := float64(c.schedule() + onTime)
			drover.Median, keepalived.Median = max(drover.Median, floor), max(keepalived.Median, floor)
			bars = append(bars, atMost(name+": s to down, drover/keepalived", ratio(drover, keepalived), 1))
		}
	}
	return bars
}
