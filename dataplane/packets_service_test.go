package dataplane

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// TestAllPorts has services of every port that no other service of the address has, as persistent as IPVS wants them.
func TestAllPorts(t *testing.T) { inBothOf(t, family.allPortsTables, allPortsStories) }

// allPortsTables have the real servers 6 and 7 for all TCP ports of the VIP, and 8 for all UDP ports of the other one.
func (f family) allPortsTables() Tables {
	want := f.tables()
	tcpAll := ServiceKey{netip.AddrPortFrom(netip.MustParseAddr(f.vip), 0), ProtocolTCP}
	udpAll := ServiceKey{netip.AddrPortFrom(netip.MustParseAddr(f.freeVIP), 0), ProtocolUDP}
	want.Services[tcpAll] = Service{
		Gate: webGate, Schedule: []RealID{6, 7}, Persistence: time.Minute,
		PersistencePrefix: netip.MustParseAddr(f.vip).BitLen(),
	}
	want.Services[udpAll] = Service{Gate: AlwaysOpen, Schedule: []RealID{8}}
	for id, service := range map[RealID]ServiceKey{6: tcpAll, 7: tcpAll, 8: udpAll} {
		want.Reals.Set(id, newReal(id, service))
	}
	return want
}

func allPortsStories(f family) []story {
	ftp, other := portOf(f.vip, 21), portOf(f.vip, 45000)
	withWeb := func(p *plane) { p.change(func(want *Tables) { *want = f.allPortsTables() }) }
	withoutWeb := func(p *plane) {
		p.change(func(want *Tables) {
			delete(want.Services, tcpService(f.web))
			clear(want.Reals[1:3])
		})
	}
	return []story{
		{"every port has it, and all of a client's are with one real server", []step{
			{nil, tcp(f.client, ftp, syn), opened(6)},
			{nil, tcp(f.client, ftp, ack), kept(6)},
			{nil, tcp(f.other, other, syn), opened(6)},
			{nil, tcp(f.third, ftp, syn), opened(7)},
			{nil, tcp(f.fourth, other, syn), opened(7)},
			{nil, tcp(f.other, other, ack), kept(6)},
			{nil, tcp(f.another, portOf(f.vip, 65535), syn), opened(6)},
			{justNow, tcp(f.another, portOf(f.vip, 1), syn), kept(6)},
		}},
		{"port 0 has it, too", []step{{nil, tcp(f.client, portOf(f.vip, 0), syn), opened(6)}}},
		{"the service of a port goes first", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.client, ftp, syn), opened(6)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(f.client, ftp, ack), kept(6)},
		}},
		{"a service of a port that comes later takes its port over", []step{
			{withoutWeb, tcp(f.client, f.web, syn), opened(6)},
			{withWeb, tcp(f.another, f.web, syn), opened(1)},
		}},
		{"it is for its own protocol and address", []step{
			{nil, udp(f.client, other), ends(PassNoService)},
			{nil, tcp(f.client, portOf(f.host, 21), syn), ends(PassNoService)},
		}},
		{"it is of UDP as well", []step{
			{nil, udp(f.client, portOf(f.freeVIP, 53)), opened(8)},
			{nil, udp(f.client, portOf(f.freeVIP, 53)), kept(8)},
			{nil, tcp(f.client, portOf(f.freeVIP, 80), syn), ends(PassNoService)},
		}},
		{"errors and fragments find it", []step{
			{nil, tcp(f.client, ftp, syn), opened(6)},
			{nil, f.errors[0].about(f, answer(ftp, f.client, ack)), toldOf(6)},
			{nil, f.split(f.datagramOf(f.client, portOf(f.freeVIP, 4500)), 7, 16, 16)[0], opened(8)},
			{nil, f.split(f.datagramOf(f.client, portOf(f.freeVIP, 4500)), 7, 16, 16)[1], follows(8)},
		}},
	}
}

