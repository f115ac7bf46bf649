package main

import (
	"net/netip"
	"testing"

	"drover/bench/testbed"
)

var (
	vip6      = netip.MustParseAddr("2001:db8:100::221")
	otherVIP6 = netip.MustParseAddr("2001:db8:100::222")
	// gateways are the router of the LAN, which addRouter boots.
	gateways = []netip.Addr{netip.MustParseAddr("192.168.100.1"), netip.MustParseAddr("2001:db8:100::1")}
)

// newAlone boots a LAN with one balancer that holds both VIPs of both IP versions without VRRP, two web servers and a
// client. The balancer has the configuration and any more interfaces; nothing runs yet but the web servers.
func newAlone(t *testing.T, config string, more ...testbed.Port) *network {
	t.Helper()
	n := newLAN(t)
	spec := aloneSpec(t, config)
	spec.More = more
	n.high = n.addHost(spec)
	n.client = n.addHost(clientSpec(t))
	for _, spec := range []testbed.HostSpec{
		webSpec(t, "web150", "b8:27:eb:b3:bb:e1", "192.168.100.150/24", "2001:db8:100::150/64"),
		webSpec(t, "web151", "b8:27:eb:92:a5:e2", "192.168.100.151/24", "2001:db8:100::151/64"),
	} {
		spec.Gateways = gateways
		n.addWeb(spec)
	}
	return n
}

func clientSpec(t *testing.T) testbed.HostSpec {
	t.Helper()
	return testbed.HostSpec{
		Name: "client", Interface: "eth0", MAC: mac(t, "00:21:cc:00:00:04"),
		Addresses: prefixes("192.168.100.4/24", "2001:db8:100::4/64"),
	}
}

func aloneSpec(t *testing.T, config string) testbed.HostSpec {
	t.Helper()
	return testbed.HostSpec{
		Name: "high", Interface: "enp1s0", MAC: mac(t, "00:0d:b9:33:12:a4"),
		Addresses: prefixes("192.168.100.212/24", "192.168.100.221/24", "192.168.100.222/24",
			"2001:db8:100::212/64", "2001:db8:100::221/64", "2001:db8:100::222/64"),
		Files: map[string]string{defaultConfig: config},
	}
}

// webSpec is a web server that has all VIPs on lo.
func webSpec(t *testing.T, name, hardware string, addresses ...string) testbed.HostSpec {
	t.Helper()
	spec := testbed.RealServer(name, mac(t, hardware), prefixes(addresses[0])[0], vip, otherVIP, vip6, otherVIP6)
	spec.Addresses = prefixes(addresses...)
	return spec
}

// bothWebs are the real servers of a service, by their addresses of IPv4.
func bothWebs(port string, first, second int) []string {
	return []string{unchecked("192.168.100.150 "+port, first), unchecked("192.168.100.151 "+port, second)}
}

// bothWebs6 are the same by their addresses of IPv6.
func bothWebs6(port string) []string {
	return []string{unchecked("2001:db8:100::150 "+port, 1), unchecked("2001:db8:100::151 "+port, 1)}
}

// startAlone starts the balancer and waits until both web servers are up in its first virtual server.
func (n *network) startAlone(args ...string) *runningDaemon {
	n.t.Helper()
	d := n.start(n.high, args...)
	n.untilUp(n.high, 2)
	return d
}

// addRouter boots a router between the LAN and another, whose link to that has an MTU, and a host there.
func (n *network) addRouter(mtu int) (router, far *testbed.Host) {
	n.t.Helper()
	router = n.addHost(testbed.HostSpec{
		Name: "router", Interface: "eth0", Addresses: prefixes("192.168.100.1/24", "2001:db8:100::1/64"),
		More: []testbed.Port{
			{Interface: "eth1", LAN: "far", MTU: mtu, Addresses: prefixes("10.0.2.1/24", "2001:db8:200::1/64")},
		},
		Sysctls: map[string]string{"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"},
	})
	far = n.addHost(testbed.HostSpec{
		Name: "farclient", Interface: "eth0", LAN: "far", Addresses: prefixes("10.0.2.4/24", "2001:db8:200::4/64"),
		Gateways: []netip.Addr{netip.MustParseAddr("10.0.2.1"), netip.MustParseAddr("2001:db8:200::1")},
	})
	return router, far
}

// watch keeps the frames that pass a filter.
func (n *network) watch(filter func(testbed.Frame) bool) *testbed.Watch {
	n.t.Helper()
	watch, err := n.lab.Watch(filter)
	n.must(err)
	return watch
}
