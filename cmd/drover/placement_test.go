package main

import (
	"net/netip"
	"strings"
	"testing"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

func TestARealServerOnAnotherInterfaceIsServedByIt(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	wide, _ := n.addSecondLAN()
	n.start(wide)
	n.untilState(wide, "MASTER")
	n.untilUp(wide, 2)
	n.mustShare(20, map[string]int{"web150": 10, "web152": 10})
	s, err := n.status(wide)
	n.must(err)
	if got := s.VirtualServers[0].RealServers[1].Interface; got != "enp2s0" || len(s.Interfaces) != 2 {
		t.Errorf("status shows it behind %q, and the interfaces %+v", got, s.Interfaces)
	}
}

func TestTheBalancerItselfIsARealServer(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.startServing("192.168.100.212")
	n.untilUp(n.high, 2)
	n.mustShare(20, map[string]int{"web150": 10, "high": 10})
	s, err := n.status(n.high)
	n.must(err)
	if r := s.VirtualServers[0].RealServers[1]; !r.Local || s.Verdicts["pass-local"] == 0 {
		t.Errorf("status shows it as %+v, and the verdicts %v", r, s.Verdicts)
	}
}

func TestARealServersAddressComesToTheBalancerAndLeavesIt(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.startServing("192.168.100.230")
	n.untilUp(n.high, 1)
	n.must(n.high.Command(t.Context(), "ip", "address", "add", "192.168.100.230/32", "dev", "lo").Run())
	n.untilUp(n.high, 2)
	n.mustShare(20, map[string]int{"web150": 10, "high": 10})
	n.must(n.high.Command(t.Context(), "ip", "address", "del", "192.168.100.230/32", "dev", "lo").Run())
	n.untilUp(n.high, 1)
	n.mustShare(20, map[string]int{"web150": 20})
}

func TestAGroupIsBalancedAtEachOfItsAddresses(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	group := "virtual_server_group webs {\n  192.168.100.221-222 80\n}\n"
	n.must(n.high.WriteFile(defaultConfig, instance(12, vip.String(), otherVIP.String())+group+
		virtualServer("group webs", "rr", "TCP", realServer("192.168.100.150 80", 1), realServer("192.168.100.151 80", 1))))
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	for _, address := range []netip.Addr{vip, otherVIP} {
		if got := n.count(10, address); got["web150"] != 5 || got["web151"] != 5 {
			t.Errorf("ten connections to %s are answered by %v", address, got)
		}
	}
	s, err := n.status(n.high)
	n.must(err)
	if len(s.VirtualServers) != 2 {
		t.Fatalf("status shows %+v, want a virtual server for each address", s.VirtualServers)
	}
	for _, v := range s.VirtualServers {
		if v.Group != "webs" || v.Connections != 10 || v.RealServers[0].Connections != 5 {
			t.Errorf("status shows %+v", v)
		}
	}
}

func TestARealServerBehindAPortOfABridgeIsServedOnceThePortIsFree(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	wide, web := n.addSecondLAN()
	ip := func(args ...string) { n.t.Helper(); n.must(wide.Command(t.Context(), "ip", args...).Run()) }
	ip("link", "add", "br0", "type", "bridge")
	ip("link", "set", "enp2s0", "master", "br0")
	d := n.start(wide)
	n.untilState(wide, "MASTER")
	n.untilUp(wide, 1)
	d.untilLogged("use br0")
	n.mustShare(10, map[string]int{"web150": 10})
	s, err := n.status(wide)
	n.must(err)
	for what, reason := range map[string]string{
		"the real server": s.VirtualServers[0].RealServers[1].Reason, "the interface": s.Interfaces[1].Reason,
	} {
		if !strings.Contains(reason, "enp2s0 is a port of the bridge br0: use br0") {
			t.Errorf("status says of %s %q", what, reason)
		}
	}
	ip("link", "set", "enp2s0", "nomaster")
	n.untilUp(wide, 2)
	n.mustShare(20, map[string]int{"web150": 10, web.Name(): 10})
}

// The network of a real server that is away when the daemon starts is found when it comes, and what stands is left alone.
func TestARealServerIsFoundWhenItsNetworkComes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, away, back string }{
		{"whose interface was down", "ip link set enp2s0 down", "ip link set enp2s0 up"},
		{"whose interface had no address", "ip address flush dev enp2s0", "ip address add 10.0.2.1/24 dev enp2s0"},
		{"whose interface was not there", "ip link set enp2s0 down name away", "ip link set away name enp2s0 up"},
		{"to which no route led", "ip route del 10.0.2.0/24 dev enp2s0", "ip route add 10.0.2.0/24 dev enp2s0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			wide, web := n.addSecondLAN()
			n.run(wide, c.away)
			n.must(wide.WriteFile(defaultConfig, "drover {\n  check_path address\n}\n"+secondLANConfig())) // the other way needs no route
			n.start(wide)
			n.untilState(wide, "MASTER")
			n.untilUp(wide, 1)
			s, err := n.status(wide)
			n.must(err)
			if r := s.VirtualServers[0].RealServers[1]; r.Up || r.Reason == "" {
				t.Errorf("status shows the other one as %+v", r)
			}
			held, who := n.hold(vip)
			n.run(wide, c.back)
			n.untilUp(wide, 2)
			n.mustShare(20, map[string]int{"web150": 10, web.Name(): 10})
			n.mustStay(held, who)
			if s, err = n.status(wide); err != nil || s.VirtualServers[0].RealServers[1].Interface != "enp2s0" || s.Instances[0].State != "MASTER" {
				t.Errorf("status shows %+v, %v", s, err)
			}
		})
	}
}

