package dataplane

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"testing"
	"time"

	"drover/bpf"
)

// putFlow writes a flow of real server 1 to a slot of an IPv4 set.
func (p *plane) putFlow(set uint32, slot int, key bpf.DroverFlowKey, state FlowState, idle time.Duration) {
	p.t.Helper()
	var raw []byte
	must(p.t, p.objects.Flows.Lookup(set, &raw))
	flow, order := raw[slot*flowBytes:], binary.NativeEndian
	order.PutUint32(flow, key.Client)
	order.PutUint16(flow[4:], key.Port)
	order.PutUint16(flow[6:], key.Service)
	order.PutUint32(flow[atSeen:], p.now().ago(idle))
	order.PutUint32(flow[atReal:], 1)
	flow[atState] = byte(state)
	must(p.t, p.objects.Flows.Put(set, raw))
}

// count has the loads be what the tables hold.
func (p *plane) count() {
	p.t.Helper()
	for id, load := range p.loads() {
		must(p.t, p.objects.RealLoads.Put(uint32(id), bpf.DroverRealLoad{
			Active: uint32(load.Active), Inactive: uint32(load.Inactive),
		}))
	}
}

// spot is a flow in a full set.
type spot struct {
	state FlowState
	idle  time.Duration
}

// TestAFullSetGivesUpWhatIsMissedLeast fills a set, with established flows but for four, and opens one connection more.
func TestAFullSetGivesUpWhatIsMissedLeast(t *testing.T) {
	const ahead = -time.Second // another CPU may have read a later jiffy than the one that looks
	const none = -1
	const s, m = time.Second, time.Minute
	p := newPlane(t, Options{})
	set, clients := p.neighbors(slotsPerSet + 1)
	for _, c := range []struct {
		name  string
		spots [4]spot
		gone  int
	}{
		{"marked as expired before embryonic",
			[4]spot{{FlowEmbryonic, 9 * s}, {FlowUDP, 0}, {FlowExpired, 0}, {FlowEmbryonic, 0}}, 2},
		{"expired before embryonic",
			[4]spot{{FlowEmbryonic, 0}, {FlowUDP, 0}, {FlowClosing, 3 * m}, {FlowEmbryonic, 9 * s}}, 2},
		{"expired established before embryonic",
			[4]spot{{FlowEmbryonic, 0}, {FlowEstablished, time.Hour}, {FlowEmbryonic, 0}, {FlowClosing, 0}}, 1},
		{"embryonic before a new persistent client",
			[4]spot{{FlowClientNew, m}, {FlowUDP, 0}, {FlowEmbryonic, 0}, {FlowReset, 0}}, 2},
		{"a new persistent client before a resumed connection",
			[4]spot{{FlowResumed, s}, {FlowClientNew, 0}, {FlowClosing, m}, {FlowUDP, 0}}, 1},
		{"resumed before UDP", [4]spot{{FlowUDP, m}, {FlowUDP, 0}, {FlowClosing, m}, {FlowResumed, 0}}, 3},
		{"UDP before reset", [4]spot{{FlowReset, s}, {FlowEstablished, 0}, {FlowUDP, 0}, {FlowClosing, 0}}, 2},
		{"reset before closing", [4]spot{{FlowClosing, m}, {FlowReset, 0}, {FlowClient, 0}, {FlowClosing, 0}}, 1},
		{"closing before a persistent client",
			[4]spot{{FlowClient, m}, {FlowEstablished, 0}, {FlowClient, 0}, {FlowClosing, 0}}, 3},
		{"a persistent client before established",
			[4]spot{{FlowEstablished, 14 * m}, {FlowEstablished, 0}, {FlowClient, 0}, {FlowEstablished, 0}}, 2},
		{"the oldest embryonic first",
			[4]spot{{FlowEmbryonic, s}, {FlowEmbryonic, 9 * s}, {FlowEmbryonic, 5 * s}, {FlowEmbryonic, 0}}, 1},
		{"the oldest datagrams first", [4]spot{{FlowUDP, s}, {FlowUDP, 2 * s}, {FlowUDP, 0}, {FlowClosing, m}}, 1},
		{"the oldest closing first",
			[4]spot{{FlowClosing, s}, {FlowClosing, 0}, {FlowEstablished, 0}, {FlowClosing, 2 * s}}, 3},
		{"seen a moment ahead of this CPU is not old",
			[4]spot{{FlowEmbryonic, ahead}, {FlowEmbryonic, s}, {FlowEmbryonic, ahead}, {FlowEstablished, 0}}, 1},
		{"established never",
			[4]spot{{FlowEstablished, 14 * m}, {FlowEstablished, 0}, {FlowEstablished, m}, {FlowEstablished, 0}}, none},
		{"established never, seen a moment ahead of this CPU",
			[4]spot{{FlowEstablished, ahead}, {FlowEstablished, ahead}, {FlowEstablished, ahead}, {FlowEstablished, ahead}}, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := *p
			p.t = t
			p.fill(set, clients, c.spots)
			before, counted := p.stored(), p.displaced()
			p.run(tcpFrom(clients[slotsPerSet], netip.MustParseAddrPort(web), syn))
			if c.gone == none {
				p.expectInstead(before, clients, none)
			} else {
				p.expectInstead(before, clients, firstSpot+c.gone)
				if !c.spots[c.gone].over() {
					counted[c.spots[c.gone].state]++
				}
			}
			if got := p.displaced(); !maps.Equal(got, counted) {
				t.Errorf("it counts %v as displaced, want %v", got, counted)
			}
			p.expectTrueLoads()
		})
	}
}

