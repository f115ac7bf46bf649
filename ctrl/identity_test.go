package ctrl

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// realKeys makes the keys of n real servers of one service, beginning with number first.
func realKeys(first, n int) []realKey {
	service := dataplane.ServiceKey{Address: netip.MustParseAddrPort("192.168.100.221:80"), Protocol: dataplane.ProtocolTCP}
	keys := make([]realKey, n)
	for i := range keys {
		last := first + i
		address := netip.AddrFrom4([4]byte{10, byte(last >> 16), byte(last >> 8), byte(last)})
		keys[i] = realKey{service, netip.AddrPortFrom(address, 80)}
	}
	return keys
}

// someRoom is how many real servers the tables of these tests hold.
const someRoom = 4000

func newIdentities() *identities { return adoptIn(someRoom, dataplane.NewTables(), nil, nil) }

func adoptIn(room int, held dataplane.Tables, remembered []dataplane.RealID, ifname func(int) (string, bool)) *identities {
	ids := adopt(noon, held, remembered, ifname, nil)
	ids.room, ids.rest = room, halfAnHour
	return ids
}

const halfAnHour = 30 * time.Minute

// mustAssign assigns and returns the ids in the order of the keys.
func mustAssign(t *testing.T, ids *identities, now time.Time, reals []realKey) []dataplane.RealID {
	t.Helper()
	list, err := ids.assignReals(now, slices.Values(reals), len(reals))
	if err != nil {
		t.Fatal(err)
	}
	if len(ids.reals) != len(reals) {
		t.Fatalf("%d real servers have an id, want exactly the %d given", len(ids.reals), len(reals))
	}
	for i, key := range reals {
		if list[i] != ids.reals[key] {
			t.Fatalf("real server %s has id %d, and was told to have %d", key.address, ids.reals[key], list[i])
		}
	}
	return list
}

