package health

import (
	"context"
	"net/netip"
)

// Target is the real server that a probe asks.
type Target struct {
	// Address is where to connect to (keepalived: the real_server's address, or connect_ip and connect_port).
	Address netip.AddrPort
}

// Probe asks one real server once. It returns nil if the server is healthy; otherwise the error's text is the reason that
// operators read in logs and status. It returns promptly with an error when ctx ends, and bounds its own time.
type Probe func(ctx context.Context, target Target) error
