package dataplane

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"
)

// inEither runs a test of flows in both worlds, on a plane that knows of no others.
func inEither(t *testing.T, sizes Sizes, test func(*plane, family)) {
	t.Helper()
	p := newPlane(t, Options{Sizes: sizes})
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			p := *p
			p.t = t
			p.renew(f.tables())
			test(&p, f)
		})
	}
}

// newPlaneOfBoth opens a data plane with the services of both worlds; the ids of IPv6 real servers begin behind 5.
func newPlaneOfBoth(t *testing.T, opts Options) *plane {
	t.Helper()
	p := newPlane(t, opts)
	p.change(func(want *Tables) { families[1].addTo(want, 5) })
	return p
}

// nth is a client of the family like no other, each with an address of its own.
func (f family) nth(n int) netip.AddrPort {
	if f.name == "IPv4" {
		return nthClient(n)
	}
	address := netip.MustParseAddr("2001:db8:198::").As16()
	binary.BigEndian.PutUint32(address[12:], uint32(n))
	return netip.AddrPortFrom(netip.AddrFrom16(address), 40000)
}

func (f family) syn(n int) []byte      { return f.segment(n, syn) }
func (f family) ack(n int) []byte      { return f.segment(n, ack) }
func (f family) datagram(n int) []byte { return udpFrom(f.nth(n), netip.MustParseAddrPort(f.dns)) }

// segment is one of the nth client to the web service.
func (f family) segment(n int, flags byte) []byte {
	return tcpFrom(f.nth(n), netip.MustParseAddrPort(f.web), flags)
}

// flows is the table of the family.
func (p *plane) flows(f family) *ebpf.Map {
	if f.name == "IPv4" {
		return p.objects.Flows
	}
	return p.objects.Flows6
}

// onlyState is the state of the only flow in the table of the family.
func (p *plane) onlyState(f family) FlowState {
	p.t.Helper()
	stored := p.storedIn(p.flows(f))
	if len(stored) != 1 {
		p.t.Fatalf("%d flows are in the table, want one", len(stored))
	}
	for _, flow := range stored {
		return flow.state
	}
	return 0
}

// atPort is the VIP at a port.
func (f family) atPort(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(f.vip), port)
}
