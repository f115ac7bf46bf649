package health

import (
	"context"
	"time"
)

// TCPSettings describe a TCP_CHECK.
type TCPSettings struct {
	// Network opens the sockets.
	Network Network
	// ConnectTimeout bounds the connect (keepalived: connect_timeout). Default DefaultConnectTimeout.
	ConnectTimeout time.Duration
}

// TCPConnect returns the probe of a TCP_CHECK: it connects, and closes. It returns an error if a setting is out of its
// range.
func TCPConnect(settings TCPSettings) (Probe, error) {
	limits, err := limitsOf(settings.ConnectTimeout, 0)
	if err != nil {
		return nil, err
	}
	if settings.Network == nil {
		return nil, errNoNetwork
	}
	return func(ctx context.Context, target Target) Answer {
		conn, err := dial(ctx, settings.Network, "tcp", target.Address, limits)
		if err != nil {
			return failed(err)
		}
		conn.Close() // the server has answered; how it takes the end is not asked
		return Answer{}
	}, nil
}
