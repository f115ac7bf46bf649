package netif

import (
	"bytes"
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
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

// AddVMAC adds the device of a virtual MAC and sets it up, with the settings that keepalived gives it and its parent; one
// that is there with the same MAC and parent is adopted, with the addresses on it. It stays silent on the LAN until it has
// an address. The result tells the device's index, for VRRPPath. Needs CAP_NET_ADMIN.
//
// What it changes at the parent is noted in the device's alias, so that RemoveVMAC, maybe of a later process, restores it.
func AddVMAC(v VMAC) (LinkInfo, error) {
	link, err := v.add()
	if err != nil {
		return LinkInfo{}, fmt.Errorf("add virtual MAC %s: %w", v.Name, err)
	}
	return link, nil
}

func (v VMAC) add() (LinkInfo, error) {
	parent, err := linkByName(v.Parent)
	if err != nil {
		return LinkInfo{}, err
	}
	device, err := v.device(parent)
	if err != nil {
		return LinkInfo{}, err
	}
	if err := noteParent(device, parent); err != nil {
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

// device returns the macvlan, which is new or was there.
func (v VMAC) device(parent netlink.Link) (netlink.Link, error) {
	held, err := linkByName(v.Name)
	if err == nil {
		macvlan, is := held.(*netlink.Macvlan)
		if !is || parentOf(held) != parent.Attrs().Index {
			return nil, fmt.Errorf("the name is taken by a device that is no macvlan on %s; remove it, or name another after use_vmac", v.Parent)
		}
		if bytes.Equal(macvlan.HardwareAddr, v.MAC) && macvlan.Mode == netlink.MACVLAN_MODE_PRIVATE {
			return held, nil
		}
		_, err = removeVMAC(v.Name)
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

// RemoveVMAC removes the device of a virtual MAC with all that is on it. With the last one of an interface it restores what
// AddVMAC changed there, unless somebody else has changed it since. It reports removed=false and no error when there is no
// such device.
func RemoveVMAC(name string) (removed bool, err error) {
	removed, err = removeVMAC(name)
	if err != nil {
		return false, fmt.Errorf("remove virtual MAC %s: %w", name, err)
	}
	return removed, nil
}

func removeVMAC(name string) (removed bool, err error) {
	link, err := linkByName(name)
	if errors.Is(err, ErrNoInterface) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if _, is := link.(*netlink.Macvlan); !is {
		return false, errors.New("it is no macvlan")
	}
	if err := netlink.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		return false, err
	}
	return true, restoreParent(link)
}
