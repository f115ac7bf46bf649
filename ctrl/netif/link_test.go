package netif

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestALinkIsDescribedByWhatItIsStackedOn(t *testing.T) {
	const index, parent, master = 7, 3, 5
	attrs := netlink.LinkAttrs{Name: "x0", Index: index, ParentIndex: parent, MasterIndex: master, NetNsID: -1}
	alone, elsewhere := attrs, attrs
	alone.ParentIndex = 0
	elsewhere.NetNsID = 0
	for _, test := range []struct {
		name   string
		link   netlink.Link
		kind   string
		parent int
		vlan   VLAN
	}{
		{"a NIC", &netlink.Device{LinkAttrs: alone}, "", 0, VLAN{}},
		{"a VLAN", &netlink.Vlan{LinkAttrs: attrs, VlanId: 4094, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q}, "vlan", parent, VLAN{4094, Dot1Q}},
		{"a provider's VLAN", &netlink.Vlan{LinkAttrs: attrs, VlanId: 100, VlanProtocol: netlink.VLAN_PROTOCOL_8021AD}, "vlan", parent, VLAN{100, Dot1AD}},
		{"a VLAN on a device of another namespace", &netlink.Vlan{LinkAttrs: elsewhere, VlanId: 10, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q},
			"vlan", 0, VLAN{10, Dot1Q}},
		{"a veth, whose peer is no lower device", &netlink.Veth{LinkAttrs: attrs}, "veth", 0, VLAN{}},
		{"a macvlan", &netlink.Macvlan{LinkAttrs: attrs}, "macvlan", parent, VLAN{}},
		{"a bond", &netlink.Bond{LinkAttrs: alone}, "bond", 0, VLAN{}},
		{"a tap", &netlink.Tuntap{LinkAttrs: alone}, "tun", 0, VLAN{}},
		{"a kind that the library does not know", &netlink.GenericLink{LinkAttrs: alone, LinkType: "team"}, "team", 0, VLAN{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := linkInfo(test.link)
			if got.Kind != test.kind || got.Parent != test.parent || got.VLAN != test.vlan || got.Master != master || got.Index != index {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func (h *host) index() (index int) {
	h.t.Helper()
	h.withLink(func(link netlink.Link) error {
		index = link.Attrs().Index
		return nil
	})
	return index
}

// lowerOf says where the program for an interface must sit, by the links of the host as they are.
func (h *host) lowerOf(ifname string) (lower Lower, err error) {
	h.t.Helper()
	links := map[string]LinkInfo{}
	h.must(func() error {
		names, err := Interfaces()
		for _, name := range names {
			link, err := Link(name)
			if err != nil {
				return err
			}
			links[name] = link
		}
		return err
	})
	return LowerOf(ifname, links)
}

func TestTheProgramForAVLANSitsOnTheNIC(t *testing.T) {
	a, _ := newLAN(t)
	events := a.watchLinks()
	nic := a.index()
	a.addLink(&netlink.Vlan{
		LinkAttrs: netlink.LinkAttrs{Name: "outer", ParentIndex: nic}, VlanId: 100, VlanProtocol: netlink.VLAN_PROTOCOL_8021AD,
	})
	outer := await(t, events, "the outer VLAN", func(e LinkEvent) bool { return e.Link.Name == "outer" }).Link
	if outer.Kind != "vlan" || outer.Parent != nic || outer.VLAN != (VLAN{100, Dot1AD}) {
		t.Errorf("got %+v", outer)
	}
	a.addLink(&netlink.Vlan{
		LinkAttrs: netlink.LinkAttrs{Name: "inner", ParentIndex: outer.Index}, VlanId: 10, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q,
	})
	lower, err := a.lowerOf("inner")
	if want := testInterface + " any [802.1ad 100 802.1Q 10] " + testInterface; err != nil || describeLower(lower) != want {
		t.Errorf("got %s, %v, want %s", describeLower(lower), err, want)
	}
}

func TestTheProgramForABondSitsOnTheBond(t *testing.T) {
	a, _ := newLAN(t)
	bond := netlink.NewLinkBond(netlink.LinkAttrs{Name: "bond0"})
	bond.Mode = netlink.BOND_MODE_ACTIVE_BACKUP
	a.addLink(bond)
	a.setUp(false) // or the bond does not take it
	a.withLink(func(port netlink.Link) error { return netlink.LinkSetMaster(port, bond) })
	lower, err := a.lowerOf("bond0")
	if want := "bond0 any [] " + testInterface; err != nil || describeLower(lower) != want {
		t.Errorf("got %s, %v, want %s", describeLower(lower), err, want)
	}
	if _, err := a.lowerOf(testInterface); err == nil {
		t.Error("the port of the bond is not refused")
	}
}

func TestAWatchReportsThatAnInterfaceJoinsABridge(t *testing.T) {
	a, _ := newLAN(t)
	events := a.watchLinks()
	await(t, events, "the present state", isUsable(true))
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
	a.addLink(bridge)
	made := await(t, events, "the bridge", func(e LinkEvent) bool { return e.Link.Name == "br0" }).Link
	if made.Kind != "bridge" {
		t.Errorf("got %+v", made)
	}
	a.withLink(func(port netlink.Link) error { return netlink.LinkSetMaster(port, bridge) })
	await(t, events, "the port", func(e LinkEvent) bool { return e.Link.Name == testInterface && e.Link.Master == made.Index })
	if lower, err := a.lowerOf("br0"); err != nil || lower.Modes != GenericOnly {
		t.Errorf("the bridge: %+v, %v", lower, err)
	}
	a.withLink(netlink.LinkSetNoMaster)
	await(t, events, "its leaving", func(e LinkEvent) bool { return e.Link.Name == testInterface && e.Link.Master == 0 })
}

func TestAMacvlanIsStackedOnItsParent(t *testing.T) {
	a, _ := newLAN(t)
	nic := a.index()
	a.addLink(&netlink.Macvlan{
		LinkAttrs: netlink.LinkAttrs{Name: "mv0", ParentIndex: nic}, Mode: netlink.MACVLAN_MODE_BRIDGE,
	})
	a.must(func() error {
		got, err := Link("mv0")
		if got.Kind != "macvlan" || got.Parent != nic {
			t.Errorf("got %+v", got)
		}
		veth, err2 := Link(testInterface)
		if veth.Kind != "veth" || veth.Parent != 0 || veth.Master != 0 {
			t.Errorf("got %+v", veth)
		}
		return errors.Join(err, err2)
	})
}
