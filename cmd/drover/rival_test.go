package main

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"drover/ctrl/api"
	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

// A second master of less priority is told of in the log and in the status, and is answered at once.
func TestASecondMasterIsReported(t *testing.T) {
	t.Parallel()
	ipv4, ipv6 := prefixes("192.168.100.221/24"), prefixes("fe80::110/64", "2001:db8:100::221/64")
	for _, c := range []struct {
		name      string
		agreement agreement
	}{
		{"of IPv4", agreement{version: 3, interval: time.Second, vips: ipv4}},
		{"of IPv4 with a virtual MAC", agreement{version: 3, interval: time.Second, vips: ipv4, vmac: true}},
		{"of IPv4 by unicast", agreement{version: 3, interval: time.Second, vips: ipv4, unicast: true}},
		{"of IPv6", agreement{version: 3, interval: time.Second, vips: ipv6}},
		{"of IPv6 with a virtual MAC", agreement{version: 3, interval: time.Second, vips: ipv6, vmac: true}},
		{"of IPv6 by unicast", agreement{version: 3, interval: time.Second, vips: ipv6, unicast: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, c.agreement, speakDrover, speakDrover)
			source, claim := p.claimant() // before a VIP is an address of the other one
			p.must(p.high.WriteFile(defaultConfig, c.agreement.keepalived(p.high.Host, p.low.Host, 200)))
			d := p.network.start(p.high.Host)
			p.untilMasterWith(p.high.Host, c.agreement)
			p.untilAfter(p.adverts.next(p.high.Host).at, time.Second) // far from its next advert
			begun := time.Now()
			claim(50)
			var answers []advert
			p.until("it is answered", func() (bool, error) {
				answers = of(p.adverts.seen(), p.high.Host, begun)
				return len(answers) > 0, nil
			})
			if answered := answers[0].at.Sub(begun); answered > 500*time.Millisecond {
				t.Errorf("the second master is answered after %s", answered)
			}
			d.untilLogged("split brain")
			d.untilLogged(source.String())
			p.untilStatus(p.high.Host, "the second master", func(s api.Status) bool {
				rivals := s.Instances[0].Rivals
				return len(rivals) == 1 && rivals[0].Address == source.String() && rivals[0].Priority == 50 && !rivals[0].Last.IsZero()
			})
			p.untilMasterWith(p.high.Host, c.agreement)
		})
	}
}

// claimant is a master of the pair's virtual router on low. claim sends one advert, by the way that the pair has agreed on.
func (p *pair) claimant() (source netip.Addr, claim func(priority uint8)) {
	p.t.Helper()
	var conn *netif.VRRPConn
	p.must(p.low.Do(func() (err error) {
		if source = p.addressOf(p.low.Host); source.Is6() && !p.unicast {
			if source, err = netif.LinkLocalAddress(p.low.Interface(), nil); err != nil {
				return err
			}
		}
		conn, err = netif.OpenVRRP(p.low.Interface())
		return err
	}))
	p.t.Cleanup(func() { conn.Close() })
	to := netif.VRRPGroup(source.Is6())
	if p.unicast {
		to = p.addressOf(p.high.Host)
	}
	return source, func(priority uint8) {
		p.t.Helper()
		a := vrrp.Advert{Version: 3, VirtualRouterID: 110, Priority: priority, Interval: p.interval}
		for _, address := range p.vips {
			a.Addresses = append(a.Addresses, address.Addr())
		}
		payload, err := a.Marshal(source, to)
		p.must(err)
		p.must(conn.Write(payload, netif.VRRPPath{Source: source, Destination: to}))
	}
}

// Another host that has the VIP is told of by its MAC address.
func TestADuplicateVIPIsReported(t *testing.T) {
	t.Parallel()
	ipv4, ipv6 := prefixes("192.168.100.221/24"), prefixes("fe80::110/64", "2001:db8:100::221/64")
	for _, c := range []struct {
		name string
		vips []netip.Prefix
		vmac bool
	}{
		{"of IPv4", ipv4, false},
		{"of IPv4 with a virtual MAC", ipv4, true},
		{"of IPv6", ipv6, false},
		{"of IPv6 with a virtual MAC", ipv6, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newLAN(t)
			n.high = n.addHost(memberSpec(t, "high", "00:0d:b9:33:12:a4", "192.168.100.212/24", "2001:db8:100::212/64"))
			taken := c.vips[len(c.vips)-1]
			double := n.addHost(memberSpec(t, "double", "00:0d:b9:00:00:05", taken.String()))
			a := agreement{version: 3, interval: 100 * time.Millisecond, vips: c.vips, vmac: c.vmac}
			n.must(n.high.WriteFile(defaultConfig, a.keepalived(n.high, double, 200)))
			d := n.start(n.high)
			n.untilMasterWith(n.high, a)
			d.untilLogged("another host")
			d.untilLogged(double.MAC().String())
			want := []api.Claim{{Address: taken.Addr().String(), MAC: double.MAC().String()}}
			n.untilStatus(n.high, "the other host", func(s api.Status) bool { return slices.Equal(s.Instances[0].Claims, want) })
			n.untilMasterWith(n.high, a)
		})
	}
}
