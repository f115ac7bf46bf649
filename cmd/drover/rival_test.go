package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/vrrp"
)

// A second master of less priority is told of in the log and in the status, and is answered at once.
func TestASecondMasterIsReported(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		agreement agreement
	}{
		{"of IPv4", agreement{version: 3, interval: time.Second, vips: prefixes("192.168.100.221/24")}},
		{"of IPv4 with a virtual MAC", agreement{version: 3, interval: time.Second, vips: prefixes("192.168.100.221/24"), vmac: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newBalancers(t)
			n.must(n.high.WriteFile(defaultConfig, c.agreement.keepalived(n.high, n.low, 200)))
			d := n.start(n.high)
			n.untilMasterWith(n.high, c.agreement)
			adverts, claim := n.watchAdverts(), n.rawVRRP()
			payload, err := vrrp.Advert{
				Version: 3, VirtualRouterID: 110, Priority: 50, Interval: time.Second, Addresses: []netip.Addr{vip},
			}.Marshal(n.client.Address(), netip.MustParseAddr("224.0.0.18"))
			n.must(err)
			n.untilAfter(adverts.next(n.high).at, time.Second) // far from its next advert
			begun := time.Now()
			claim(255, payload)
			var answers []advert
			n.until("it is answered", func() (bool, error) {
				answers = of(adverts.seen(), n.high, begun)
				return len(answers) > 0, nil
			})
			if answered := answers[0].at.Sub(begun); answered > 500*time.Millisecond {
				t.Errorf("the second master is answered after %s", answered)
			}
			d.untilLogged("split brain")
			d.untilLogged(n.client.Address().String())
			n.untilShown(n.high, n.client.Address().String())
			n.untilMasterWith(n.high, c.agreement)
		})
	}
}

// Another host that has the VIP is told of by its MAC address.
func TestADuplicateVIPIsReported(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		vips []netip.Prefix
		vmac bool
	}{
		{"of IPv4", prefixes("192.168.100.221/24"), false},
		{"of IPv4 with a virtual MAC", prefixes("192.168.100.221/24"), true},
		{"of IPv6", prefixes("fe80::110/64", "2001:db8:100::221/64"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newLAN(t)
			n.high = n.addHost(memberSpec(t, "high", "00:0d:b9:33:12:a4", "192.168.100.212/24", "2001:db8:100::212/64"))
			double := n.addHost(memberSpec(t, "double", "00:0d:b9:00:00:05", c.vips[len(c.vips)-1].String()))
			a := agreement{version: 3, interval: 100 * time.Millisecond, vips: c.vips, vmac: c.vmac}
			n.must(n.high.WriteFile(defaultConfig, a.keepalived(n.high, double, 200)))
			d := n.start(n.high)
			n.untilMasterWith(n.high, a)
			d.untilLogged("another host")
			d.untilLogged(double.MAC().String())
			n.untilShown(n.high, double.MAC().String())
			n.untilMasterWith(n.high, a)
		})
	}
}

// untilShown waits until the status of a host tells something.
func (n *network) untilShown(h *testbed.Host, what string) {
	n.t.Helper()
	n.until("the status of "+h.Name()+" tells "+what, func() (bool, error) {
		text, _, _ := n.ask(h, "status", "--json")
		return strings.Contains(text, what), nil
	})
}
