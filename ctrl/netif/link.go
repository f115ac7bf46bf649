package netif

import (
	"bytes"
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ErrNoInterface is wrapped by every error that says that an interface does not exist.
var ErrNoInterface = errors.New("no such interface")

// LinkInfo is the state of one network interface.
type LinkInfo struct {
	Name    string
	Index   int              // changes when an interface is removed and created again
	MAC     net.HardwareAddr // empty where the interface has none
	Up      bool             // IFF_UP: the administrator wants it up
	Carrier bool             // IFF_RUNNING: the cable is in and the link carries traffic
	MTU     int              // bytes of an IP packet, without Ethernet header and VLAN tags
	// Kind is the kernel's word for the kind of a virtual device (ip -details link): "vlan", "bond", "bridge", "veth". It
	// is empty for a NIC and for the loopback interface.
	Kind string
	// Parent is the index of the device below a device that is stacked on another (vlan, macvlan, ipvlan). Zero for none,
	// and for one in another network namespace. The peer of a veth is beside it, not below.
	Parent int
	Master int  // index of the bond, bridge, team or VRF that the interface is enslaved to; zero for none
	VLAN   VLAN // of kind "vlan": the tag that the device stands for
}

// VLAN is a VLAN tag. The zero VLAN is none.
type VLAN struct {
	ID       uint16 // 0 to 4094
	Protocol VLANProtocol
}

// String returns the tag as in "802.1Q 10".
func (v VLAN) String() string { return fmt.Sprintf("%s %d", v.Protocol, v.ID) }

// VLANProtocol is the EtherType that stands before a VLAN tag.
type VLANProtocol uint16

// The two kinds of VLAN tags.
const (
	Dot1Q  VLANProtocol = unix.ETH_P_8021Q  // 802.1Q, a customer's tag
	Dot1AD VLANProtocol = unix.ETH_P_8021AD // 802.1ad, a provider's tag, around another in QinQ
)

// String returns "802.1Q" or "802.1ad".
func (p VLANProtocol) String() string {
	switch p {
	case Dot1Q:
		return "802.1Q"
	case Dot1AD:
		return "802.1ad"
	default:
		return fmt.Sprintf("EtherType %#04x", uint16(p))
	}
}

// Usable says whether packets can travel: up, and with a carrier. A VRRP instance is in FAULT without it.
func (l LinkInfo) Usable() bool { return l.Up && l.Carrier }

func (l LinkInfo) equal(o LinkInfo) bool {
	return l.Name == o.Name && l.Index == o.Index && bytes.Equal(l.MAC, o.MAC) &&
		l.Up == o.Up && l.Carrier == o.Carrier && l.MTU == o.MTU &&
		l.Kind == o.Kind && l.Parent == o.Parent && l.Master == o.Master && l.VLAN == o.VLAN
}

// Link returns the present state of an interface. The error wraps ErrNoInterface when there is none of that name.
func Link(ifname string) (LinkInfo, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return LinkInfo{}, err
	}
	return linkInfo(link), nil
}

// Interfaces returns the names of all interfaces, loopback included, in the kernel's order.
func Interfaces() ([]string, error) {
	links, err := Links()
	names := make([]string, 0, len(links))
	for _, link := range links {
		names = append(names, link.Name)
	}
	return names, err
}

// Links returns the present state of every interface.
func Links() ([]LinkInfo, error) {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	infos := make([]LinkInfo, 0, len(links))
	for _, link := range links {
		infos = append(infos, linkInfo(link))
	}
	return infos, nil
}

func linkInfo(link netlink.Link) LinkInfo {
	attrs := link.Attrs()
	info := LinkInfo{
		Name:    attrs.Name,
		Index:   attrs.Index,
		MAC:     attrs.HardwareAddr,
		Up:      attrs.RawFlags&unix.IFF_UP != 0,
		Carrier: attrs.RawFlags&unix.IFF_RUNNING != 0,
		MTU:     attrs.MTU,
		Kind:    kindOf(link),
		Parent:  parentOf(link),
		Master:  attrs.MasterIndex,
	}
	if vlan, ok := link.(*netlink.Vlan); ok {
		info.VLAN = VLAN{ID: uint16(vlan.VlanId), Protocol: VLANProtocol(vlan.VlanProtocol)}
	}
	return info
}

// kindOf returns the kernel's word for a link; the library has words of its own for two.
func kindOf(link netlink.Link) string {
	switch link.(type) {
	case *netlink.Device:
		return ""
	case *netlink.Tuntap:
		return "tun"
	default:
		return link.Type()
	}
}

// parentOf reads IFLA_LINK, which names a lower device, a peer, or an index that counts in another namespace.
func parentOf(link netlink.Link) int {
	switch link.(type) {
	case *netlink.Veth, *netlink.Netkit:
		return 0
	}
	attrs := link.Attrs()
	if attrs.NetNsID >= 0 || attrs.ParentIndex == attrs.Index {
		return 0
	}
	return attrs.ParentIndex
}

func linkByName(ifname string) (netlink.Link, error) {
	link, err := netlink.LinkByName(ifname)
	if err != nil {
		return nil, linkError(ifname, err)
	}
	return link, nil
}

func linkByIndex(index int) (netlink.Link, error) {
	link, err := netlink.LinkByIndex(index)
	if err != nil {
		return nil, linkError(fmt.Sprintf("number %d", index), err)
	}
	return link, nil
}

func linkError(ifname string, err error) error {
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return fmt.Errorf("%s: %w", ifname, ErrNoInterface)
	}
	return fmt.Errorf("look up interface %s: %w", ifname, err)
}

// dump repeats a netlink dump that a simultaneous change interrupted: an interrupted listing may miss entries.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	const attempts = 5
	var (
		entries []T
		err     error
	)
	for range attempts {
		entries, err = list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	return entries, err
}
