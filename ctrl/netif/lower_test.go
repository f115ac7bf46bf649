package netif

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// linksOf gives links indexes of their own and the MAC of a NIC, unless they have others, and knows them by name. Parents
// and masters are given by their place in the list, from 1.
func linksOf(list ...LinkInfo) map[string]LinkInfo {
	links := make(map[string]LinkInfo, len(list))
	for i, link := range list {
		link.Index = i + 1
		if link.MAC == nil {
			link.MAC = macA
		}
		links[link.Name] = link
	}
	return links
}

func TestTheProgramSitsWhereItSeesTheFramesOfAnInterface(t *testing.T) {
	var (
		nic      = LinkInfo{Name: "eth0"}
		customer = VLAN{10, Dot1Q}
		provider = VLAN{100, Dot1AD}
	)
	for _, test := range []struct {
		name  string
		of    string
		links map[string]LinkInfo
		want  string // device, mode, tags, ports
	}{
		{"a NIC", "eth0", linksOf(nic), "eth0 any [] eth0"},
		{"a veth", "v0", linksOf(LinkInfo{Name: "v0", Kind: "veth"}), "v0 any [] v0"},
		{"a tap", "tap0", linksOf(LinkInfo{Name: "tap0", Kind: "tun"}), "tap0 any [] tap0"},
		{"a kind that is not listed", "x0", linksOf(LinkInfo{Name: "x0", Kind: "dummy"}), "x0 any [] x0"},
		{"a bridge", "br0", linksOf(LinkInfo{Name: "br0", Kind: "bridge"}, LinkInfo{Name: "eth0", Master: 1}), "br0 generic [] br0"},
		{"a team", "team0", linksOf(LinkInfo{Name: "team0", Kind: "team"}), "team0 generic [] team0"},
		{"a macvlan", "mv0", linksOf(nic, LinkInfo{Name: "mv0", Kind: "macvlan", Parent: 1, MAC: macB}), "mv0 generic [] mv0"},
		{"a VXLAN", "vx0", linksOf(LinkInfo{Name: "vx0", Kind: "vxlan"}), "vx0 generic [] vx0"},
		{"a bond", "bond0", linksOf(LinkInfo{Name: "bond0", Kind: "bond"}, LinkInfo{Name: "eth1", Master: 1}, LinkInfo{Name: "eth0", Master: 1}),
			"bond0 any [] eth0 eth1"},
		{"an interface in a VRF", "eth0", linksOf(LinkInfo{Name: "eth0", Master: 2}, LinkInfo{Name: "red", Kind: "vrf"}), "eth0 any [] eth0"},
		{"a VLAN", "eth0.10", linksOf(nic, LinkInfo{Name: "eth0.10", Kind: "vlan", Parent: 1, VLAN: customer}), "eth0 any [802.1Q 10] eth0"},
		{"a VLAN in a VLAN", "qinq", linksOf(nic, LinkInfo{Name: "eth0.100", Kind: "vlan", Parent: 1, VLAN: provider},
			LinkInfo{Name: "qinq", Kind: "vlan", Parent: 2, VLAN: customer}), "eth0 any [802.1ad 100 802.1Q 10] eth0"},
		{"a VLAN on a bond", "bond0.10", linksOf(LinkInfo{Name: "bond0", Kind: "bond"}, LinkInfo{Name: "eth0", Master: 1},
			LinkInfo{Name: "bond0.10", Kind: "vlan", Parent: 1, VLAN: customer}), "bond0 native [802.1Q 10] eth0"},
		{"a bridge over a VLAN", "br10", linksOf(nic, LinkInfo{Name: "eth0.10", Kind: "vlan", Parent: 1, Master: 3, VLAN: customer},
			LinkInfo{Name: "br10", Kind: "bridge"}), "br10 generic [] br10"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := LowerOf(test.of, test.links)
			if err != nil {
				t.Fatal(err)
			}
			if described := describeLower(got); described != test.want {
				t.Errorf("got %s, want %s", described, test.want)
			}
		})
	}
}

