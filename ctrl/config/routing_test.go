package config

import (
	"net/netip"
	"reflect"
	"testing"
)

func TestRoutes(t *testing.T) {
	four, six := netip.MustParsePrefix("10.8.0.0/16"), netip.MustParsePrefix("2001:db8::/32")
	for _, test := range []struct {
		name, line string
		want       Route
	}{
		{"on the link have scope link", "10.8.0.0/16 dev eth1",
			Route{Destination: four, Interface: "eth1", Scope: 253}},
		{"with a gateway have scope global", "to 10.8.0.0/16 gw 10.0.0.1",
			Route{Destination: four, Via: netip.MustParseAddr("10.0.0.1")}},
		{"of IPv6 have scope global", "2001:db8::/32 dev eth1",
			Route{Destination: six, Interface: "eth1"}},
		{"take names for numbers", "10.8.0.0/16 dev eth1 scope host table local protocol static",
			Route{Destination: four, Interface: "eth1", Scope: 254, Table: 255, Protocol: 4}},
		{"take numbers, hexadecimal ones, too", "10.8.0.0/16 dev eth1 scope 200 table 0x64 protocol 99 preference 4294967295",
			Route{Destination: four, Interface: "eth1", Scope: 200, Table: 100, Protocol: 99, Metric: 4294967295}},
		{"to a host have its whole address", "10.8.0.1 dev eth1",
			Route{Destination: netip.MustParsePrefix("10.8.0.1/32"), Interface: "eth1", Scope: 253}},
		{"by default are of IPv4", "default dev eth1",
			Route{Destination: netip.MustParsePrefix("0.0.0.0/0"), Interface: "eth1", Scope: 253}},
		{"by default are of the gateway's family", "default via fe80::1 dev eth1",
			Route{Destination: netip.MustParsePrefix("::/0"), Via: netip.MustParseAddr("fe80::1"), Interface: "eth1"}},
		{"by default can be of IPv6", "default inet6 dev eth1",
			Route{Destination: netip.MustParsePrefix("::/0"), Interface: "eth1"}},
		{"can lead nowhere", "unreachable 10.8.0.0/16",
			Route{Destination: four, Type: "unreachable"}},
		{"have an MTU", "10.8.0.0/16 via 10.0.0.1 onlink dev eth1 mtu 1400",
			Route{Destination: four, Via: netip.MustParseAddr("10.0.0.1"), OnLink: true, Interface: "eth1", MTU: 1400}},
		{"have an MTU that stays", "10.8.0.0/16 via 10.0.0.1 mtu lock 1400 metric 3",
			Route{Destination: four, Via: netip.MustParseAddr("10.0.0.1"), MTU: 1400, MTULock: true, Metric: 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.want.Type == "" {
				test.want.Type = "unicast"
			}
			if test.want.Table == 0 {
				test.want.Table = 254
			}
			if test.want.Protocol == 0 {
				test.want.Protocol = 18
			}
			got := withoutPositions(*mustLoad(t, "static_routes {\n"+test.line+"\n}\n")).StaticRoutes
			if !reflect.DeepEqual(got, []Route{test.want}) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestRules(t *testing.T) {
	for _, test := range []struct {
		name, line string
		want       Rule
	}{
		{"name a table", "from 10.0.0.1 lookup main order 5",
			Rule{From: netip.MustParsePrefix("10.0.0.1/32"), Action: "table", Table: 254, Priority: 5}},
		{"are of the family of their networks", "from all to 2001:db8::1/32 table 7 preference 5",
			Rule{To: netip.MustParsePrefix("2001:db8::/32"), IPv6: true, Action: "table", Table: 7, Priority: 5}},
		{"are of IPv6 if they say so", "inet6 iif eth1 table 7 priority 5",
			Rule{IPv6: true, IIf: "eth1", Action: "table", Table: 7, Priority: 5}},
		{"have a whole mark", "fwmark 24 table 7 priority 0",
			Rule{FWMark: 24, FWMask: 0xffffffff, Action: "table", Table: 7}},
		{"have a mark with a mask", "fwmark 0x18/0xf8 dev eth1 oif eth2 type prohibit priority 5",
			Rule{FWMark: 0x18, FWMask: 0xf8, IIf: "eth1", OIf: "eth2", Action: "prohibit", Priority: 5}},
		{"do what is said last", "table 7 blackhole priority 5 no_track",
			Rule{Action: "blackhole", Priority: 5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := withoutPositions(*mustLoad(t, "static_rules {\n"+test.line+"\n}\n")).StaticRules
			if !reflect.DeepEqual(got, []Rule{test.want}) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestInterfacesOfRoutesAndGroupsThatTheHostLacks(t *testing.T) {
	config := mustLoad(t, `static_ipaddress {
  10.0.0.1/24
}
static_routes {
  default via 10.0.0.9 dev eth1
}
static_rules {
  iif eth2 table 1 priority 5
}
`)
	const want = `main:2:3: error: no interface "eth0" on this host; it has lo` + "\n" +
		`main:5:28: error: no interface "eth1" on this host; it has lo` + "\n" +
		`main:8:7: error: no interface "eth2" on this host; it has lo` + "\n"
	if got := lines(config.CheckHost(Host{Interfaces: []string{"lo"}})); got != want {
		t.Errorf("found\n%swant\n%s", got, want)
	}
}
