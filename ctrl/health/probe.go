package health

import (
	"context"
	"net/netip"
)

// Target is the real server that a probe asks.
type Target struct {
	// Address is where to connect to (keepalived: the real_server's address, or connect_ip and connect_port). Probes
	// that have no use for a port, such as [Ping], do not look at it.
	Address netip.AddrPort
}

// Probe asks one real server once. It returns promptly when ctx ends, and bounds its own time and memory.
type Probe func(ctx context.Context, target Target) Answer

// Answer is what a probe learned.
type Answer struct {
	// Err is nil if the server is healthy; otherwise its text is the reason that operators read in logs and status. It
	// wraps ErrNotAsked if nothing was learned.
	Err error
	// Weight is what a healthy server's weight is to be.
	Weight Weight
}

// failed is the answer of a probe that has nothing to say of weights; nil is healthy.
func failed(err error) Answer { return Answer{Err: err} }
