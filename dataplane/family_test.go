package dataplane

import (
	"net/netip"
	"testing"
)

// family is the world in one version of IP: a web service and a name service that hang on gate 1, each with two real
// servers, and a service without VRRP that has one. Both worlds have the same real server ids.
type family struct {
	name          string
	vip, freeVIP  string
	web, dns, tls string
	host, router  string // the balancer's own address, and a router between it and the clients
	// Clients. The first two have the same address, as have the last two.
	client, other, another, third, fourth string

	// Of the header of IP, and what a fragment has beside it, in bytes.
	header, fragmentHeader int
	atHops                 int // offset into a frame
	// Messages of ICMP that are about connections, and others. The first says that a packet was too big.
	errors, others []icmpError
}

var families = []family{
	{
		name: "IPv4", vip: vip, freeVIP: freeVIP, web: web, dns: dns, tls: free,
		host: "192.168.100.109", router: "198.51.100.1",
		client: client, other: "203.0.113.7:40001", another: "203.0.113.8:40000",
		third: "203.0.113.9:40002", fourth: "203.0.113.9:40003",
		header: 20, fragmentHeader: 0, atHops: atIP + 8,
		errors: []icmpError{{3, 4, 1400}, {3, 1, 0}, {3, 3, 0}, {11, 0, 0}, {11, 1, 0}, {12, 0, 0x14000000}},
		others: []icmpError{{0, 0, 1}, {4, 0, 0}, {5, 1, 0xc0a86401}, {8, 0, 1}, {9, 0, 0}, {13, 0, 0}, {255, 0, 0}},
	},
	{
		name: "IPv6", vip: "2001:db8::221", freeVIP: "2001:db8::222",
		web: "[2001:db8::221]:80", dns: "[2001:db8::221]:53", tls: "[2001:db8::222]:443",
		host: "2001:db8::109", router: "2001:db8:ffff::1",
		client: "[2001:db8:7::7]:40000", other: "[2001:db8:7::7]:40001", another: "[2001:db8:7::8]:40000",
		third: "[2001:db8:7::9]:40002", fourth: "[2001:db8:7::9]:40003",
		header: 40, fragmentHeader: 8, atHops: atIP + 7,
		errors: []icmpError{{2, 0, 1400}, {1, 0, 0}, {1, 4, 0}, {3, 0, 0}, {3, 1, 0}, {4, 1, 40}},
		others: []icmpError{{0, 0, 0}, {5, 0, 0}, {100, 0, 0}, {128, 0, 1}, {129, 0, 1}, {133, 0, 0}},
	},
}

func (f family) tables() Tables {
	want := NewTables()
	want.Gates[webGate] = GateName{Interface: 2, VirtualRouterID: 110}
	f.addTo(&want, 0)
	return want
}

// addTo adds the family's services to tables; the ids of the real servers begin behind one.
func (f family) addTo(want *Tables, behind RealID) {
	want.VIPs[netip.MustParseAddr(f.vip)] = VIP{Gate: webGate}
	want.VIPs[netip.MustParseAddr(f.freeVIP)] = VIP{Gate: AlwaysOpen}
	want.Services[tcpService(f.web)] = Service{Gate: webGate, Schedule: []RealID{behind + 1, behind + 2}}
	want.Services[udpService(f.dns)] = Service{Gate: webGate, Schedule: []RealID{behind + 3, behind + 4}}
	want.Services[tcpService(f.tls)] = Service{Gate: AlwaysOpen, Schedule: []RealID{behind + 5}}
	for id, service := range map[RealID]ServiceKey{
		1: tcpService(f.web), 2: tcpService(f.web), 3: udpService(f.dns), 4: udpService(f.dns), 5: tcpService(f.tls),
	} {
		want.Reals.Set(behind+id, newReal(behind+id, service))
	}
}

// inBoth tells the same stories in both worlds.
func inBoth(t *testing.T, stories ...func(family) []story) {
	t.Helper()
	inBothOf(t, family.tables, stories...)
}

// inBothOf tells stories in both worlds that begin with other tables.
func inBothOf(t *testing.T, tables func(family) Tables, stories ...func(family) []story) {
	t.Helper()
	p := newPlane(t, Options{})
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			for _, of := range stories {
				p.in(t).tell(func() Tables { return tables(f) }, of(f))
			}
		})
	}
}

func (f family) isIPv6() bool { return f.header == 40 }

// withHops sets how many hops a frame has left.
func (f family) withHops(frame []byte, hops byte) []byte { return with(frame, f.atHops, hops) }

// portOf is a port of an address.
func portOf(address string, port uint16) string {
	return netip.AddrPortFrom(netip.MustParseAddr(address), port).String()
}

// ofProtocol is a packet for the VIP of any protocol.
func (f family) ofProtocol(protocol Protocol) []byte {
	return ip(netip.MustParseAddrPort(f.client).Addr(), netip.MustParseAddr(f.vip), protocol, make([]byte, 32))
}
