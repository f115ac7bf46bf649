package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"time"

	"drover/bench/plot"
)

// Paths of the health benchmark.
const (
	// LateStart is how late the latest check of a hundred starts.
	LateStart Path = "checks every second, one core: how late 99 of 100 start, at most"
	// Refused is how long a check takes that is refused.
	Refused Path = "a check of a closed port"
)

// healthOptions size the health benchmark.
type healthOptions struct {
	servers int
	seconds int // of a round
	rounds  int
	flaps   int           // of each server that flaps
	loop    time.Duration // between the checks of servers that go down
	uml     bool          // ask keepalived, too, where it has IPVS
}

// Limits of the health benchmark.
const (
	mostCheckedServers = 20_000
	mostSeconds        = 60
	healthRounds       = 5

	onTime          = 50 * time.Millisecond // a check that starts later is late
	leastOnTime     = 99.0                  // of a hundred
	leastMade       = 99.0                  // of a hundred: keepalived's delay_loop counts from the end of a check
	mostMemory      = 250.0                 // MB
	mostHeapGrowth  = 1.0                   // MB
	longestRefusal  = 50.0                  // ms
	checkedInterval = time.Second
)

func healthBenchmark() benchmark {
	return benchmark{
		name: "health", summary: "thousands of health checks, and how soon a dead server is known", rounds: healthRounds,
		configure: func(set *flag.FlagSet) measure {
			o := healthOptions{servers: 5000, seconds: 5, flaps: flapsInAnHour, loop: time.Second, uml: true}
			set.Var(count{&o.servers, mostCheckedServers}, "servers", "check `N` real servers")
			set.Var(count{&o.seconds, mostSeconds}, "seconds", "measure each round for `N` seconds")
			set.BoolVar(&o.uml, "keepalived", o.uml, "measure keepalived, too, in user-mode Linux")
			return func(ctx context.Context, rounds int) (Report, error) {
				o.rounds = rounds
				return benchHealth(ctx, o)
			}
		},
		figure: healthFigure,
	}
}

// benchHealth checks many servers, lets some flap, and takes some down.
func benchHealth(ctx context.Context, o healthOptions) (Report, error) {
	report, err := newReport("health", "not used", perCheck, o.rounds)
	if err != nil {
		return Report{}, err
	}
	found, err := checkMany(ctx, o)
	if err != nil {
		return Report{}, err
	}
	fallen, told, err := detect(ctx, o)
	if err != nil {
		return Report{}, fmt.Errorf("servers that go down: %w", err)
	}
	report.Rows = append(found.rows(), fallen.rows(o.loop)...)
	report.Notes = append(found.notes(o), fmt.Sprintf(
		"down: delay_loop, delay_before_retry and connect_timeout %v, retry %d; each try of a silent server waits out its own timeout, "+
			"and one that is refused ends at once; %s", o.loop, detectRetries, told))
	report.Bars = append(found.bars(o), detectBars(report, o.loop)...)
	return report, nil
}

// perCheck is the unit of a report of checks.
const perCheck = "check"

// rows has the times of each round.
func (f healthFindings) rows() []Row {
	drover := &contestant{name: "drover", family: IPv4}
	late := make([]float64, len(f.Rounds))
	for i, r := range f.Rounds {
		late[i] = float64(r.Late99)
	}
	refused := make([]float64, len(f.Refusals))
	for i, took := range f.Refusals {
		refused[i] = float64(took)
	}
	return []Row{newRow(drover, LateStart, 0, late), newRow(drover, Refused, 0, refused)}
}

func (f healthFindings) notes(o healthOptions) []string {
	return []string{
		fmt.Sprintf("HTTP_GET of %s every second, each round %d s; the checker on one core, the servers on others, a veth pair between",
			countOf(o.servers, "real server"), o.seconds),
		fmt.Sprintf("each core receives what comes to it, by a thread of its end of the pair: that of the checker %s packets in all; "+
			"%s packets were lost between them, and %s checks of the rounds failed, of servers that answer all",
			grouped(int(f.Received)), grouped(int(f.Lost)), grouped(f.Failed)),
		fmt.Sprintf("%.0f checks a second with %.2f of the core for the process, %.2f to receive, and %.0f MB of memory at most",
			f.rate(), f.cores(), f.receiver(), f.Memory),
		fmt.Sprintf("flapping: %s rose or fell %s times in all; once a second each is %s an hour", countOf(flappingServers, "real server"),
			grouped(f.Flapping.Transitions), grouped(flappingServers*flapsInAnHour)),
	}
}

// bars are what the benchmark promises.
func (f healthFindings) bars(o healthOptions) []Bar {
	refused := f.rows()[1]
	return []Bar{
		atLeast("checks made, of one of each server every second, %", hundredths(f.made(o.servers)), leastMade),
		atLeast(fmt.Sprintf("checks that start within %v of their time, %%", onTime), hundredths(f.onTime()), leastOnTime),
		atMost("memory, MB", hundredths(f.Memory), mostMemory),
		atMost(string(Refused)+", ms in the worst round", hundredths(refused.Max/nsPerMS), longestRefusal),
		atMost("flapping, an hour's worth: file descriptors more than before", float64(f.Flapping.Files), 0),
		atMost("flapping, an hour's worth: goroutines more than before", float64(f.Flapping.Goroutines), 0),
		atMost("flapping, an hour's worth: MB of memory more than before", hundredths(f.Flapping.Heap), mostHeapGrowth),
	}
}

// made is how many checks were made, of a hundred, in the worst round.
func (f healthFindings) made(servers int) float64 {
	least := math.Inf(1)
	for _, r := range f.Rounds {
		wanted := float64(servers) * r.Took.Seconds() / checkedInterval.Seconds()
		least = min(least, 100*float64(r.Checks)/wanted)
	}
	return least
}

// onTime is the least of the rounds, of a hundred.
func (f healthFindings) onTime() float64 {
	least := 100.0
	for _, r := range f.Rounds {
		least = min(least, 100*float64(r.OnTime)/float64(max(r.Checks, 1)))
	}
	return least
}

// rate is how many checks a second were made.
func (f healthFindings) rate() float64 {
	var checks, seconds float64
	for _, r := range f.Rounds {
		checks += float64(r.Checks)
		seconds += r.Took.Seconds()
	}
	return checks / seconds
}

// cores is how much of the processor the process used.
func (f healthFindings) cores() float64 {
	return f.shareOf(func(r healthRound) time.Duration { return r.Used })
}

// receiver is how much of it the thread used that receives.
func (f healthFindings) receiver() float64 {
	return f.shareOf(func(r healthRound) time.Duration { return r.Receiver })
}

func (f healthFindings) shareOf(part func(healthRound) time.Duration) float64 {
	var used, took time.Duration
	for _, r := range f.Rounds {
		used += part(r)
		took += r.Took
	}
	return used.Seconds() / took.Seconds()
}

// healthFigure has a panel for each path.
func healthFigure(r Report) plot.Figure {
	figure := r.emptyFigure("Health checks")
	for _, s := range r.sections() {
		panel := r.panel(string(s.path), func(row Row) string {
			if row.Path != s.path {
				return ""
			}
			return string(row.Family)
		})
		if s.path == LateStart {
			panel.Limit = float64(onTime.Milliseconds())
		}
		figure.Panels = append(figure.Panels, panel)
	}
	return figure
}