// firstSpot is the slot of the first of the four.
const firstSpot = 5

// fill puts flows of the clients into every slot of a set: established ones but for four.
func (p *plane) fill(set uint32, clients []netip.AddrPort, spots [4]spot) {
	p.t.Helper()
	p.wipe()
	for slot := range slotsPerSet {
		is := spot{FlowEstablished, 0}
		if n := slot - firstSpot; n >= 0 && n < len(spots) {
			is = spots[n]
		}
		p.putFlow(set, slot, p.flowKey(clients[slot], tcpService(web)), is.state, is.idle)
	}
	p.count()
}

// expectInstead checks that the last client's flow has taken the place of the one in a slot, and that all others stayed.
func (p *plane) expectInstead(before map[bpf.DroverFlowKey]storedFlow, clients []netip.AddrPort, gone int) {
	p.t.Helper()
	stored := p.stored()
	for slot, client := range clients[:slotsPerSet] {
		key := p.flowKey(client, tcpService(web))
		if flow, there := stored[key]; there == (slot == gone) || there && flow != before[key] {
			p.t.Errorf("the flow in slot %d, %+v, is now %+v, %t", slot, before[key], flow, there)
		}
	}
	_, there := stored[p.flowKey(clients[slotsPerSet], tcpService(web))]
	if there != (gone >= 0) || len(stored) != slotsPerSet {
		p.t.Errorf("the new flow is in the table: %t, of %d", there, len(stored))
	}
}

// over tells whether nobody misses the flow.
func (s spot) over() bool {
	return s.state == FlowExpired || s.state == FlowClosing && s.idle > DefaultTimeouts.Closing ||
		s.state == FlowEstablished && s.idle > DefaultTimeouts.Established
}

func TestAConnectionThatFindsNoSlotStaysByTheHash(t *testing.T) {
	p := newPlane(t, Options{})
	_, clients := p.neighbors(slotsPerSet + 1)
	for _, from := range clients[:slotsPerSet] {
		p.run(tcpFrom(from, netip.MustParseAddrPort(web), syn))
		p.run(tcpFrom(from, netip.MustParseAddrPort(web), ack))
	}
	last := clients[slotsPerSet]
	want := untracked(p.realOf(tcpFrom(last, netip.MustParseAddrPort(web), syn)))
	for _, flags := range []byte{syn, syn, ack, psh | ack, fin | ack} {
		p.expect(tcpFrom(last, netip.MustParseAddrPort(web), flags), want)
	}
	p.expectTrueLoads()
}