func TestIDsBeginAtOneAndStayOverAReload(t *testing.T) {
	ids, keys := newIdentities(), realKeys(0, 4)
	if got, want := mustAssign(t, ids, noon, keys[:3]), []dataplane.RealID{1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
	reordered := []realKey{keys[3], keys[2], keys[0]} // one is gone, one is new, the order is another
	if got, want := mustAssign(t, ids, noon, reordered), []dataplane.RealID{4, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("ids after a reload %v, want %v", got, want)
	}
}

func TestTheSameAddressInTwoServicesHasTwoIDs(t *testing.T) {
	keys := append(realKeys(0, 1), realKeys(0, 1)...)
	keys[1].service.Protocol = dataplane.ProtocolUDP
	got := mustAssign(t, newIdentities(), noon, keys)
	if got[0] == got[1] {
		t.Errorf("both have id %d", got[0])
	}
}

func TestAFreedIDRestsHalfAnHour(t *testing.T) {
	ids, keys := newIdentities(), realKeys(0, someRoom)
	mustAssign(t, ids, noon, keys)
	freed := ids.reals[keys[7]]
	keys[7] = realKeys(someRoom, 1)[0]

	for _, step := range []struct {
		after time.Duration
		want  error
	}{{0, errNoID}, {halfAnHour - time.Nanosecond, errNoID}, {halfAnHour, nil}} {
		if _, err := ids.assignReals(noon.Add(step.after), slices.Values(keys), len(keys)); !errors.Is(err, step.want) {
			t.Fatalf("given up %s ago, and the error is %v, want %v", step.after, err, step.want)
		}
	}
	if got := ids.reals[keys[7]]; got != freed {
		t.Errorf("id %d, want %d, the only one that is free", got, freed)
	}
}

func TestAnIDRestsLongerThanAnyConnectionIsRemembered(t *testing.T) {
	persistent := []config.VirtualServer{{PersistenceTimeout: 48 * time.Hour}}
	for name, test := range map[string]struct {
		config config.Config
		want   time.Duration
	}{
		"IPVS's timeouts":           {config.Config{}, halfAnHour},
		"short timeouts":            {config.Config{LVSTimeouts: config.LVSTimeouts{TCP: time.Second}}, halfAnHour},
		"established for a day":     {config.Config{LVSTimeouts: config.LVSTimeouts{TCP: 24 * time.Hour}}, 24*time.Hour + time.Minute},
		"datagrams for an hour":     {config.Config{LVSTimeouts: config.LVSTimeouts{UDP: time.Hour}}, time.Hour + time.Minute},
		"clients kept for two days": {config.Config{VirtualServers: persistent}, 48*time.Hour + time.Minute},
	} {
		if got := restFor(&test.config); got != test.want {
			t.Errorf("%s: an id rests %s, want %s", name, got, test.want)
		}
	}
	defaults := dataplane.DefaultTimeouts
	if longest := max(defaults.Embryonic, defaults.Established, defaults.Closing, defaults.UDP); longest >= halfAnHour {
		t.Errorf("a connection is remembered %s by default", longest)
	}
}

func TestIDsStartOverAtTheEnd(t *testing.T) {
	ids := newIdentities()
	ids.last = dataplane.RealID(someRoom) - 1
	want := []dataplane.RealID{dataplane.RealID(someRoom), 1, 2}
	if got := mustAssign(t, ids, noon, realKeys(0, 3)); !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
}

func TestEveryIDCanBeGivenAndNoneTwice(t *testing.T) {
	got := mustAssign(t, newIdentities(), noon, realKeys(0, someRoom))
	slices.Sort(got)
	if got[0] != 1 || got[len(got)-1] != dataplane.RealID(someRoom) || len(slices.Compact(got)) != someRoom {
		t.Errorf("%d different ids from %d to %d, want 1 to %d", len(slices.Compact(got)), got[0], got[len(got)-1], someRoom)
	}
}

func TestTheErrorNamesWhoHasNoID(t *testing.T) {
	keys := realKeys(0, someRoom+1)
	_, err := newIdentities().assignReals(noon, slices.Values(keys), len(keys))
	if want := "real server 10.0.15.160:80 of TCP 192.168.100.221:80: no id left"; err == nil || err.Error() != want {
		t.Errorf("real servers: %v, want %s", err, want)
	}

	k := newKnown()
	for n := range dataplane.MaxGates { // one more than there is beside AlwaysOpen
		k.config.Instances = append(k.config.Instances, config.Instance{Interface: "enp1s0", VirtualRouterID: uint8(n)})
	}
	if err, want := newIdentities().number(noon, &k), "VRRP instance 255 on enp1s0: no id left"; err == nil || err.Error() != want {
		t.Errorf("gates: %v, want %s", err, want)
	}

	k = newKnown()
	for n := range dataplane.MaxPorts { // ids begin at 1
		name := fmt.Sprintf("eth%02d", n)
		k.links[name] = netif.LinkInfo{Name: name, Index: n + 1, MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
		k.outlets[name] = &outlet{}
	}
	k.findOutlets()
	if err, want := newIdentities().number(noon, &k), "interface eth63: no id left"; err == nil || err.Error() != want {
		t.Errorf("ports: %v, want %s", err, want)
	}
}

func TestGatesStayAndAreNeverTheOneThatIsAlwaysOpen(t *testing.T) {
	ids := newIdentities()
	a, b, c := routerKey{"enp1s0", 110, false}, routerKey{"enp2s0", 110, false}, routerKey{"enp1s0", 120, false}
	for _, step := range []struct {
		wanted []routerKey
		want   map[routerKey]dataplane.GateID
	}{
		{[]routerKey{a, b}, map[routerKey]dataplane.GateID{a: 1, b: 2}},
		{[]routerKey{b}, map[routerKey]dataplane.GateID{b: 2}},
		{[]routerKey{c, b}, map[routerKey]dataplane.GateID{b: 2, c: 1}},
		{[]routerKey{a, b}, map[routerKey]dataplane.GateID{b: 2, a: 3}}, // not what c has just left: packets still go by it
		{[]routerKey{c, b}, map[routerKey]dataplane.GateID{b: 2, c: 1}},
		{[]routerKey{b, a, c, a}, map[routerKey]dataplane.GateID{b: 2, c: 1, a: 3}}, // named twice: leaving, and back
		{nil, map[routerKey]dataplane.GateID{}},
	} {
		if failed := assign(ids.gates, step.wanted, dataplane.AlwaysOpen+1, 256); len(failed) > 0 {
			t.Fatalf("no gate for %v", failed)
		}
		if !maps.Equal(ids.gates, step.want) {
			t.Errorf("wanted %v: gates %v, want %v", step.wanted, ids.gates, step.want)
		}
	}
}

// heldTables are tables of an earlier process with two real servers, 5 and 9, and two gates.
func heldTables() dataplane.Tables {
	held := dataplane.NewTables()
	for i, key := range realKeys(0, 2) {
		held.Reals.Set(dataplane.RealID(5+4*i), dataplane.Real{Service: key.service, Address: key.address})
	}
	held.Ports[2], held.Ports[3] = dataplane.Port{Interface: 2}, dataplane.Port{Interface: 99}
	held.Gates[3] = dataplane.GateName{Interface: 2, VirtualRouterID: 110}
	held.Gates[4] = dataplane.GateName{Interface: 99, VirtualRouterID: 120}
	return held
}

func onlyEnp1s0(index int) (string, bool) { return "enp1s0", index == 2 }

func TestAdoptedIDsStayAndNewOnesComeAfterThem(t *testing.T) {
	ids := adoptIn(someRoom, heldTables(), nil, onlyEnp1s0)
	if got, want := mustAssign(t, ids, noon, realKeys(0, 3)), []dataplane.RealID{5, 9, 10}; !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
}

func TestGatesAndPortsAreAdoptedByTheInterfaceThatStillHasItsIndex(t *testing.T) {
	ids := adoptIn(someRoom, heldTables(), nil, onlyEnp1s0)
	if want := map[routerKey]dataplane.GateID{{"enp1s0", 110, false}: 3}; !maps.Equal(ids.gates, want) {
		t.Errorf("gates %v, want %v: interface 99 is gone", ids.gates, want)
	}
	if want := map[string]dataplane.PortID{"enp1s0": 2}; !maps.Equal(ids.ports, want) {
		t.Errorf("ports %v, want %v: interface 99 is gone", ids.ports, want)
	}
}

func TestAnIDThatOnlyConnectionsRememberRestsAfterARestart(t *testing.T) {
	ids := adoptIn(someRoom, heldTables(), []dataplane.RealID{5, 10, 11}, onlyEnp1s0)
	if got, want := mustAssign(t, ids, noon, realKeys(0, 3)), []dataplane.RealID{5, 9, 12}; !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v: connections hold 10 and 11", got, want)
	}
	if _, rests := ids.resting[5]; rests {
		t.Error("5 rests although a real server has it")
	}
}

func TestAGateIsOfTheFamilyOfTheInstanceThatHoldsItsAddress(t *testing.T) {
	held := heldTables()
	held.Gates = map[dataplane.GateID]dataplane.GateName{
		1: {Interface: 2, VirtualRouterID: 7}, 2: {Interface: 2, VirtualRouterID: 7}, 3: {Interface: 2, VirtualRouterID: 8},
	}
	ipv4, ipv6, spare := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("fd00::1"), netip.MustParseAddr("fd00::2")
	held.VIPs = map[netip.Addr]dataplane.VIP{ipv4: {Gate: 1}, ipv6: {Gate: 2}, spare: {Gate: 3}}
	// The third is an instance of IPv4 with an IPv6 address beside.
	holders := map[netip.Addr]routerKey{
		ipv4: {"enp1s0", 7, false}, ipv6: {"enp1s0", 7, true}, spare: {"enp1s0", 8, false},
	}
	want := map[routerKey]dataplane.GateID{{"enp1s0", 7, false}: 1, {"enp1s0", 7, true}: 2, {"enp1s0", 8, false}: 3}
	if got := adopt(noon, held, nil, onlyEnp1s0, holders).gates; !maps.Equal(got, want) {
		t.Errorf("gates %v, want %v", got, want)
	}
}
