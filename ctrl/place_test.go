package ctrl

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// around is a host with a network on each of its NICs and on VLAN 10 of the first one; 192.168.9.0/24 is behind the
// second NIC, too.
func around() surroundings {
	lo := netif.LinkInfo{Name: "lo", Index: 1}
	links := lanLinks()
	links["lo"] = lo
	return surroundings{
		links: links,
		addresses: map[string][]netip.Prefix{
			"lo": {prefixOf("127.0.0.1/8"), prefixOf("192.168.100.230/32")}, "enp1s0": {prefixOf("192.168.100.212/24")},
			"enp2s0": {
				prefixOf("10.0.2.1/24"), prefixOf("2001:db8:2::1/64"), prefixOf("10.0.20.129/25"),
			}, "enp1s0.10": {prefixOf("10.0.10.1/24")},
			"wlan0": {prefixOf("10.0.20.1/24")},
		},
		route: func(a netip.Addr) (string, error) {
			for network, ifname := range map[string]string{
				"192.168.100.0/24": "enp1s0", "10.0.2.0/24": "enp2s0", "192.168.9.0/24": "enp2s0", "2001:db8:2::/64": "enp2s0",
				"10.0.10.0/24": "enp1s0.10",
			} {
				if prefixOf(network).Contains(a) {
					return ifname, nil
				}
			}
			return "", errors.New("it is behind the gateway 192.168.100.1")
		},
	}
}

// placing is a virtual server at a VIP with a real server at each address.
func placing(vip string, reals ...string) *config.Config {
	c := tutorialConfig()
	v := &c.VirtualServers[0]
	v.Address, v.RealServers = netip.MustParseAddr(vip), nil
	for n, address := range reals {
		v.RealServers = append(v.RealServers, config.RealServer{
			Position: config.Position{File: "keepalived.conf", Line: 20 + n, Column: 3}, Address: netip.MustParseAddr(address),
		})
	}
	return c
}

const (
	vrrpVIP = "192.168.100.221" // held by the instance
	heldVIP = "10.0.2.1"        // held by the host
	freeVIP = "203.0.113.1"     // held by nobody
)

func TestPlacesOfRealServers(t *testing.T) {
	at := func(names ...string) []place {
		var places []place
		for _, name := range names {
			places = append(places, place{ifname: name, local: name == ""})
		}
		return places
	}
	for name, test := range map[string]struct {
		config   *config.Config
		arrivals []string
		reals    []place
	}{
		"on the VIP's network": {placing(vrrpVIP, "192.168.100.150"), []string{"enp1s0"}, at("enp1s0")},
		"each on its own interface": {
			placing(vrrpVIP, "192.168.100.150", "10.0.2.7", "192.168.9.7"), []string{"enp1s0"}, at("enp1s0", "enp2s0", "enp2s0"),
		},
		"behind a gateway it is looked for where packets come in": {
			placing(vrrpVIP, "172.16.0.1"), []string{"enp1s0"}, []place{{ifname: "enp1s0", doubt: "it is behind the gateway 192.168.100.1"}},
		},
		"behind a gateway and nobody knows where packets come in": {
			placing(freeVIP, "172.16.0.1"), nil, []place{{doubt: "it is behind the gateway 192.168.100.1"}},
		},
		"on the network of an interface that routes do not lead to, as one that is down": {
			placing(vrrpVIP, "10.0.20.7", "10.0.20.200"), []string{"enp1s0"}, []place{
				{ifname: "wlan0", doubt: "it is behind the gateway 192.168.100.1"}, {ifname: "enp2s0", doubt: "it is behind the gateway 192.168.100.1"},
			},
		},
		"this host, by an address of any interface": {
			placing(vrrpVIP, "192.168.100.212", "10.0.2.1", "192.168.100.230", "127.0.0.2"), []string{"enp1s0"}, at("", "", "", ""),
		},
		"packets for a VIP without VRRP come in where the host holds it": {
			placing(heldVIP, "192.168.100.150"), []string{"enp2s0"}, at("enp1s0"),
		},
		"a VIP on lo, or on no interface, does not tell": {placing("192.168.100.230", "10.0.2.7"), nil, at("enp2s0")},
		"IPv6":                          {placing("2001:db8:2::1", "2001:db8:2::7"), []string{"enp2s0"}, at("enp2s0")},
		"a VLAN and nothing beside it":  {placing("10.0.10.1", "10.0.10.7"), []string{"enp1s0.10"}, at("enp1s0.10")},
		"a VLAN, without a known VIP":   {placing(freeVIP, "10.0.10.7", "10.0.10.8"), nil, at("enp1s0.10", "enp1s0.10")},
		"a VLAN and this host, as well": {placing(freeVIP, "10.0.2.1", "10.0.10.8"), nil, at("", "enp1s0.10")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := placesOf(test.config, around())
			if err != nil {
				t.Fatal(err)
			}
			if want := []whereabouts{{test.arrivals, test.reals}}; !reflect.DeepEqual(got, want) {
				t.Errorf("places are\n%+v, want\n%+v", got, want)
			}
		})
	}
}