// bothFamilies are tables with services of both: those of IPv6 have the real servers 11 to 15.
func bothFamilies() Tables {
	want := families[0].tables()
	families[1].addTo(&want, 10)
	return want
}

// TestTheFamiliesLiveSideBySide has connections of both versions of IP in one data plane.
func TestTheFamiliesLiveSideBySide(t *testing.T) {
	four, six := families[0], families[1]
	tellOf(t, bothFamilies, []story{
		{"each has its services, flows and real servers", []step{
			{nil, tcp(four.client, four.web, syn), opened(1)},
			{nil, tcp(six.client, six.web, syn), opened(11)},
			{nil, tcp(six.other, six.web, syn), opened(12)},
			{nil, tcp(four.other, four.web, syn), opened(2)},
			{nil, tcp(six.client, six.web, ack), kept(11)},
			{nil, tcp(four.client, four.web, ack), kept(1)},
			{nil, tcp(six.client, six.web, ack), kept(11)},
			{nil, tcp(four.client, four.web, ack), kept(1)},
			{nil, udp(six.client, six.dns), opened(13)},
			{nil, udp(four.client, four.dns), opened(3)},
			{nil, tcp(six.client, six.tls, syn), opened(15)},
		}},
		{"datagrams of the same id are two", []step{
			{nil, four.pieces(four.client, 7)[0], opened(3)},
			{nil, six.pieces(six.client, 7)[1], ends(PassFragment)},
			{nil, six.pieces(six.client, 7)[0], opened(13)},
			{nil, four.pieces(four.client, 7)[1], follows(3)},
			{nil, six.pieces(six.client, 7)[1], follows(13)},
		}},
		{"an IPv4 address in the words of IPv6 is another", []step{
			{nil, tcp(four.client, four.web, syn), opened(1)},
			{nil, tcp("[::ffff:203.0.113.7]:40000", "[::ffff:192.168.100.221]:80", syn), ends(PassNoService)},
			{nil, tcp("[cb00:7107::]:40000", "[c0a8:64dd::]:80", syn), ends(PassNoService)},
		}},
		{"one closed gate is closed for both", []step{
			{closeGate, tcp(six.client, six.web, syn), ends(PassClosed)},
			{nil, tcp(four.client, four.web, syn), ends(PassClosed)},
		}},
	})
}

// twin is an IPv6 address that a key has the same 32 bits for with a seed: that of newPlane in a key of a flow, none in that
// of a service.
func twin(address netip.AddrPort, seed uint64) netip.AddrPort {
	raw := address.Addr().As16()
	high, low := binary.NativeEndian.Uint64(raw[:8]), binary.NativeEndian.Uint64(raw[8:])
	other := high ^ 1<<63
	binary.NativeEndian.PutUint64(raw[:8], other)
	binary.NativeEndian.PutUint64(raw[8:], low^spread(high, seed)^spread(other, seed))
	return netip.AddrPortFrom(netip.AddrFrom16(raw), address.Port())
}

