package dataplane

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"drover/bpf"
)

// TestAFullBucketGivesUpWhatIsMissedLeast fills a bucket and opens one connection more.
func TestAFullBucketGivesUpWhatIsMissedLeast(t *testing.T) {
	const ahead = -time.Second // another CPU may have read a later jiffy than the one that looks
	const none = -1
	const s, m = time.Second, time.Minute
	type slots [flowsPerBucket]struct {
		state uint8
		idle  time.Duration
	}
	p := newPlane(t, Options{})
	bucket, clients := p.neighbors(flowsPerBucket + 1)
	for _, c := range []struct {
		name  string
		slots slots
		gone  int
	}{
		{"expired before embryonic", slots{{embryonic, 0}, {datagrams, 0}, {closing, 3 * m}, {embryonic, 9 * s}}, 2},
		{"expired established before embryonic", slots{{embryonic, 0}, {established, time.Hour}, {embryonic, 0}, {closing, 0}}, 1},
		{"the longest expired first", slots{{embryonic, 2 * m}, {closing, 20 * m}, {established, 16 * m}, {datagrams, 6 * m}}, 1},
		{"embryonic before UDP", slots{{datagrams, m}, {datagrams, 0}, {closing, m}, {embryonic, 0}}, 3},
		{"the oldest embryonic first", slots{{embryonic, s}, {embryonic, 9 * s}, {embryonic, 5 * s}, {embryonic, 0}}, 1},
		{"UDP before closing", slots{{closing, m}, {established, 0}, {datagrams, 0}, {closing, 0}}, 2},
		{"the oldest datagrams first", slots{{datagrams, s}, {datagrams, 2 * s}, {datagrams, 0}, {established, m}}, 1},
		{"closing before established", slots{{established, 14 * m}, {established, 0}, {established, 0}, {closing, 0}}, 3},
		{"the oldest closing first", slots{{closing, s}, {closing, 0}, {established, 0}, {closing, 2 * s}}, 3},
		{"established never", slots{{established, 14 * m}, {established, 0}, {established, m}, {established, 0}}, none},
		{"established never, seen a moment ahead of this CPU",
			slots{{established, ahead}, {established, ahead}, {established, ahead}, {established, ahead}}, none},
		{"seen a moment ahead of this CPU is not old",
			slots{{embryonic, ahead}, {embryonic, s}, {embryonic, ahead}, {established, 0}}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := p.now()
			var full bpf.DroverFlowBucket
			for n, slot := range c.slots {
				full.Key[n] = p.flowKey(clients[n], tcpService(web))
				full.Real[n], full.State[n] = 1, slot.state
				full.Seen[n] = now.ago(slot.idle)
			}
			must(t, p.objects.Flows.Put(bucket, full))
			p.run(tcpFrom(clients[flowsPerBucket], netip.MustParseAddrPort(web), syn))

			stored := p.stored()
			for n := range c.slots {
				if _, there := stored[full.Key[n]]; there == (n == c.gone) {
					t.Errorf("flow %d is in the table: %t, want %t", n, there, n != c.gone)
				}
			}
			if _, there := stored[p.flowKey(clients[flowsPerBucket], tcpService(web))]; there == (c.gone == none) {
				t.Errorf("the new flow is in the table: %t, want %t", there, c.gone != none)
			}
		})
	}
}

func TestAConnectionThatFindsNoSlotStaysByTheHash(t *testing.T) {
	p := newPlane(t, Options{})
	_, clients := p.neighbors(flowsPerBucket + 1)
	for _, from := range clients[:flowsPerBucket] {
		p.run(tcpFrom(from, netip.MustParseAddrPort(web), syn))
		p.run(tcpFrom(from, netip.MustParseAddrPort(web), ack))
	}
	last := clients[flowsPerBucket]
	want := untracked(p.realOf(tcpFrom(last, netip.MustParseAddrPort(web), syn)))
	for _, flags := range []byte{syn, syn, ack, psh | ack, fin | ack} {
		p.expect(tcpFrom(last, netip.MustParseAddrPort(web), flags), want)
	}
}

func TestASYNFloodLeavesEstablishedConnections(t *testing.T) {
	const flood = 100_000
	p := newPlane(t, Options{})
	for n := range 600 {
		p.run(tcpFrom(nthClient(n), netip.MustParseAddrPort(web), syn))
		p.run(tcpFrom(nthClient(n), netip.MustParseAddrPort(web), ack))
	}
	before := p.stored()
	random := rand.New(rand.NewPCG(1, 2))
	for range flood {
		p.run(tcpFrom(randomAddress(random), netip.MustParseAddrPort(web), syn))
	}
	after, kept := p.stored(), 0
	for key, flow := range before {
		if flow.state != established {
			continue
		}
		if kept++; after[key] != flow {
			t.Errorf("the flood made %+v of the established flow %+v", after[key], flow)
		}
	}
	if kept < 500 || len(after) < p.FlowCapacity()*99/100 {
		t.Errorf("%d established flows under a flood that filled %d slots of %d: not a test", kept, len(after), p.FlowCapacity())
	}
}
