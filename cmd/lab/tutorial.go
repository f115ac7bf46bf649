package main

import (
	_ "embed"
	"fmt"
	"net/netip"
	"strings"

	"drover/bench/testbed"
)

// lanBits is the prefix length of the tutorial's LAN, 192.168.100.0/24.
const lanBits = 24

// group is a row of the table in section 2.2: a virtual IP address and the balancers that share it.
type group struct {
	vip      netip.Addr
	vrid     uint8  // virtual_router_id, XXX in the configuration file
	password string // auth_pass, YYY in the configuration file
	members  []balancer
}

// balancer is a row of the tables in sections 2.1 and 2.2.
type balancer struct {
	name     string
	mac      testbed.MAC
	address  netip.Addr
	priority uint8 // WW in the configuration file
}

// master is the member with the highest priority.
func (g group) master() balancer { return g.members[len(g.members)-1] }

// backup is the member that takes over from the master; ok is false when the master is alone.
func (g group) backup() (b balancer, ok bool) {
	if len(g.members) < 2 {
		return balancer{}, false
	}
	return g.members[len(g.members)-2], true
}

// lan returns 192.168.100.N.
func lan(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 168, 100, n}) }

// groups is the tutorial's table; within a group by ascending priority.
func groups() []group {
	return []group{
		{vip: lan(220), vrid: 100, password: "abc012", members: []balancer{
			{"u109lb10", testbed.MAC{0x00, 0x0d, 0xb9, 0x41, 0xe5, 0x40}, lan(210), 10},
		}},
		{vip: lan(221), vrid: 110, password: "def345", members: []balancer{
			{"u109lb11", testbed.MAC{0x00, 0x0d, 0xb9, 0x41, 0xe0, 0x7c}, lan(211), 11},
			{"u109lb12", testbed.MAC{0x00, 0x0d, 0xb9, 0x33, 0x12, 0xa4}, lan(212), 12},
		}},
		{vip: lan(223), vrid: 120, password: "ghi678", members: []balancer{
			{"u109lb13", testbed.MAC{0x00, 0x0d, 0xb9, 0x33, 0x12, 0x90}, lan(213), 13},
			{"u109lb14", testbed.MAC{0x00, 0x0d, 0xb9, 0x4a, 0x7c, 0x40}, lan(214), 14},
		}},
	}
}

// webServers are the tutorial's two real servers. The virtual addresses sit on lo: see testbed.RealServer.
func webServers() []testbed.HostSpec {
	var vips []netip.Addr
	for _, g := range groups() {
		vips = append(vips, g.vip)
	}
	return []testbed.HostSpec{
		testbed.RealServer("web150", testbed.MAC{0xb8, 0x27, 0xeb, 0xb3, 0xbb, 0xe1}, netip.PrefixFrom(lan(150), lanBits), vips...),
		testbed.RealServer("web151", testbed.MAC{0xb8, 0x27, 0xeb, 0x92, 0xa5, 0xe2}, netip.PrefixFrom(lan(151), lanBits), vips...),
	}
}

// Hosts that the tutorial names without giving an address on the LAN, or a name with an address only.
const (
	clientName     = "thinkpad" // 192.168.100.4 in section 4.2
	proxyHostName  = "inovtst9" // section 6.2
	configFileName = "/etc/keepalived/keepalived.conf"
)

// clientSpec is the reader's machine.
func clientSpec() testbed.HostSpec {
	return testbed.HostSpec{
		Name: clientName, Interface: "enp0s25", Addresses: []netip.Prefix{netip.PrefixFrom(lan(4), lanBits)},
	}
}

// proxySpec is the host with the reverse proxy at the border of the network.
func proxySpec() testbed.HostSpec {
	return testbed.HostSpec{
		Name: proxyHostName, Interface: "eth0", Addresses: []netip.Prefix{netip.PrefixFrom(lan(1), lanBits)},
	}
}

// balancerSpec is one of the five small boxes, with the file of section 2.3.2 in place.
func balancerSpec(g group, b balancer) testbed.HostSpec {
	return testbed.HostSpec{
		Name: b.name, Interface: "enp1s0", MAC: b.mac,
		Addresses: []netip.Prefix{netip.PrefixFrom(b.address, lanBits)},
		Files:     map[string]string{configFileName: keepalivedConf(g, b)},
	}
}

// configTemplate is the file that the tutorial has everyone download.
//
//go:embed keepalived.conf.tmpl
var configTemplate string

// keepalivedConf fills the four places of the template in, and changes nothing else.
func keepalivedConf(g group, b balancer) string {
	lastOctet := g.vip.As4()[3]
	return strings.NewReplacer(
		"XXX", fmt.Sprint(g.vrid), "YYY", g.password, "WW", fmt.Sprint(b.priority), "ZZZ", fmt.Sprint(lastOctet),
	).Replace(configTemplate)
}
