package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"drover/ctrl/health"
	"drover/ctrl/netif"
)

// runHealthChecker makes the process the one that checks, if that is what it was started for, and then never returns.
func runHealthChecker() {
	text := os.Getenv(healthVariable)
	if text == "" {
		return
	}
	var order healthOrder
	var found healthFindings
	err := json.Unmarshal([]byte(text), &order)
	if err == nil {
		found, err = order.follow()
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// follow does as it is ordered, on one core.
func (o healthOrder) follow() (found healthFindings, err error) {
	runtime.GOMAXPROCS(1)
	if o.Falls != nil {
		found.Falls, err = o.Falls.follow(context.Background())
		return found, err
	}
	if found.Rounds, found.Failed, err = o.checkAll(); err != nil {
		return found, err
	}
	if found.Memory, err = mostMemoryUsed(); err != nil {
		return found, err
	}
	if found.Refusals, err = o.refuse(); err != nil {
		return found, err
	}
	found.Flapping, err = o.flap()
	return found, err
}

// lateness is how late checks started since it was last taken.
type lateness struct {
	mu   sync.Mutex
	late []time.Duration
}

func (l *lateness) add(late time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = append(l.late, late)
}

func (l *lateness) take() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	late := l.late
	l.late = make([]time.Duration, 0, cap(late))
	return late
}

// checkAll checks all servers, in rounds, and counts the checks that fail.
func (o healthOrder) checkAll() (rounds []healthRound, failed int, err error) {
	var late lateness
	var failures atomic.Int64
	stop, err := o.start(o.Servers, answeringPort, health.CheckerConfig{
		Settings: health.Settings{Interval: checkedInterval, Warmup: checkedInterval, Retry: 1, DelayBeforeRetry: checkedInterval},
		Report: func(v health.Verdict) {
			if !v.Up {
				failures.Add(1)
				fmt.Fprintln(os.Stderr, "a healthy server is down:", v.Reason)
			}
		},
		Failed:  func(string) { failures.Add(1) },
		Started: late.add,
	})
	if err != nil {
		return nil, 0, err
	}
	defer stop()
	time.Sleep(2 * checkedInterval) // the first checks of all, which cost more: what is measured is how it goes on
	failures.Store(0)
	var garbage health.Collector
	for range o.Rounds {
		garbage.Tune() // as the daemon does
		round, err := o.round(&late)
		if err != nil {
			return nil, 0, err
		}
		rounds = append(rounds, round)
	}
	return rounds, int(failures.Load()), nil
}

// round lets the checks go on, and judges them.
func (o healthOrder) round(late *lateness) (round healthRound, err error) {
	received, err := o.Receiver.used()
	if err != nil {
		return round, err
	}
	late.take()
	begun, used := time.Now(), processorTimeOfProcess()
	time.Sleep(time.Duration(o.Seconds) * time.Second)
	round = judgeRound(late.take())
	round.Took, round.Used = time.Since(begun), processorTimeOfProcess()-used
	if round.Receiver, err = o.Receiver.used(); err != nil {
		return round, err
	}
	round.Receiver -= received
	return round, nil
}

func judgeRound(late []time.Duration) healthRound {
	slices.Sort(late)
	round := healthRound{Checks: len(late)}
	round.OnTime, _ = slices.BinarySearch(late, onTime+1)
	if len(late) > 0 {
		round.Late99 = late[len(late)*99/100]
	}
	return round
}

// start runs checkers of so many servers, until it is stopped.
func (o healthOrder) start(servers int, port uint16, config health.CheckerConfig) (stop func(), err error) {
	probes, err := o.probes()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	stop = func() {
		cancel()
		running.Wait()
	}
	config.Probes = probes
	for i := range servers {
		config.Target = health.Target{Address: checkedAddress(i, port)}
		config.Spread = float64(i) / float64(servers)
		checker, err := health.NewChecker(config)
		if err != nil {
			stop()
			return nil, err
		}
		running.Go(func() { _ = checker.Run(ctx) }) // it ends with the context
	}
	return stop, nil
}

func (o healthOrder) probes() ([]health.Probe, error) {
	return health.HTTPGet(health.HTTPSettings{
		Network: netif.HostDialer{}, ConnectTimeout: checkedInterval, URLs: []health.URL{{Path: "/index.html"}},
	})
}

// refuse measures checks of a port where nobody listens.
func (o healthOrder) refuse() (took []time.Duration, err error) {
	const closed = 1 // tcpmux, which no one serves in a namespace of our own
	probes, err := o.probes()
	if err != nil {
		return nil, err
	}
	for range o.Rounds {
		begun := time.Now()
		answer := probes[0](context.Background(), health.Target{Address: checkedAddress(0, closed)})
		took = append(took, time.Since(begun))
		if !errors.Is(answer.Err, unix.ECONNREFUSED) {
			return nil, fmt.Errorf("check of a closed port: %v, want %w", answer.Err, unix.ECONNREFUSED)
		}
	}
	return took, nil
}

// Flapping servers.
const (
	flappingServers = 10
	flapsInAnHour   = 3600 // of each server: one a second
	// flapInterval is between two checks of one server: an hour's worth is over the sooner.
	flapInterval = time.Millisecond
	flapPatience = 2 * time.Minute
)

// flap checks servers that rise or fall with each check, until they have done so as often as they are told to, and compares
// what the process holds after a fifth of it and in the end. Nothing is under way when it looks, for every checker waits
// until its report is heard.
func (o healthOrder) flap() (found flapFindings, err error) {
	heard, enough := make(chan struct{}), make(chan struct{})
	stop, err := o.start(flappingServers, flappingPort, health.CheckerConfig{
		Settings: health.Settings{Kind: health.KindTCP, Interval: flapInterval},
		Report: func(health.Verdict) {
			select {
			case heard <- struct{}{}:
			case <-enough:
			}
		},
	})
	if err != nil {
		return found, err
	}
	defer func() {
		close(enough)
		stop()
	}()
	patience := time.After(flapPatience)
	hear := func(transitions int) (holdings, error) {
		for ; found.Transitions < transitions; found.Transitions++ {
			select {
			case <-heard:
			case <-patience:
				return holdings{}, fmt.Errorf("servers rose and fell %d times in %v, want %d", found.Transitions, flapPatience, transitions)
			}
		}
		return held()
	}
	all := flappingServers * o.Flaps
	before, err := hear(all / 5)
	if err != nil {
		return found, err
	}
	after, err := hear(all)
	if err != nil {
		return found, err
	}
	found.Files, found.Goroutines = after.files-before.files, after.goroutines-before.goroutines
	found.Heap = (after.heap - before.heap) / megabyte
	return found, nil
}
