package netif

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// Modes says in which XDP modes a program can serve on a device.
type Modes uint8

const (
	// AnyMode leaves it to the driver.
	AnyMode Modes = iota
	// GenericOnly: the kernel has no native XDP for this kind of device.
	GenericOnly
	// NativeOnly: a generic program would run after the kernel has taken the VLAN tags off.
	NativeOnly
)

// Lower is where the XDP program for an interface must sit.
type Lower struct {
	Link  LinkInfo // the device to attach to
	Tags  []VLAN   // what the interface's frames carry there, outermost first; nil for none
	Modes Modes
	// Ports are the devices that take the frames from the wire: Link itself, or the ports of a bond. CheckVLANOffload is
	// for each of them when there are Tags.
	Ports []LinkInfo
	// Below are the NICs that Link has its frames from if it is stacked on any. CheckGRO is for each of them when the
	// program runs in generic mode.
	Below []LinkInfo
}

// mostTags is how many VLAN tags the XDP program looks behind: QinQ.
const mostTags = 2

// LowerOf says where the XDP program for an interface must sit, given all links of the host by name. It is pure.
//
//	the interface                     the program sits on         in mode
//	a NIC, veth, tap, other Ethernet  the interface               any
//	bond                              the bond                    any (native: on every port, Linux 5.15)
//	bridge, team, macvlan, macvtap    the interface               generic
//	vxlan, geneve, gretap             the interface               generic
//	vlan, also on a vlan (QinQ)       the lowest device, by tags  any; on a bond native
//	a port of a bridge, bond, ...     error: use the master
//	an interface in a VRF             as without the VRF
//	vlan on bridge, team, macvlan     error: the tags are off before the program runs
//	vlan with a MAC of its own        error: the program answers to the lower device's
//	vlan on a device not in sight     error
//	ipvlan, ipvtap                    error: use the parent
//	lo, tun, wireguard, IP tunnels    error: not Ethernet
//
// The error wraps ErrNoInterface when there is no such interface; every other one says what to use instead.
func LowerOf(name string, links map[string]LinkInfo) (Lower, error) {
	link, ok := links[name]
	if !ok {
		return Lower{}, fmt.Errorf("%s: %w", name, ErrNoInterface)
	}
	lower, err := descend(link, links)
	if err != nil {
		return Lower{}, fmt.Errorf("no XDP program can serve %s: %w", name, err)
	}
	return lower, nil
}

func descend(link LinkInfo, links map[string]LinkInfo) (Lower, error) {
	var tags []VLAN
	top := link
	for link.Kind == "vlan" {
		if err := checkMaster(link, links); err != nil {
			return Lower{}, err
		}
		tags = append([]VLAN{link.VLAN}, tags...)
		if len(tags) > mostTags {
			return Lower{}, fmt.Errorf("its frames carry more than %d VLAN tags", mostTags)
		}
		parent, ok := byIndex(link.Parent, links)
		if !ok {
			return Lower{}, fmt.Errorf("the device below %s is not in this network namespace: run there", link.Name)
		}
		link = parent
	}
	if err := checkMaster(link, links); err != nil {
		return Lower{}, err
	}
	modes, err := modesOf(link, links)
	if err != nil {
		return Lower{}, err
	}
	lower := Lower{Link: link, Tags: tags, Modes: modes, Ports: portsOf(link, links), Below: nicsBelow(link, links)}
	if len(tags) > 0 {
		return taggedOn(lower, top)
	}
	return lower, nil
}

// taggedOn completes the rules for a VLAN interface. The kernel takes tags off where a frame enters it, so a program that
// the kernel runs further up does not see them; a driver's program does.
func taggedOn(lower Lower, top LinkInfo) (Lower, error) {
	device := lower.Link
	if !bytes.Equal(top.MAC, device.MAC) {
		return Lower{}, fmt.Errorf("its MAC %s is not that of %s, for which the program answers: ip link set %s address %s",
			top.MAC, device.Name, top.Name, device.MAC)
	}
	switch device.Kind {
	case "bridge", "team", "macvlan", "macvtap":
		return Lower{}, fmt.Errorf("the kernel takes VLAN tags off before a program on the %s %s runs: "+
			"put the VLAN on the NIC, and the %s on that", device.Kind, device.Name, device.Kind)
	case "bond":
		lower.Modes = NativeOnly
	}
	return lower, nil
}

// checkMaster refuses an interface whose frames another one takes. A VRF only chooses the routing table.
func checkMaster(link LinkInfo, links map[string]LinkInfo) error {
	if link.Master == 0 {
		return nil
	}
	master, ok := byIndex(link.Master, links)
	switch {
	case !ok:
		return fmt.Errorf("%s belongs to another interface, which is not in this network namespace", link.Name)
	case master.Kind == "vrf":
		return nil
	case master.Kind == "openvswitch":
		return fmt.Errorf("%s is a port of Open vSwitch: use an internal port of its bridge", link.Name)
	default:
		return fmt.Errorf("%s is a port of the %s %s: use %s", link.Name, master.Kind, master.Name, master.Name)
	}
}

// modesOf holds the rules for the device itself.
func modesOf(link LinkInfo, links map[string]LinkInfo) (Modes, error) {
	switch link.Kind {
	case "ipvlan", "ipvtap":
		instead := "the interface below it"
		if parent, ok := byIndex(link.Parent, links); ok {
			instead = parent.Name
		}
		return 0, fmt.Errorf("an %s shares a MAC, and is given frames by their IP address: use %s", link.Kind, instead)
	case "vrf":
		return 0, fmt.Errorf("%s is a VRF, which frames never enter: use an interface in it", link.Name)
	}
	if !usableMAC(link.MAC) {
		return 0, fmt.Errorf("%s is not an Ethernet interface: use the one that the real servers are on", link.Name)
	}
	switch link.Kind {
	case "bridge", "team", "macvlan", "macvtap", "vxlan", "geneve", "gretap", "ip6gretap":
		return GenericOnly, nil
	}
	return AnyMode, nil
}

// portsOf are the devices that take the frames of a device from the wire, in the order of their names.
func portsOf(link LinkInfo, links map[string]LinkInfo) []LinkInfo {
	if link.Kind != "bond" {
		return []LinkInfo{link}
	}
	var ports []LinkInfo
	for _, port := range links {
		if port.Master == link.Index {
			ports = append(ports, port)
		}
	}
	slices.SortFunc(ports, func(a, b LinkInfo) int { return cmp.Compare(a.Name, b.Name) })
	return ports
}

func byIndex(index int, links map[string]LinkInfo) (LinkInfo, bool) {
	for _, link := range links {
		if index != 0 && link.Index == index {
			return link, true
		}
	}
	return LinkInfo{}, false
}
