package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// With a virtual MAC a takeover changes nothing at the client: its neighbor table is as before, and all its frames go to
// the virtual MAC, whoever has that.
func TestAVirtualMACMovesAndClientsNeedNotKnow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		vips    []netip.Prefix
		service string
		real    []string
		virtual string
		more    []string
	}{
		{"of IPv4", prefixes("192.168.100.221/24"), "192.168.100.221 80", bothWebs("80", 1, 1), "00:00:5e:00:01:6e", nil},
		{"of IPv4 with adverts of the interface's MAC", prefixes("192.168.100.221/24"), "192.168.100.221 80",
			bothWebs("80", 1, 1), "00:00:5e:00:01:6e", []string{"vmac_xmit_base"}},
		{"of IPv6", prefixes("fe80::110/64", "2001:db8:100::221/64"), "2001:db8:100::221 80", bothWebs6("80"),
			"00:00:5e:00:02:6e", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newServedPair(t, agreement{
				version: 3, interval: 100 * time.Millisecond, vips: c.vips, vmac: true, more: c.more,
				beside: virtualServer(c.service, "rr", "TCP", c.real...),
			})
			address, virtual := c.vips[len(c.vips)-1].Addr(), mac(t, c.virtual)
			moves := p.watch(func(f testbed.Frame) bool { return f.Source() == virtual })
			p.start(p.low)
			p.start(p.high)
			p.untilServed(p.high, p.low, address)
			sent := p.watchSent(p.client, address)
			p.mustKnow(address, virtual)

			for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
				p.high.end(s)
				p.untilAlone(p.low, p.high)
				mustMove(t, moves, p.low)
				p.untilServed(p.low, p.high, address)
				p.mustKnow(address, virtual)
				p.start(p.high)
				p.untilAlone(p.high, p.low)
				mustMove(t, moves, p.high)
				p.untilServed(p.high, p.low, address)
				p.mustKnow(address, virtual)
			}
			for _, f := range sent.Seen() {
				if f.Destination() != virtual {
					t.Fatalf("the client does not send to the virtual MAC: %s", f)
				}
			}
		})
	}
}

// What a killed daemon leaves of a virtual MAC the next one removes when it is not configured any more, and nobody else's.
func TestTheVirtualMACOfAKilledDaemonIsRemovedWhenItIsNotConfiguredAnyMore(t *testing.T) {
	t.Parallel()
	n := newLAN(t)
	h := n.addHost(testbed.HostSpec{Name: "high", Interface: "enp1s0", Addresses: prefixes("192.168.100.212/24")})
	a := agreement{version: 3, interval: 100 * time.Millisecond, vips: prefixes("192.168.100.221/24"), vmac: true}
	n.must(h.WriteFile(defaultConfig, a.keepalived(h, h, 200)))
	d := n.start(h)
	n.untilMasterWith(h, a)
	d.kill()
	n.run(h, "ip link add vrrp.9 link enp1s0 address 00:00:5e:00:01:09 type macvlan mode private") // as keepalived makes it
	a.vmac = false
	n.must(h.WriteFile(defaultConfig, a.keepalived(h, h, 200)))
	n.start(h)
	n.untilMasterWith(h, a)
	links, err := h.Command(t.Context(), "ip", "-oneline", "link").Output()
	n.must(err)
	if strings.Contains(string(links), "vrrp.110") || !strings.Contains(string(links), "vrrp.9") {
		t.Errorf("the host has\n%s", links)
	}
	setting, err := h.Command(t.Context(), "cat", "/proc/sys/net/ipv4/conf/enp1s0/arp_filter").Output()
	n.must(err)
	if string(setting) != "0\n" {
		t.Errorf("arp_filter of the interface is left at %s", setting)
	}
}

// mustMove holds that a member was the last to send from the virtual MAC: the switch has learned its port.
func mustMove(t *testing.T, moves *testbed.Watch, m *member) {
	t.Helper()
	seen := moves.Seen()
	if len(seen) == 0 || seen[len(seen)-1].Port != m.Name() {
		t.Errorf("%s is master, but the switch has learned the virtual MAC elsewhere, by the last of %d frames", m.Name(), len(seen))
		for _, f := range seen[max(0, len(seen)-3):] {
			t.Logf("%s: %s", f.Port, f)
		}
	}
}

// newServedPair boots two balancers that share a virtual router, two web servers and a client, all of both families.
func newServedPair(t *testing.T, a agreement) *pair {
	t.Helper()
	p := newPair(t, a, speakDrover, speakDrover)
	p.client = p.addHost(memberSpec(t, "client", "00:21:cc:00:00:04", "192.168.100.4/24", "2001:db8:100::4/64"))
	p.addWeb(webSpec(t, "web150", "b8:27:eb:b3:bb:e1", "192.168.100.150/24", "2001:db8:100::150/64"))
	p.addWeb(webSpec(t, "web151", "b8:27:eb:92:a5:e2", "192.168.100.151/24", "2001:db8:100::151/64"))
	return p
}

// untilServed waits until a member alone adverts and forwards a client's packets to an address.
func (p *pair) untilServed(master, other *member, address netip.Addr) {
	p.t.Helper()
	p.untilAlone(master, other)
	p.untilStatus(master.Host, "both real servers up", func(s api.Status) bool { return upIn(s, 0) == 2 })
	before, err := p.status(master.Host)
	p.must(err)
	p.until(master.Name()+" forwards", func() (bool, error) {
		if who, err := p.getFrom(p.client, address); err != nil {
			return false, fmt.Errorf("%s is master, and the VIP is answered by %q: %w", master.Name(), who, err)
		}
		s, err := p.status(master.Host)
		return err == nil && s.VirtualServers[0].Packets > before.VirtualServers[0].Packets, nil
	})
}

// mustKnow holds the client's neighbor table to a MAC of an address.
func (n *network) mustKnow(address netip.Addr, m testbed.MAC) {
	n.t.Helper()
	table, err := n.client.Neighbors()
	n.must(err)
	if !slices.ContainsFunc(table, func(l testbed.Neighbor) bool { return l.Address == address && l.MAC == m }) {
		n.t.Fatalf("the client does not know %s as %s: %+v", address, m, table)
	}
}
