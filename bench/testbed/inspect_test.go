package testbed_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"drover/bench/testbed"
)

func TestInterfacesShowAddressesAndCarrier(t *testing.T) {
	lab := newLab(t)
	vip := netip.MustParseAddr("192.0.2.100")
	mac := testbed.MAC{0xb8, 0x27, 0xeb, 0xb3, 0xbb, 0xe1}
	web, err := lab.AddHost(testbed.RealServer("web", mac, netip.MustParsePrefix("192.0.2.50/24"), vip))
	check(t, err)
	interfaces, err := web.Interfaces()
	check(t, err)
	seen := map[string]testbed.Interface{}
	for _, i := range interfaces {
		seen[i.Name] = i
	}
	if eth0 := seen["eth0"]; eth0.MAC != mac || !eth0.Carrier ||
		!slices.Equal(eth0.Addresses, []netip.Prefix{netip.MustParsePrefix("192.0.2.50/24")}) {
		t.Errorf("eth0: %+v", eth0)
	}
	if !slices.Contains(seen["lo"].Addresses, netip.MustParsePrefix("192.0.2.100/32")) {
		t.Errorf("lo: %+v", seen["lo"])
	}
	for address, want := range map[string]bool{"192.0.2.100": true, "192.0.2.50": true, "192.0.2.51": false} {
		if got, err := web.Holds(netip.MustParseAddr(address)); got != want || err != nil {
			t.Errorf("holds %s: %t, %v", address, got, err)
		}
	}
}

func TestTheNeighborTableFillsAndFlushes(t *testing.T) {
	p := newPair(t)
	serveEcho(t, p.right)
	if !echo(t, p.left, p.right, 5*time.Second) {
		t.Fatal("no answer")
	}
	table, err := p.left.Neighbors()
	check(t, err)
	if len(table) != 1 || table[0].Address != p.right.Address() || table[0].MAC != p.right.MAC() {
		t.Errorf("after an exchange: %+v", table)
	}
	check(t, p.left.FlushNeighbors())
	if table, err = p.left.Neighbors(); len(table) != 0 || err != nil {
		t.Errorf("after the flush: %+v, %v", table, err)
	}
}
