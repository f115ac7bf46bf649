package main

import (
	"testing"
)

func TestNewConnectionsAlternateBetweenTheRealServers(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"native", "generic"} {
		t.Run(mode, func(t *testing.T) {
			n := newNetwork(t)
			n.start(n.high, "--xdp-mode", mode)
			n.untilState(n.high, "MASTER")
			s, err := n.status(n.high)
			n.must(err)
			if len(s.Interfaces) != 1 || s.Interfaces[0].XDPMode != mode {
				t.Fatalf("status shows interfaces %+v, want mode %s", s.Interfaces, mode)
			}
			n.mustAlternate(vip, 6)
		})
	}
}
