package main

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"drover/bench/testbed"
)

// A client whose neighbor table is late is served by the node that was MASTER, and not for ever.
func TestADemotedNodeForwardsForAWhile(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.start(n.low)
	n.untilState(n.low, "MASTER")
	n.untilUp(n.low, 2)
	late := n.addHost(testbed.HostSpec{Name: "late", Interface: "eth0", Addresses: prefixes("192.168.100.5/24")})
	n.believe(late, vip, n.low)
	adverts, sent := n.watchAdverts(), n.watchSent(late, vip)
	n.start(n.high)
	demoted := adverts.next(n.high).at
	n.untilState(n.low, "BACKUP")
	n.until("it is not served any more", func() (bool, error) {
		served, begun := n.isServed(late, vip), time.Since(demoted)
		switch {
		case !served && begun < 8*time.Second:
			t.Errorf("it is not served after %s: a successor's second announcement comes after 5 s", begun)
		case served && begun > 15*time.Second:
			t.Errorf("it is still served after %s", begun)
		default:
			return !served, nil
		}
		return true, nil
	})
	n.mustSendTo(sent, n.low, demoted)
	if !n.isServed(n.client, vip) {
		t.Error("a client that knows better is not served either")
	}
}

// isServed tells whether a new connection to port 80 is accepted soon.
func (n *network) isServed(from *testbed.Host, address netip.Addr) bool {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := from.Dial(ctx, "tcp", netip.AddrPortFrom(address, 80).String())
	if err != nil {
		return false
	}
	n.must(conn.Close())
	return true
}
