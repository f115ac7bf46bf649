package dataplane

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"

	"drover/bpf"
)

// randomServices are services that have nothing in common.
func randomServices(count int) []ServiceKey {
	random := rand.New(rand.NewPCG(3, 4))
	keys := make(map[ServiceKey]bool)
	for len(keys) < count {
		protocol := []Protocol{ProtocolTCP, ProtocolUDP}[random.IntN(2)]
		keys[ServiceKey{randomAddress(random), protocol}] = true
	}
	var all []ServiceKey
	for key := range keys {
		all = append(all, key)
	}
	return all
}

func randomAddress(random *rand.Rand) netip.AddrPort {
	n := random.Uint64()
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 32), byte(n >> 24), byte(n >> 16)}), uint16(n))
}

// portsOf are services on one VIP, TCP and UDP, at ports in a row.
func portsOf(vip string, first uint16, count int) []ServiceKey {
	var all []ServiceKey
	for n := range count {
		address := netip.AddrPortFrom(netip.MustParseAddr(vip), first+uint16(n/2))
		all = append(all, ServiceKey{address, []Protocol{ProtocolTCP, ProtocolUDP}[n%2]})
	}
	return all
}

// opening is the first frame of a connection to a service.
func opening(key ServiceKey) []byte {
	from := netip.MustParseAddrPort(client)
	if key.Address.Addr().Is6() {
		from = netip.MustParseAddrPort(families[1].client)
	}
	if key.Protocol == ProtocolUDP {
		return udpFrom(from, key.Address)
	}
	return tcpFrom(from, key.Address, syn)
}

func TestTheProgramFindsEveryServiceThatIsApplied(t *testing.T) {
	p := newPlane(t, Options{Sizes: Sizes{Flows: 1 << 14, Reals: 1000}})
	for name, keys := range map[string][]ServiceKey{
		"500 services anywhere":               randomServices(500),
		"500 services on one VIP":             portsOf("192.168.100.223", 8000, 500),
		"500 services on one VIP, high ports": portsOf("192.168.100.223", 49152, 500),
		"500 services of IPv6 anywhere":       randomSixServices(500),
		"500 services on one VIP of IPv6":     portsOf("2001:db8::223", 8000, 500),
	} {
		t.Run(name, func(t *testing.T) {
			p.t, p.want = t, testTables()
			p.wipe() // the ids go to others
			p.change(func(want *Tables) {
				for n, key := range keys {
					id := RealID(100 + n)
					want.Services[key] = Service{Gate: AlwaysOpen, Schedule: []RealID{id}}
					want.Reals.Set(id, newReal(id, key))
				}
			})
			for n, key := range keys {
				frame := opening(key)
				p.run(frame)
				one := Traffic{Packets: 1, Bytes: uint64(len(frame)), Connections: 1}
				if got, err := p.RealTraffic(RealID(100 + n)); err != nil || got != one {
					t.Fatalf("after a packet to %s its real server counts %+v, %v", key, got, err)
				}
			}
		})
	}
}

// randomSixServices are services of IPv6 that have nothing in common.
func randomSixServices(count int) []ServiceKey {
	random := rand.New(rand.NewPCG(5, 6))
	var all []ServiceKey
	for _, key := range randomServices(count) {
		key.Address = netip.AddrPortFrom(randomSix(random), key.Address.Port())
		all = append(all, key)
	}
	return all
}

func randomSix(random *rand.Rand) netip.Addr {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], random.Uint64())
	binary.BigEndian.PutUint64(a[8:], random.Uint64())
	a[0] = 0x20
	return netip.AddrFrom16(a)
}

// TestAnIPv6AddressFoldsAsInTheProgram has addresses that differ by a bit: only who folds as the program does finds the
// bucket of each.
func TestAnIPv6AddressFoldsAsInTheProgram(t *testing.T) {
	p := newPlane(t, Options{})
	base := netip.MustParseAddr("2001:db8::221").As16()
	for bit := range 8 * len(base) {
		other := base
		other[bit/8] ^= 0x80 >> (bit % 8)
		key := ServiceKey{netip.AddrPortFrom(netip.AddrFrom16(other), 80), ProtocolTCP}
		p.want.Services[key] = Service{Gate: AlwaysOpen, Schedule: []RealID{5}}
	}
	must(t, p.Apply(p.want))
	for key := range p.want.Services {
		if action, _ := p.run(opening(key)); action != xdpTX {
			t.Errorf("a packet to %s ends in %s, want XDP_TX", key, actionName(action))
		}
	}
	miss := ServiceKey{netip.AddrPortFrom(netip.AddrFrom16(base), 80), ProtocolTCP}
	if action, _ := p.run(opening(miss)); action != xdpPass {
		t.Errorf("a packet to %s, which is no service, ends in %s", miss, actionName(action))
	}
}

func TestTheServiceTableGetsFull(t *testing.T) {
	p := newPlane(t, Options{})
	raw := func(key ServiceKey) bpf.DroverServiceKey {
		raw, err := encodeKey(key)
		must(t, err)
		return raw
	}
	var same []ServiceKey // of one bucket
	at := serviceHash(raw(tcpService(web)))
	for _, key := range randomServices(100_000) {
		if serviceHash(raw(key)) == at && len(same) < int(servicesPerBucket) {
			same = append(same, key)
		}
	}
	if len(same) < int(servicesPerBucket) {
		t.Fatalf("only %d services share a bucket", len(same))
	}
	last := same[len(same)-1]
	p.change(func(want *Tables) {
		for _, key := range same[:len(same)-1] {
			want.Services[key] = Service{Gate: AlwaysOpen, Schedule: []RealID{5}}
		}
	})
	p.want.Services[last] = Service{Gate: AlwaysOpen, Schedule: []RealID{5}}
	if err := p.Apply(p.want); !errors.Is(err, ErrServicesFull) {
		t.Fatalf("Apply says %v, want ErrServicesFull", err)
	}
	for _, key := range append(same[:len(same)-1], tcpService(web)) {
		if action, _ := p.run(opening(key)); action != xdpTX {
			t.Errorf("a packet to %s ends in %s, want XDP_TX", key, actionName(action))
		}
	}

	p.change(func(want *Tables) { delete(want.Services, same[0]); delete(want.Services, last) })
	p.change(func(want *Tables) { want.Services[last] = Service{Gate: AlwaysOpen, Schedule: []RealID{5}} })
	if action, _ := p.run(opening(last)); action != xdpTX {
		t.Errorf("with a slot free a packet to %s ends in %s, want XDP_TX", last, actionName(action))
	}
}

func TestKeysAreReadBackAsTheyWereWritten(t *testing.T) {
	keys := append(randomServices(100), tcpService("0.0.0.0:0"), udpService("255.255.255.255:65535"))
	for _, key := range append(keys, append(randomSixServices(100), tcpService("[::1]:0"))...) {
		raw, err := encodeKey(key)
		if got := decodeKey(raw, encodeAddress(key.Address.Addr())); err != nil || got != key {
			t.Errorf("%s comes back as %s, %v", key, got, err)
		}
	}
	for _, bad := range []string{"[::ffff:192.0.2.1]:80", "[fe80::1%eth0]:80"} {
		if _, err := encodeKey(tcpService(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
