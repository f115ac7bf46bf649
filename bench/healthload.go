package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// healthFindings is what the checking process has to say.
type healthFindings struct {
	Rounds   []healthRound
	Memory   float64         // MB, the most that the process had in its rounds
	Refusals []time.Duration // how long a check took that was refused
	Flapping flapFindings
	Falls    detections
	Failed   int    // checks of the rounds, though all servers answer
	Received uint64 // packets, all by the checker's own processor
	Lost     uint64 // packets, between the checker and the servers
}

// healthRound is a round of checks.
type healthRound struct {
	Checks, OnTime int
	Late99         time.Duration // 99 of 100 checks started that late, or less
	Took           time.Duration // of the clock
	Used, Receiver time.Duration // of the processor, by the process and by the thread that receives for it
}

// flapFindings is what is left of servers that rose and fell.
type flapFindings struct {
	Transitions       int     // of all servers
	Files, Goroutines int     // more than before
	Heap              float64 // MB more than before
}

// healthOrder tells the checking process what to do. It finds it in its environment.
type healthOrder struct {
	Servers  int
	Receiver kernelThread
	Seconds  int
	Rounds   int
	Flaps    int          // of each server that flaps
	Falls    *detectOrder // if not nil, this and nothing else
}

const healthVariable = "DROVER_BENCH_HEALTH"

// checkMany has one process check the servers of another one.
func checkMany(ctx context.Context, o healthOptions) (found healthFindings, err error) {
	wire, err := layHealthWire(ctx)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, wire.remove()) }()
	servers, err := wire.startServers(ctx)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, servers.stop()) }()
	order := healthOrder{Servers: o.servers, Receiver: wire.checker.receiver, Seconds: o.seconds, Rounds: o.rounds, Flaps: o.flaps}
	received, err := wire.counted(func() error {
		return wire.checker.do(func() (err error) {
			found, err = runChecker(ctx, order)
			return err
		})
	})
	if err != nil {
		return found, err
	}
	found.Received = received.came
	found.Lost, err = wire.lost()
	return found, err
}

// runChecker runs the checking process in the namespaces of the thread, on one processor, which it has for itself as far
// as it wants it: what else runs on this machine is not what is measured.
func runChecker(ctx context.Context, order healthOrder) (found healthFindings, err error) {
	first, _, err := shares()
	if err != nil {
		return found, err
	}
	text, err := json.Marshal(order)
	if err != nil {
		return found, err
	}
	cmd, err := first[:1].again(ctx, checkPriority, healthVariable+"="+string(text))
	if err != nil {
		return found, err
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return found, fmt.Errorf("checking process: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	if err := json.Unmarshal(stdout.Bytes(), &found); err != nil {
		return found, fmt.Errorf("read what the checking process says: %w", err)
	}
	return found, nil
}