// TestAddressesThatLookAlikeAreToldApart has IPv6 addresses that keys cannot tell apart.
func TestAddressesThatLookAlikeAreToldApart(t *testing.T) {
	f := families[1]
	likeClient, likeVIP := twin(netip.MustParseAddrPort(f.client), planeSeed).String(), twin(netip.MustParseAddrPort(f.web), 0).String()
	tellOf(t, f.tables, []story{
		{"a client that looks like another has its own flow", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(likeClient, f.web, syn), opened(2)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(likeClient, f.web, ack), kept(2)},
			{nil, tcp(f.client, f.web, psh|ack), kept(1)},
			{nil, tcp(likeClient, f.web, psh|ack), kept(2)},
			{nil, tcp(f.client, f.web, rst), kept(1)},
			{justNow, tcp(likeClient, f.web, syn), kept(2)},
			{nil, tcp(likeClient, f.web, ack), kept(2)},
		}},
		{"a client that looks like one with an established connection has its own", []step{
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(likeClient, f.web, syn), opened(2)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(likeClient, f.web, ack), kept(2)},
			{nil, tcp(f.client, f.web, psh|ack), kept(1)},
			{nil, tcp(likeClient, f.web, psh|ack), kept(2)},
		}},
		{"datagrams of clients that look alike are of two", []step{
			{nil, udp(f.client, f.dns), opened(3)},
			{nil, udp(f.client, f.dns), kept(3)},
			{nil, udp(likeClient, f.dns), opened(4)},
			{nil, udp(f.client, f.dns), kept(3)},
			{nil, udp(likeClient, f.dns), kept(4)},
		}},
		{"an address that looks like the VIP is none", []step{
			{nil, tcp(f.client, likeVIP, syn), ends(PassNoService)},
			{nil, tcp(f.client, f.web, syn), opened(1)},
			{nil, tcp(f.client, f.web, ack), kept(1)},
			{nil, tcp(f.client, likeVIP, ack), ends(PassNoService)},
		}},
	})
}

func TestTwinsFoldAlike(t *testing.T) {
	f := families[1]
	vip := netip.MustParseAddrPort(f.web)
	one, err := encodeKey(ServiceKey{vip, ProtocolTCP})
	must(t, err)
	other, err := encodeKey(ServiceKey{twin(vip, 0), ProtocolTCP})
	must(t, err)
	if one != other || twin(vip, 0) == vip {
		t.Errorf("the keys of %s and %s are %v and %v", vip, twin(vip, 0), one, other)
	}
	p := newPlane(t, Options{})
	p.want = f.tables()
	must(t, p.Apply(p.want))
	client := netip.MustParseAddrPort(f.client)
	p.expect(tcp(f.client, f.web, syn), opened(1))
	p.expect(tcp(twin(client, planeSeed).String(), f.web, syn), opened(2))
	keys := make(map[uint32]int)
	p.eachSlot(p.objects.Flows6, func(set uint32, slot int, raw []byte) {
		key, _ := decodeFlow(set, slot, raw)
		keys[key.Client]++
	})
	if want := map[uint32]int{foldAddress(client.Addr(), planeSeed): 2}; !maps.Equal(keys, want) {
		t.Errorf("the keys of clients are %v, want %v", keys, want)
	}
}

// TestWhoDoesNotKnowTheSeedFindsNoTwins has the best that one can do without it: the twins of another seed, and addresses whose
// halves differ in their topmost bits, which multiplications and additions do not spread.
func TestWhoDoesNotKnowTheSeedFindsNoTwins(t *testing.T) {
	const seeds = 100_000
	random := rand.New(rand.NewPCG(8, 9))
	address := netip.MustParseAddrPort(families[1].client)
	likely := map[string]netip.AddrPort{"the twin of another seed": twin(address, 1), "the twin of none": twin(address, 0)}
	for _, low := range []uint64{0, 1 << 63, 1 << 31, 1<<63 + 1<<31, 1<<63 - 1<<31} {
		raw := address.Addr().As16()
		binary.NativeEndian.PutUint64(raw[:8], binary.NativeEndian.Uint64(raw[:8])^1<<63)
		binary.NativeEndian.PutUint64(raw[8:], binary.NativeEndian.Uint64(raw[8:])+low)
		likely[fmt.Sprintf("one with %#x more in its low half", low)] = netip.AddrPortFrom(netip.AddrFrom16(raw), address.Port())
	}
	for name, other := range likely {
		alike := 0
		for range seeds {
			if seed := random.Uint64(); foldAddress(address.Addr(), seed) == foldAddress(other.Addr(), seed) {
				alike++
			}
		}
		if alike > seeds/10_000 {
			t.Errorf("%s folds alike with %d of %d seeds", name, alike, seeds)
		}
	}
}
