package netif

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// VMAC is a virtual MAC address on an interface (keyword use_vmac; RFC 9568, 7.3): a private macvlan, as keepalived makes
// it, that holds the VIPs. The kernel answers ARP and neighbor solicitations for them with its MAC.
//
// Broadcasts and multicasts that another host sends from the same MAC, the master's announcements, the kernel gives to the
// device alone. VRRPConn hears them all the same; ARP and NDP on the parent hear no more than the answers to their probes.
type VMAC struct {
	Name   string           // of the device, at most 15 bytes: vrrp.110
	Parent string           // the interface below it
	MAC    net.HardwareAddr // 00:00:5e:00:01:VRID, or 00:00:5e:00:02:VRID for IPv6
	// IPv4 and IPv6 say of which families it is to hold addresses.
	IPv4, IPv6 bool
}

// VMACs makes virtual MACs and removes them. The zero value is ready; it belongs to one goroutine.
//
// What it changes at the interface below is noted in the alias of each device, by which a later process knows it, too: it
// restores the interface with the last one.
type VMACs struct {
	notes map[int]string // the alias of those on an interface, by its index
}

// Add adds the device of a virtual MAC and sets it up, with the settings that keepalived gives it and its parent; one that
// is there with the same MAC and parent is adopted, with the addresses on it. It stays silent on the LAN until it has an
// address. The result tells the device's index, for VRRPPath and Remove. Needs CAP_NET_ADMIN.
func (s *VMACs) Add(v VMAC) (LinkInfo, error) {
	link, err := s.add(v)
	if err != nil {
		return LinkInfo{}, fmt.Errorf("add virtual MAC %s: %w", v.Name, err)
	}
	return link, nil
}

func (s *VMACs) add(v VMAC) (LinkInfo, error) {
	parent, err := linkByName(v.Parent)
	if err != nil {
		return LinkInfo{}, err
	}
	device, err := s.device(v, parent)
	if err != nil {
		return LinkInfo{}, err
	}
	if err := s.noteParent(device, parent); err != nil {
		return LinkInfo{}, err
	}
	if err := v.applySysctls(); err != nil {
		return LinkInfo{}, err
	}
	if err := netlink.LinkSetUp(device); err != nil {
		if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EADDRINUSE) {
			err = fmt.Errorf("another device on %s has the MAC %s; remove that one: %w", v.Parent, v.MAC, err)
		}
		return LinkInfo{}, err
	}
	return Link(v.Name)
}

// device returns the macvlan, which is new or was there. One that is not as it must be, but bears the mark, makes room.
func (s *VMACs) device(v VMAC, parent netlink.Link) (netlink.Link, error) {
	held, err := linkByName(v.Name)
	if err == nil {
		macvlan, is := held.(*netlink.Macvlan)
		below := is && parentOf(held) == parent.Attrs().Index
		if !below && !isVMAC(held) {
			return nil, fmt.Errorf("the name is taken by a device that is no macvlan on %s; remove it, or name another after use_vmac", v.Parent)
		}
		if below && bytes.Equal(macvlan.HardwareAddr, v.MAC) && macvlan.Mode == netlink.MACVLAN_MODE_PRIVATE {
			return held, nil
		}
		err = s.Remove([]int{held.Attrs().Index})
	}
	if err != nil && !errors.Is(err, ErrNoInterface) {
		return nil, err
	}
	macvlan := &netlink.Macvlan{
		LinkAttrs: netlink.LinkAttrs{Name: v.Name, HardwareAddr: v.MAC, ParentIndex: parent.Attrs().Index},
		Mode:      netlink.MACVLAN_MODE_PRIVATE,
	}
	if err := netlink.LinkAdd(macvlan); err != nil {
		return nil, fmt.Errorf("macvlan on %s: %w", v.Parent, err)
	}
	return linkByName(v.Name)
}

// ClearVMAC takes all IPv6 addresses and all routes from a virtual MAC's device, without a word to the LAN. The kernel
// reports to multicast routers each IPv6 address that is removed otherwise (RFC 3810), from the virtual MAC: a switch that
// hears that of the former master sends it what is meant for the new one, until the next advert. IPv4 addresses stay; the
// kernel says nothing of them. No device is no error.
func ClearVMAC(name string) error {
	link, err := linkByName(name)
	if errors.Is(err, ErrNoInterface) {
		return nil
	}
	if err == nil {
		// The addresses go with IFF_UP, and what the kernel still had to report goes as well.
		err = errors.Join(netlink.LinkSetDown(link), netlink.LinkSetUp(link))
	}
	if err != nil {
		return fmt.Errorf("clear virtual MAC %s: %w", name, err)
	}
	return nil
}

// List returns the devices that Add has made, here or in an earlier process. A macvlan of somebody else is not among them.
func (s *VMACs) List() ([]LinkInfo, error) {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list virtual MACs: %w", err)
	}
	var list []LinkInfo
	for _, link := range links {
		if isVMAC(link) {
			list = append(list, linkInfo(link))
		}
	}
	return list, nil
}

// Remove removes the devices of virtual MACs with all that is on them, whatever their names are now; that one is gone is no
// error. With the last one of an interface it restores what Add changed there, unless somebody else has changed it since.
//
// Many go at once: the kernel waits, under the lock of its network configuration, until nobody looks at them any more, for
// 255 as long as for one (some 20 ms).
func (s *VMACs) Remove(indexes []int) error {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return fmt.Errorf("remove virtual MACs: %w", err)
	}
	stay := links[:0:0]
	var leave []netlink.Link
	for _, link := range links {
		if _, is := link.(*netlink.Macvlan); is && slices.Contains(indexes, link.Attrs().Index) {
			leave = append(leave, link)
		} else {
			stay = append(stay, link)
		}
	}
	if err := removeLinks(leave, stay); err != nil {
		return fmt.Errorf("remove virtual MACs: %w", err)
	}
	return s.restoreParents(leave, stay)
}

// removeLinks removes links at once, by a group that no other one is in.
func removeLinks(leave, stay []netlink.Link) error {
	if len(leave) == 0 {
		return nil
	}
	group := freeGroup(stay)
	for _, link := range leave {
		if err := netlink.LinkSetGroup(link, int(group)); err != nil && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("set the group of %s: %w", link.Attrs().Name, err)
		}
	}
	request := nl.NewNetlinkRequest(unix.RTM_DELLINK, unix.NLM_F_ACK)
	request.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	request.AddData(nl.NewRtAttr(unix.IFLA_GROUP, nl.Uint32Attr(group)))
	if _, err := request.Execute(unix.NETLINK_ROUTE, 0); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove the group %d of links: %w", group, err)
	}
	return nil
}

// freeGroup is a group that none of some links is in. Administrators number from 1 on.
func freeGroup(links []netlink.Link) uint32 {
	group := uint32(1 << 30)
	for slices.ContainsFunc(links, func(link netlink.Link) bool { return link.Attrs().Group == group }) {
		group++
	}
	return group
}