func TestTheNICsBelowADeviceAreFoundByWayOfWhateverIsBetween(t *testing.T) {
	var (
		nic  = LinkInfo{Name: "eth0"}
		vlan = LinkInfo{Name: "eth0.10", Kind: "vlan", Parent: 1, VLAN: VLAN{10, Dot1Q}}
	)
	of := func(link LinkInfo, master int) LinkInfo { link.Master = master; return link }
	for _, test := range []struct {
		name, of string
		links    map[string]LinkInfo
		want     []string
	}{
		{"a NIC", "eth0", linksOf(nic), nil},
		{"a VLAN on a NIC, where the program sits on that", "eth0.10", linksOf(nic, vlan), nil},
		{"a bridge", "br0", linksOf(of(nic, 3), LinkInfo{Name: "eth1", Master: 3}, LinkInfo{Name: "br0", Kind: "bridge"}, LinkInfo{Name: "eth2"}),
			[]string{"eth0", "eth1"}},
		{"a bridge of virtual machines", "br0", linksOf(of(nic, 3), LinkInfo{Name: "tap0", Kind: "tun", Master: 3}, LinkInfo{Name: "br0", Kind: "bridge"}),
			[]string{"eth0"}},
		{"a bridge of containers", "br0", linksOf(LinkInfo{Name: "v0", Kind: "veth", Master: 2}, LinkInfo{Name: "br0", Kind: "bridge"}), []string{"v0"}},
		{"a bridge over a VLAN", "br0", linksOf(nic, of(vlan, 3), LinkInfo{Name: "br0", Kind: "bridge"}), []string{"eth0"}},
		{"a bridge over a bond", "br0", linksOf(LinkInfo{Name: "bond0", Kind: "bond", Master: 4}, LinkInfo{Name: "eth1", Master: 1},
			LinkInfo{Name: "eth0", Master: 1}, LinkInfo{Name: "br0", Kind: "bridge"}), []string{"eth0", "eth1"}},
		{"a macvlan", "mv0", linksOf(nic, LinkInfo{Name: "mv0", Kind: "macvlan", Parent: 1}), []string{"eth0"}},
		{"a bond", "bond0", linksOf(of(nic, 2), LinkInfo{Name: "bond0", Kind: "bond"}), []string{"eth0"}},
		{"a VLAN on a bond", "bond0.10", linksOf(LinkInfo{Name: "bond0", Kind: "bond"}, LinkInfo{Name: "bond0.10", Kind: "vlan", Parent: 1},
			LinkInfo{Name: "eth0", Master: 1}), []string{"eth0"}},
		{"a VXLAN whose NIC is known", "vx0", linksOf(nic, LinkInfo{Name: "vx0", Kind: "vxlan", Parent: 1}), []string{"eth0"}},
		{"a NIC in a VRF", "eth0", linksOf(of(nic, 2), LinkInfo{Name: "red", Kind: "vrf"}, LinkInfo{Name: "eth1", Master: 2}), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			lower, err := LowerOf(test.of, test.links)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, nic := range lower.Below {
				got = append(got, nic.Name)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func describeLower(l Lower) string {
	modes := map[Modes]string{AnyMode: "any", GenericOnly: "generic", NativeOnly: "native"}
	var tags []string
	for _, tag := range l.Tags {
		tags = append(tags, tag.String())
	}
	words := []string{l.Link.Name, modes[l.Modes], "[" + strings.Join(tags, " ") + "]"}
	for _, port := range l.Ports {
		words = append(words, port.Name)
	}
	return strings.Join(words, " ")
}

func TestAnInterfaceThatNoProgramCanServeIsRefusedWithARemedy(t *testing.T) {
	tagged := func(parent int) LinkInfo {
		return LinkInfo{Name: "tagged", Kind: "vlan", Parent: parent, VLAN: VLAN{10, Dot1Q}}
	}
	nowhere := slices.Repeat([]byte{0}, 6)
	for _, test := range []struct {
		name  string
		of    string
		links map[string]LinkInfo
		err   string // behind the beginning that all have
	}{
		{"a port of a bridge", "eth0", linksOf(LinkInfo{Name: "eth0", Master: 2}, LinkInfo{Name: "br0", Kind: "bridge"}),
			"eth0 is a port of the bridge br0: use br0"},
		{"a port of a bond", "eth0", linksOf(LinkInfo{Name: "eth0", Master: 2}, LinkInfo{Name: "bond0", Kind: "bond"}),
			"eth0 is a port of the bond bond0: use bond0"},
		{"a bond that is a port of a bridge", "bond0", linksOf(LinkInfo{Name: "bond0", Kind: "bond", Master: 2}, LinkInfo{Name: "br0", Kind: "bridge"}),
			"bond0 is a port of the bridge br0: use br0"},
		{"a port of Open vSwitch", "eth0", linksOf(LinkInfo{Name: "eth0", Master: 2}, LinkInfo{Name: "ovs-system", Kind: "openvswitch"}),
			"eth0 is a port of Open vSwitch: use an internal port of its bridge"},
		{"a port of something out of sight", "eth0", linksOf(LinkInfo{Name: "eth0", Master: 9}),
			"eth0 belongs to another interface, which is not in this network namespace"},
		{"a VLAN that is a port of a bridge", "tagged", linksOf(LinkInfo{Name: "eth0"}, func() LinkInfo { v := tagged(1); v.Master = 3; return v }(),
			LinkInfo{Name: "br10", Kind: "bridge"}), "tagged is a port of the bridge br10: use br10"},
		{"a VLAN on a port of a bridge", "tagged", linksOf(LinkInfo{Name: "eth0", Master: 3}, tagged(1), LinkInfo{Name: "br0", Kind: "bridge"}),
			"eth0 is a port of the bridge br0: use br0"},
		{"a VLAN on a bridge", "tagged", linksOf(LinkInfo{Name: "br0", Kind: "bridge"}, tagged(1)),
			"the kernel takes VLAN tags off before a program on the bridge br0 runs: put the VLAN on the NIC, and the bridge on that"},
		{"a VLAN on a macvlan", "tagged", linksOf(LinkInfo{Name: "mv0", Kind: "macvlan"}, tagged(1)),
			"the kernel takes VLAN tags off before a program on the macvlan mv0 runs: put the VLAN on the NIC, and the macvlan on that"},
		{"a VLAN with a MAC of its own", "tagged", linksOf(LinkInfo{Name: "eth0", MAC: macB}, tagged(1)),
			"its MAC b8:27:eb:00:00:0a is not that of eth0, for which the program answers: ip link set tagged address b8:27:eb:00:00:0b"},
		{"a VLAN moved to another namespace", "tagged", linksOf(tagged(0)), "the device below tagged is not in this network namespace: run there"},
		{"three VLANs in each other", "tagged", linksOf(LinkInfo{Name: "eth0"}, LinkInfo{Name: "a", Kind: "vlan", Parent: 1},
			LinkInfo{Name: "b", Kind: "vlan", Parent: 2}, tagged(3)), "its frames carry more than 2 VLAN tags"},
		{"a VLAN on itself", "tagged", linksOf(tagged(1)), "its frames carry more than 2 VLAN tags"},
		{"an ipvlan", "iv0", linksOf(LinkInfo{Name: "eth0"}, LinkInfo{Name: "iv0", Kind: "ipvlan", Parent: 1}),
			"an ipvlan shares a MAC, and is given frames by their IP address: use eth0"},
		{"an ipvlan of another namespace", "iv0", linksOf(LinkInfo{Name: "iv0", Kind: "ipvlan"}),
			"an ipvlan shares a MAC, and is given frames by their IP address: use the interface below it"},
		{"a VRF", "red", linksOf(LinkInfo{Name: "red", Kind: "vrf"}), "red is a VRF, which frames never enter: use an interface in it"},
		{"the loopback interface", "lo", linksOf(LinkInfo{Name: "lo", MAC: nowhere}),
			"lo is not an Ethernet interface: use the one that the real servers are on"},
		{"a tunnel without MAC", "tun0", linksOf(LinkInfo{Name: "tun0", Kind: "tun", MAC: []byte{}}),
			"tun0 is not an Ethernet interface: use the one that the real servers are on"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := LowerOf(test.of, test.links)
			if want := "no XDP program can serve " + test.of + ": " + test.err; err == nil || err.Error() != want {
				t.Errorf("got %+v, error\n%v, want\n%s", got, err, want)
			}
		})
	}
}

func TestTheLowerDeviceOfAnAbsentInterfaceIsAnError(t *testing.T) {
	if _, err := LowerOf("enp9s0", linksOf(LinkInfo{Name: "eth0"})); !errors.Is(err, ErrNoInterface) {
		t.Errorf("error %v", err)
	}
}
