package dataplane

import (
	"net/netip"
	"testing"
)

// TestAVIPThatAcceptsNothing has packets for a VIP with no_accept, and the same ones for one without it: what no service
// takes is dropped, and what finds the address is not.
func TestAVIPThatAcceptsNothing(t *testing.T) {
	refusing := func(f family) Tables {
		want := f.tables()
		vip := netip.MustParseAddr(f.vip)
		want.VIPs[vip] = VIP{Gate: webGate, Refuse: true}
		return want
	}
	inBothOf(t, refusing, func(f family) []story {
		return []story{
			{"its services take what is theirs", []step{
				{nil, tcp(f.client, f.web, syn), opened(1)},
				{nil, tcp(f.client, f.web, ack), kept(1)},
				{nil, udp(f.client, f.dns), opened(3)},
			}},
			{"no other port is open", []step{
				{nil, tcp(f.client, portOf(f.vip, 81), syn), ends(DropRefused)},
				{nil, udp(f.client, portOf(f.vip, 81)), ends(DropRefused)},
				{nil, tagged(tcp(f.client, portOf(f.vip, 81), syn), customerTag), ends(DropRefused)},
			}},
			{"it answers no ping", single(f.echoRequest(), ends(DropRefused))},
			{"no other protocol gets in", single(f.ofProtocol(112), ends(DropRefused))},
			{"a fragment of nothing known is dropped", single(f.pieces(f.client, 9)[1], ends(DropRefused))},
			{"the address is found all the same", []step{
				{openGate, f.asks(f.router, f.vip), ends(PassNeighbor)},
				{openGate, f.tells(f.vip), ends(PassNeighbor)},
			}},
			{"another VIP accepts what it always did", []step{
				{nil, tcp(f.client, portOf(f.freeVIP, 81), syn), ends(PassNoService)},
			}},
			{"the host's own address does, too", []step{
				{nil, tcp(f.client, portOf(f.host, 22), syn), ends(PassNoService)},
			}},
			{"it accepts all again when it is told to", []step{
				{func(p *plane) {
					p.change(func(want *Tables) { want.VIPs[netip.MustParseAddr(f.vip)] = VIP{Gate: webGate} })
				}, f.echoRequest(), ends(PassProtocol)},
			}},
		}
	})
}