func TestAGroupArrivesWhereAnyOfItsMembersIs(t *testing.T) {
	c := placing(vrrpVIP, "192.168.100.150")
	c.VirtualServers[0].Group = "both"
	for _, vip := range []string{vrrpVIP, heldVIP, vrrpVIP, freeVIP} {
		c.VirtualServers[0].Members = append(c.VirtualServers[0].Members, netip.AddrPortFrom(netip.MustParseAddr(vip), 80))
	}
	got, err := placesOf(c, around())
	if want := []string{"enp1s0", "enp2s0"}; err != nil || !reflect.DeepEqual(got[0].arrivals, want) {
		t.Errorf("it arrives by %v, %v, want %v", got, err, want)
	}
}

func TestARealServerThatCannotBeServedIsRefusedWithItsPlaceAndTheRemedy(t *testing.T) {
	for name, test := range map[string]struct {
		config *config.Config
		want   []string
	}{
		"on a VLAN, and packets come in without": {
			placing(vrrpVIP, "192.168.100.150", "10.0.10.7"),
			[]string{"keepalived.conf:21:3:", "10.0.10.7 is behind enp1s0.10 (802.1Q 10)", "come in by enp1s0 (no VLAN tag)", "on the VLAN of enp1s0"},
		},
		"without, and packets come in on a VLAN": {
			placing("10.0.10.1", "10.0.2.7"), []string{"keepalived.conf:20:3:", "enp2s0 (no VLAN tag)", "enp1s0.10 (802.1Q 10)"},
		},
		"one on a VLAN and one not": {
			placing(freeVIP, "10.0.2.7", "10.0.10.7"), []string{"keepalived.conf:21:3:", "on the VLAN of enp2s0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := placesOf(test.config, around())
			if err == nil {
				t.Fatal("it is not refused")
			}
			for _, words := range test.want {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("the error does not say %q:\n%v", words, err)
				}
			}
		})
	}
}

// Two balancers that are each other's real servers and always active: what one sends must come to the other by the interface
// where that one knows its MAC address.
func TestBalancersThatCouldSendPacketsInACircleAreRefused(t *testing.T) {
	const here, lan1, lan2 = "192.168.100.212", "192.168.100.150", "10.0.2.7"
	group := placing(freeVIP, here, lan1)
	group.VirtualServers[0].Group = "webs"
	group.VirtualServers[0].Members = []netip.AddrPort{netip.MustParseAddrPort(heldVIP + ":80"), netip.MustParseAddrPort(vrrpVIP + ":80")}
	sorryHere := placing(heldVIP, lan1)
	sorryHere.VirtualServers[0].SorryServer = netip.MustParseAddrPort(here + ":80")
	for name, test := range map[string]struct {
		config  *config.Config
		refused string // words of the error; empty if there is none
		nowhere int    // the number of the real server that it is about
	}{
		"the other is on the LAN that packets come in by": {placing(heldVIP, here, lan2), "", 0},
		"the other is on another LAN": {
			placing(heldVIP, here, lan1), "keepalived.conf:21:3: real server 192.168.100.150 is behind enp1s0, and packets come in by enp2s0", 1,
		},
		"it does not matter who is named first":                      {placing(heldVIP, lan1, here), "keepalived.conf:20:3: real server 192.168.100.150", 0},
		"where packets come in is not known, and all are on one LAN": {placing(freeVIP, lan1, here), "", 0},
		"where packets come in is not known, and they are on two": {
			placing(freeVIP, lan1, here, lan2), "keepalived.conf:22:3: real server 10.0.2.7 is behind enp2s0, and packets come in by enp1s0", 2,
		},
		"one VIP of two is without VRRP, and comes in elsewhere": {group, "packets come in by enp2s0", 1},
		"only one node is active at a time":                      {placing(vrrpVIP, here, lan2), "", 0},
		"this host is no real server":                            {placing(heldVIP, lan1), "", 0},
		"this host is the sorry server only":                     {sorryHere, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			places, err := placesOf(test.config, around())
			if test.refused == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.refused) {
				t.Fatalf("the error is %v, want one with %q", err, test.refused)
			}
			if bad := places[0].reals[test.nowhere]; bad != (place{doubt: err.Error()}) {
				t.Errorf("it is placed at %+v", bad)
			}
		})
	}
}

func TestTagsTextNamesTheInnerTagFirst(t *testing.T) {
	tags := []netif.VLAN{{ID: 100, Protocol: netif.Dot1AD}, {ID: 10, Protocol: netif.Dot1Q}}
	if got, want := tagsText(tags), "802.1Q 10 in 802.1ad 100"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
