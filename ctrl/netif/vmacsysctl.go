package netif

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
)

// vmacMark begins the alias of a device that AddVMAC made; what follows are the parent's settings as they were before, as
// in "drover vmac, parent had arp_filter=0 arp_ignore=0". An alias needs no file, and is gone with the device.
const vmacMark = "drover vmac, parent had"

// parentSysctls are set on the interface below a virtual MAC: without them it would answer ARP for VIPs that are on the
// device above it, with its own MAC.
var parentSysctls = []sysctl{{"arp_filter", "1"}, {"arp_ignore", "1"}}

// noteParent writes down in a device's alias what its parent's settings are, once.
func noteParent(device, parent netlink.Link) error {
	if strings.HasPrefix(device.Attrs().Alias, vmacMark) {
		return nil
	}
	alias := vmacMark
	siblings, err := vmacsOn(parent.Attrs().Index)
	if err != nil {
		return err
	}
	if len(siblings) > 0 { // which have changed the settings already
		alias = siblings[0].Attrs().Alias
	} else {
		for _, setting := range parentSysctls {
			value, err := readSysctl("ipv4", parent.Attrs().Name, setting.name)
			if err != nil {
				return err
			}
			alias += " " + setting.name + "=" + value
		}
	}
	if err := netlink.LinkSetAlias(device, alias); err != nil {
		return fmt.Errorf("set alias: %w", err)
	}
	return nil
}

// vmacsOn returns the devices that AddVMAC made on an interface.
func vmacsOn(parent int) ([]netlink.Link, error) {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return slices.DeleteFunc(links, func(link netlink.Link) bool {
		return parentOf(link) != parent || !strings.HasPrefix(link.Attrs().Alias, vmacMark)
	}), nil
}

// restoreParent restores the settings below a device that is gone, if it was the last one.
func restoreParent(device netlink.Link) error {
	index := parentOf(device)
	siblings, err := vmacsOn(index)
	if err != nil || len(siblings) > 0 {
		return err
	}
	noted, marked := strings.CutPrefix(device.Attrs().Alias, vmacMark)
	parent, err := netlink.LinkByIndex(index)
	if !marked || errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up interface %d: %w", index, err)
	}
	var failed []error
	for _, setting := range strings.Fields(noted) {
		name, before, _ := strings.Cut(setting, "=")
		now, err := readSysctl("ipv4", parent.Attrs().Name, name)
		if err == nil && slices.Contains(parentSysctls, sysctl{name, now}) {
			err = writeSysctl("ipv4", parent.Attrs().Name, name, before)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// applySysctls makes the settings of the device and its parent.
func (v VMAC) applySysctls() error {
	ipv4, err := v.sysctls4()
	if err != nil {
		return err
	}
	for _, setting := range ipv4 {
		if err := writeSysctl("ipv4", v.Name, setting.name, setting.value); err != nil {
			return err
		}
	}
	for _, setting := range v.sysctls6() {
		err := writeSysctl("ipv6", v.Name, setting.name, setting.value)
		if !v.IPv6 && errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return err
		}
	}
	if !v.IPv4 {
		return nil
	}
	return v.applyToParent()
}

func (v VMAC) applyToParent() error {
	for _, setting := range parentSysctls {
		now, err := readSysctl("ipv4", v.Parent, setting.name)
		if err == nil && now == "0" { // the administrator may have been stricter
			err = writeSysctl("ipv4", v.Parent, setting.name, setting.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sysctls4 are the settings of the device for IPv4, as keepalived makes them. One for IPv6 has them too: it hears the same
// ARP requests, and would answer for the addresses of all devices.
func (v VMAC) sysctls4() ([]sysctl, error) {
	// The way back to a client is by the parent, which a strict check of sources takes for a forgery. The kernel takes the
	// greater of all's value and the device's, and a loose check (2) lets pass what a strict one (1) does not.
	all, err := readSysctl("ipv4", "all", "rp_filter")
	if err != nil {
		return nil, err
	}
	check := "0"
	if all != "0" {
		check = "2"
	}
	return []sysctl{{"arp_ignore", "1"}, {"accept_local", "1"}, {"promote_secondaries", "1"}, {"rp_filter", check}}, nil
}

// sysctls6 are the settings of the device for IPv6. While it has no VIP nothing may leave it, or switches would send a
// backup what is meant for the master: it gets no address of its own and, not being a router's, joins no group of routers.
// Packets are forwarded all the same where net.ipv6.conf.all.forwarding says so.
func (v VMAC) sysctls6() []sysctl {
	if !v.IPv6 {
		return []sysctl{{"disable_ipv6", "1"}}
	}
	const none = "1"
	return []sysctl{
		{"disable_ipv6", "0"}, {"addr_gen_mode", none}, {"accept_ra", "0"}, {"autoconf", "0"},
		// A new device has joined the group of routers if the default says so. With version 1 of MLD the kernel says nothing
		// when it leaves a group before it has reported it (RFC 2710, 4).
		{"force_mld_version", "1"}, {"forwarding", "0"}, {"force_mld_version", "0"},
	}
}
