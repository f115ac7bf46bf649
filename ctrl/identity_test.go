package ctrl

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

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

func newIdentities() *identities { return adopt(noon, dataplane.NewTables(), nobody, nil) }

// mustAssign assigns and returns the ids in the order of the keys.
func mustAssign(t *testing.T, ids *identities, now time.Time, reals []realKey) []dataplane.RealID {
	t.Helper()
	if err := ids.assign(now, nil, reals); err != nil {
		t.Fatal(err)
	}
	if len(ids.reals) != len(reals) {
		t.Fatalf("%d real servers have an id, want exactly the %d given", len(ids.reals), len(reals))
	}
	list := make([]dataplane.RealID, len(reals))
	for i, key := range reals {
		list[i] = ids.reals[key]
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
	ids, keys := newIdentities(), realKeys(0, dataplane.MaxReals)
	mustAssign(t, ids, noon, keys)
	freed := ids.reals[keys[7]]
	keys[7] = realKeys(dataplane.MaxReals, 1)[0]

	if err := ids.assign(noon, nil, keys); !errors.Is(err, errNoID) {
		t.Fatalf("given up just now, and the error is %v, want errNoID", err)
	}
	if err := ids.assign(noon.Add(rest-time.Nanosecond), nil, keys); !errors.Is(err, errNoID) {
		t.Fatalf("before the rest is over the error is %v, want errNoID", err)
	}
	if err := ids.assign(noon.Add(rest), nil, keys); err != nil {
		t.Fatalf("after the rest: %v", err)
	}
	if got := ids.reals[keys[7]]; got != freed {
		t.Errorf("id %d, want %d, the only one that is free", got, freed)
	}
}

func TestAnIDRestsLongerThanAnyConnectionIsRemembered(t *testing.T) {
	timeouts := dataplane.DefaultTimeouts
	longest := max(timeouts.Embryonic, timeouts.Established, timeouts.Closing, timeouts.UDP)
	if rest <= longest {
		t.Errorf("an id rests %s, a connection is remembered %s", rest, longest)
	}
}

func TestIDsStartOverAtTheEnd(t *testing.T) {
	ids := newIdentities()
	ids.last = dataplane.RealID(dataplane.MaxReals) - 1
	want := []dataplane.RealID{dataplane.RealID(dataplane.MaxReals), 1, 2}
	if got := mustAssign(t, ids, noon, realKeys(0, 3)); !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
}

func TestEveryIDCanBeGivenAndNoneTwice(t *testing.T) {
	got := mustAssign(t, newIdentities(), noon, realKeys(0, dataplane.MaxReals))
	slices.Sort(got)
	if got[0] != 1 || got[len(got)-1] != dataplane.RealID(dataplane.MaxReals) || len(slices.Compact(got)) != dataplane.MaxReals {
		t.Errorf("%d different ids from %d to %d, want 1 to %d", len(slices.Compact(got)), got[0], got[len(got)-1], dataplane.MaxReals)
	}
}

func TestTheErrorNamesWhoHasNoID(t *testing.T) {
	err := newIdentities().assign(noon, nil, realKeys(0, dataplane.MaxReals+1))
	if want := "real server 10.0.15.255:80 of TCP 192.168.100.221:80: no id left"; err == nil || err.Error() != want {
		t.Errorf("real servers: %v, want %s", err, want)
	}

	gates := make([]routerKey, dataplane.MaxGates) // one more than there is beside AlwaysOpen
	for n := range gates {
		gates[n] = routerKey{"enp1s0", uint8(n)}
	}
	err = newIdentities().assign(noon, gates, nil)
	if want := "VRRP instance 255 on enp1s0: no id left"; err == nil || err.Error() != want {
		t.Errorf("gates: %v, want %s", err, want)
	}
	if err := newIdentities().assign(noon, gates, realKeys(0, dataplane.MaxReals+1)); err == nil ||
		!strings.Contains(err.Error(), "real server") || !strings.Contains(err.Error(), "VRRP instance") {
		t.Errorf("both: %v, want both named", err)
	}
}

func TestGatesStayAndAreNeverTheOneThatIsAlwaysOpen(t *testing.T) {
	ids := newIdentities()
	a, b, c := routerKey{"enp1s0", 110}, routerKey{"enp2s0", 110}, routerKey{"enp1s0", 120}
	for _, step := range []struct {
		wanted []routerKey
		want   map[routerKey]dataplane.GateID
	}{
		{[]routerKey{a, b}, map[routerKey]dataplane.GateID{a: 1, b: 2}},
		{[]routerKey{b}, map[routerKey]dataplane.GateID{b: 2}},
		{[]routerKey{c, b}, map[routerKey]dataplane.GateID{b: 2, c: 1}},
		{[]routerKey{b, a, c, a}, map[routerKey]dataplane.GateID{b: 2, c: 1, a: 3}}, // named twice: leaving, and back
		{nil, map[routerKey]dataplane.GateID{}},
	} {
		if err := ids.assign(noon, step.wanted, nil); err != nil {
			t.Fatal(err)
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
		held.Reals[dataplane.RealID(5+4*i)] = dataplane.Real{Service: key.service, Address: key.address}
	}
	held.Gates[3] = dataplane.GateName{Interface: 2, VirtualRouterID: 110}
	held.Gates[4] = dataplane.GateName{Interface: 99, VirtualRouterID: 120}
	return held
}

func onlyEnp1s0(index int) (string, bool) { return "enp1s0", index == 2 }

func TestAdoptedIDsStayAndNewOnesComeAfterThem(t *testing.T) {
	ids := adopt(noon, heldTables(), nobody, onlyEnp1s0)
	if got, want := mustAssign(t, ids, noon, realKeys(0, 3)), []dataplane.RealID{5, 9, 10}; !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
}

func TestAGateIsAdoptedByTheInterfaceThatStillHasItsIndex(t *testing.T) {
	ids := adopt(noon, heldTables(), nobody, onlyEnp1s0)
	if want := map[routerKey]dataplane.GateID{{"enp1s0", 110}: 3}; !maps.Equal(ids.gates, want) {
		t.Errorf("gates %v, want %v: interface 99 is gone", ids.gates, want)
	}
}

func TestAnIDThatOnlyConnectionsRememberRestsAfterARestart(t *testing.T) {
	remembered := slices.Values([]dataplane.RealID{5, 10, 11})
	ids := adopt(noon, heldTables(), remembered, onlyEnp1s0)
	if got, want := mustAssign(t, ids, noon, realKeys(0, 3)), []dataplane.RealID{5, 9, 12}; !slices.Equal(got, want) {
		t.Errorf("ids %v, want %v: connections hold 10 and 11", got, want)
	}
	if _, rests := ids.resting[5]; rests {
		t.Error("5 rests although a real server has it")
	}
}
