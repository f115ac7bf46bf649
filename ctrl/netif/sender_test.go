package netif

import (
	"net/netip"
	"testing"
)

func TestTheSenderOfAnARPRequestIsAnAddressOfTheTargetsNetwork(t *testing.T) {
	held := []netip.Prefix{prefix("10.0.0.1/8"), prefix("192.168.100.221/24"), prefix("192.168.100.210/24")}
	isVIP := func(a netip.Addr) bool { return a == addr("192.168.100.221") }
	for _, test := range []struct {
		name    string
		target  string
		held    []netip.Prefix
		exclude func(netip.Addr) bool
		want    string
		err     string
	}{
		{"the first on the network", "192.168.100.150", held, nil, "192.168.100.221", ""},
		{"but never a VIP", "192.168.100.150", held, isVIP, "192.168.100.210", ""},
		{"a target elsewhere", "192.0.2.1", []netip.Prefix{prefix("192.168.100.210/24")}, nil, "",
			"192.0.2.1 is not on the network of enp1s0 (192.168.100.210/24): direct return needs the real server on the same layer 2"},
		{"a target that only a VIP's prefix covers", "192.168.100.150", held[:2], isVIP, "",
			"192.168.100.150 is not on the network of enp1s0 (10.0.0.1/8): direct return needs the real server on the same layer 2"},
		{"an interface without address", "192.168.100.150", nil, nil, "", "enp1s0: no IPv4 address to ask for 192.168.100.150 from"},
		{"a target that is this host", "192.168.100.210", held, isVIP, "", "192.168.100.210 is an address of this host's own enp1s0"},
		{"an IPv6 target", "2001:db8::1", held, nil, "", "2001:db8::1 is not IPv4: ARP cannot find its MAC"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := senderIPv4(addr(test.target), testInterface, test.held, test.exclude)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("error %v, want %s", err, test.err)
				}
				return
			}
			if err != nil || got != addr(test.want) {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestTheSenderOfASolicitationIsLinkLocalOrOfTheTargetsNetwork(t *testing.T) {
	const (
		linkLocal, vipLocal = "fe80::20d:b9ff:fe41:e540/64", "fe80::221/64"
		global, vipGlobal   = "2001:db8::210/64", "2001:db8::221/64"
	)
	isVIP := func(a netip.Addr) bool { return a == prefix(vipLocal).Addr() || a == prefix(vipGlobal).Addr() }
	for _, test := range []struct {
		name   string
		target string
		held   []string
		want   string
		err    string
	}{
		{"link-local before the target's network", "2001:db8::150", []string{global, linkLocal}, linkLocal, ""},
		{"but never a link-local VIP", "2001:db8::150", []string{vipLocal, linkLocal}, linkLocal, ""},
		{"the target's network without link-local", "2001:db8::150", []string{vipGlobal, vipLocal, global}, global, ""},
		{"link-local for a target whose network only a router tells", "2001:db8:9::1", []string{"2001:db8::210/128", linkLocal}, linkLocal, ""},
		{"only VIPs", "2001:db8::150", []string{vipLocal, vipGlobal}, "", "enp1s0: no IPv6 address to ask for 2001:db8::150 from, " +
			"neither link-local nor on its network; see net.ipv6.conf.enp1s0.disable_ipv6"},
		{"a target that is this host", "2001:db8::210", []string{linkLocal, global}, "", "2001:db8::210 is an address of this host's own enp1s0"},
		{"an IPv4 target", "192.168.100.150", []string{linkLocal}, "", "192.168.100.150 is not IPv6: neighbor discovery cannot find its MAC"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var held []netip.Prefix
			for _, p := range test.held {
				held = append(held, prefix(p))
			}
			got, err := senderIPv6(addr(test.target), testInterface, held, isVIP)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("error %v, want %s", err, test.err)
				}
				return
			}
			if err != nil || got != prefix(test.want).Addr() {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
}