// A virtual server without VRRP, and neither its own address nor the network of its real server is there yet.
func TestAServiceWhoseNetworksAreAwayWaitsForThem(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.must(n.high.WriteFile(defaultConfig,
		virtualServer("192.168.100.221 80", "rr", "TCP", unchecked("192.168.100.150 80", 1))))
	n.run(n.high, "ip address flush dev enp1s0")
	n.start(n.high)
	s := n.untilStatus(n.high, "that it runs", func(s api.Status) bool { return len(s.VirtualServers) == 1 })
	if r := s.VirtualServers[0].RealServers[0]; r.Up || !strings.Contains(r.Reason, "192.168.100.150") || r.Interface != "" {
		t.Errorf("status shows its real server as %+v", r)
	}
	n.run(n.high, "ip address add 192.168.100.212/24 dev enp1s0", "ip address add 192.168.100.221/24 dev enp1s0")
	n.untilUp(n.high, 1)
	n.until("it serves", func() (bool, error) { who, err := n.get(); return err == nil && who == "web150", nil })
	n.mustShare(5, map[string]int{"web150": 5})
}

// startServing starts a balancer that is a web server, too, with web150 and an address of its own as real servers.
func (n *network) startServing(own string) {
	n.t.Helper()
	n.serveWeb(n.high)
	n.must(n.high.WriteFile(defaultConfig, instance(12, vip.String())+virtualServer(vip.String()+" 80", "rr", "TCP",
		realServer("192.168.100.150 80", 1), realServer(own+" 80", 1))))
	n.start(n.high)
	n.untilState(n.high, "MASTER")
}

// secondLANConfig has a real server on another LAN, beside web150.
func secondLANConfig() string {
	return instance(12, vip.String()) + virtualServer(vip.String()+" 80", "rr", "TCP",
		realServer("192.168.100.150 80", 1), realServer("10.0.2.152 80", 1))
}

// addSecondLAN boots a balancer that has a real server on another LAN, beside web150.
func (n *network) addSecondLAN() (balancer, web *testbed.Host) {
	n.t.Helper()
	balancer = n.addHost(testbed.HostSpec{
		Name: "wide", Interface: "enp1s0", Addresses: prefixes("192.168.100.213/24"),
		More:  []testbed.Port{{Interface: "enp2s0", LAN: "back", Addresses: prefixes("10.0.2.1/24")}},
		Files: map[string]string{defaultConfig: secondLANConfig()},
	})
	spec := testbed.RealServer("web152", mac(n.t, "b8:27:eb:00:00:03"), prefixes("192.168.100.152/24")[0], vip)
	spec.More = []testbed.Port{{Interface: "eth1", LAN: "back", Addresses: prefixes("10.0.2.152/24")}}
	web = n.addHost(spec)
	n.serveWeb(web)
	return balancer, web
}
