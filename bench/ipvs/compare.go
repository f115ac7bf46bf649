// Package ipvs measures Drover beside IPVS-DR, on a machine whose kernel has no IPVS: both run in one user-mode Linux,
// whose kernel has it (Debian's packages user-mode-linux and ipvsadm). There is one for amd64 only.
//
//	func main() {
//		ipvs.RunGuest()
//		...
//		result, err := ipvs.Compare(ctx, ipvs.Options{})
//
// Each balancer has a veth cable of its own. Live frames (BPF_F_TEST_XDP_LIVE_FRAMES) are put on the near end of it,
// reach the balancer as frames reach one from a driver, in batches, and come back to the near end, where they are
// counted by real server. All of that is one thread of the host, so the time a packet takes is the time that it takes
// one core to send, balance and count it. A third balancer, the wire, is none: it shows how much of that is not the
// balancers' part.
//
// Drover is handicapped: this kernel interprets BPF, where others compile it. IPVS is native code, as everywhere; its
// table of connections has a row for each, and generic receive offload is on, as it is on NICs. IPVS sets a timer anew
// with every packet; Drover's daemon goes over the table about once a second instead, which is not part of this.
//
// The machine's memory is a file of up to 1.5 GB in /dev/shm, of which it takes what it uses.
package ipvs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
)

// ErrNoUML says that the machine lacks what the comparison needs.
var ErrNoUML = errors.New("no user-mode Linux with IPVS on this machine")

// Options size the comparison. Zero values stand for the defaults.
type Options struct {
	Flows   int // established connections, each used in turn; 1 to MaxFlows, 1000 by default
	Rounds  int // measurements of each contender; 21 by default
	Packets int // in one measurement, or as many more as use all connections equally often; 200 000 by default
}

// MaxFlows keeps a row for each in IPVS's table, which has at most 1 048 576.
const MaxFlows = 1_000_000

const maxPackets = 100_000_000

func (o Options) withDefaults() Options {
	return Options{
		Flows: cmp.Or(o.Flows, 1000), Rounds: cmp.Or(o.Rounds, 21), Packets: cmp.Or(o.Packets, 200_000),
	}
}

func (o Options) validate() error {
	switch {
	case o.Flows < 1 || o.Flows > MaxFlows:
		return fmt.Errorf("%d flows: want 1 to %d", o.Flows, MaxFlows)
	case o.Rounds < 1:
		return fmt.Errorf("%d rounds: want at least 1", o.Rounds)
	case o.Packets < 1 || o.Packets > maxPackets:
		return fmt.Errorf("%d packets: want 1 to %d", o.Packets, maxPackets)
	}
	return nil
}

// packetsInARound has every connection used equally often.
func (o Options) packetsInARound() int { return (o.Packets + o.Flows - 1) / o.Flows * o.Flows }

// Names of the contenders.
const (
	Drover = "drover" // in native mode
	IPVS   = "ipvs"   // DR, scheduler rr
	Wire   = "wire"   // gives every packet the first real server's MAC address and sends it back: the yardstick
)

// Result is what a comparison found. No packet was lost and none went elsewhere than to a real server, or there would
// be no result.
type Result struct {
	Kernel      string      `json:"kernel"`          // release of the user-mode kernel
	Interpreted bool        `json:"bpf_interpreted"` // not compiled to native code: Drover and the wire are slowed by it
	Flows       int         `json:"flows"`           // established connections
	Packets     int         `json:"packets"`         // in each measurement
	Contenders  []Contender `json:"contenders"`      // Drover, IPVS, Wire
}

// Contender is what one balancer did.
type Contender struct {
	Name   string    `json:"name"`
	Rounds []float64 `json:"packets_per_second"` // in the order they were run, taking turns with the others
	Median float64   `json:"median"`             // packets per second, as the next two
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
}

func newContender(name string, rounds []float64) Contender {
	sorted := slices.Sorted(slices.Values(rounds))
	n := len(sorted)
	return Contender{
		Name: name, Rounds: rounds, Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1],
	}
}

// Contender finds a balancer's measurements by its name.
func (r Result) Contender(name string) (Contender, bool) {
	i := slices.IndexFunc(r.Contenders, func(c Contender) bool { return c.Name == name })
	if i < 0 {
		return Contender{}, false
	}
	return r.Contenders[i], true
}

// Available returns nil when the machine has what Compare needs, else an error that wraps [ErrNoUML].
func Available() error {
	if runtime.GOARCH != umlArch {
		return fmt.Errorf("%w: there is one for %s only, this is %s", ErrNoUML, umlArch, runtime.GOARCH)
	}
	for _, command := range []string{umlCommand, "ipvsadm", "ip"} {
		if _, err := exec.LookPath(command); err != nil {
			return fmt.Errorf("%w: no %s (apt-get install user-mode-linux ipvsadm iproute2)", ErrNoUML, command)
		}
	}
	return nil
}

// Compare boots a user-mode Linux, measures there, and turns it off. With the default options that takes ten seconds.
// The program must call [RunGuest] first thing in main. The host's own network is not touched. Compare needs root, for
// a namespace of processes and the right of way on one core.
//
// Errors: one that wraps [ErrNoUML]; options out of range; a lost or misdirected packet; ctx is done. When the
// user-mode Linux fails, the error has what its console says.
func Compare(ctx context.Context, options Options) (Result, error) {
	if err := Available(); err != nil {
		return Result{}, err
	}
	options = options.withDefaults()
	if err := options.validate(); err != nil {
		return Result{}, err
	}
	var result Result
	if err := runInUML(ctx, compareJob, options, &result); err != nil {
		return Result{}, fmt.Errorf("user-mode Linux: %w", err)
	}
	return result, nil
}

// Run boots a user-mode Linux that does the job of this name, of those that [RunGuest] was called with, and turns it off.
// The order is what the job is told, the answer a pointer to where its answer is put; both travel as JSON. The machine
// has a read-only view of the host's files, a writable /run, and no network but what the job makes. Run needs root, as
// Compare does, and returns errors as Compare does.
func Run(ctx context.Context, job string, order, answer any) error {
	if err := Available(); err != nil {
		return err
	}
	if err := runInUML(ctx, job, order, answer); err != nil {
		return fmt.Errorf("user-mode Linux: %w", err)
	}
	return nil
}
