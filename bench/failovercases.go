package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// adverts is how the masters advert.
type adverts struct {
	name     string // as the flag has it
	version  int    // of VRRP
	interval time.Duration
	// repeated is how many times as often as the others they are measured. The client knows an outage to the millisecond between
	// two echoes, which is 3 in 100 of one at 10 ms.
	repeated int
}

func allAdverts() []adverts {
	return []adverts{
		{name: "1s", version: 2, interval: time.Second, repeated: 1},
		{name: "100ms", version: 3, interval: 100 * time.Millisecond, repeated: 1},
		{name: "10ms", version: 3, interval: 10 * time.Millisecond, repeated: 3},
	}
}

func (a adverts) String() string { return fmt.Sprintf("v%d at %s", a.version, a.name) }

// roundsOf is how often they are measured when others are so often.
func (a adverts) roundsOf(usual int) int { return a.repeated * usual }

// path is a case at these adverts.
func (a adverts) path(of Path) Path { return Path(fmt.Sprintf("%s, %s", of, a)) }

// pair is what runs on the node of the higher priority, and on the other.
type pair struct {
	name           string
	better, second daemonKind
}

func allPairs() []pair {
	return []pair{
		{"drover", droverDaemon, droverDaemon},
		{"keepalived", keepalivedDaemon, keepalivedDaemon},
		{"drover+keepalived", droverDaemon, keepalivedDaemon},
		{"keepalived+drover", keepalivedDaemon, droverDaemon},
	}
}

func (p pair) hasDrover() bool {
	return slices.Contains([]daemonKind{p.better, p.second}, droverDaemon)
}

func (p pair) hasKeepalived() bool {
	return slices.Contains([]daemonKind{p.better, p.second}, keepalivedDaemon)
}

// Cases of the failover benchmark, at one kind of adverts.
const (
	NoEvent    Path = "no event" // the floor of the instrument
	Kill       Path = "kill -9"
	Restart    Path = "restart" // after kill -9
	LinkDown   Path = "link down"
	LinkUp     Path = "link up"
	SilentCut  Path = "silent cut" // the carrier stays
	Heal       Path = "heal of a split"
	CleanStop  Path = "clean stop"
	Preemption Path = "preemption"
	Busy       Path = "late adverts, busy CPUs" // of a master that is well
)

// casePaths are all of them, in the order of the tables.
func casePaths() []Path {
	return []Path{NoEvent, Busy, Kill, LinkDown, SilentCut, Heal, CleanStop, Preemption, LinkUp, Restart}
}

// unplanned are those in which the better node goes without a word.
func unplanned() []Path { return []Path{Kill, LinkDown, SilentCut} }

// fault is what befalls the better node, and what brings it back. Both are events that clients may notice.
type fault struct {
	name         string // as the flag has it
	begins, ends Path
	begin, end   func(ctx context.Context, n *node) error
	// split says that both nodes are master until the end.
	split bool
}

func allFaults() []fault {
	return []fault{
		{
			name: "kill", begins: Kill, ends: Restart,
			begin: func(_ context.Context, n *node) error { return n.kill() },
			end:   func(ctx context.Context, n *node) error { return n.start(ctx) },
		},
		{
			name: "link", begins: LinkDown, ends: LinkUp,
			begin: func(_ context.Context, n *node) error { return n.host.Pull() },
			end:   func(_ context.Context, n *node) error { return n.host.Plug() },
		},
		{
			name: "cut", begins: SilentCut, ends: Heal, split: true,
			begin: func(_ context.Context, n *node) error { return n.host.Cut() },
			end:   func(_ context.Context, n *node) error { return n.host.Mend() },
		},
		{
			name: "stop", begins: CleanStop, ends: Preemption,
			begin: func(_ context.Context, n *node) error { return n.stop() },
			end:   func(ctx context.Context, n *node) error { return n.start(ctx) },
		},
	}
}
