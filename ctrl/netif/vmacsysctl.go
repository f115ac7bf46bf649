package netif

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
)

// vmacMark begins the alias of a device that VMACs made; what follows are the parent's settings as they were before, as
// in "drover vmac, parent had arp_filter=0 arp_ignore=0". An alias needs no file, and is gone with the device.
const vmacMark = "drover vmac, parent had"

// parentSysctls are set on the interface below a virtual MAC: without them it would answer ARP for VIPs that are on the
// device above it, with its own MAC.
var parentSysctls = []sysctl{{"arp_filter", "1"}, {"arp_ignore", "1"}}

// isVMAC tells whether VMACs has made a device.
func isVMAC(link netlink.Link) bool {
	_, is := link.(*netlink.Macvlan)
	return is && strings.HasPrefix(link.Attrs().Alias, vmacMark)
}

// noteParent writes down in a device's alias what its parent's settings were before the first one.
func (s *VMACs) noteParent(device, parent netlink.Link) error {
	if isVMAC(device) {
		return nil
	}
	alias, err := s.noteOf(parent)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetAlias(device, alias); err != nil {
		return fmt.Errorf("set alias: %w", err)
	}
	return nil
}

// noteOf is the alias of the devices on an interface. All links are looked through once only, for what an earlier process
// has left.
func (s *VMACs) noteOf(parent netlink.Link) (string, error) {
	index := parent.Attrs().Index
	if note, known := s.notes[index]; known {
		return note, nil
	}
	links, err := dump(netlink.LinkList)
	if err != nil {
		return "", fmt.Errorf("list links: %w", err)
	}
	note := vmacMark
	if i := slices.IndexFunc(links, isVMACOn(index)); i >= 0 { // it has changed the settings already
		note = links[i].Attrs().Alias
	} else {
		for _, setting := range parentSysctls {
			value, err := readSysctl("ipv4", parent.Attrs().Name, setting.name)
			if err != nil {
				return "", err
			}
			note += " " + setting.name + "=" + value
		}
	}
	if s.notes == nil {
		s.notes = make(map[int]string)
	}
	s.notes[index] = note
	return note, nil
}

func isVMACOn(parent int) func(netlink.Link) bool {
	return func(link netlink.Link) bool { return parentOf(link) == parent && isVMAC(link) }
}

// restoreParents restores the settings below devices that are gone, where none stays.
func (s *VMACs) restoreParents(gone, stay []netlink.Link) error {
	var failed []error
	done := make(map[int]bool)
	for _, device := range gone {
		index := parentOf(device)
		if !isVMAC(device) || done[index] || slices.ContainsFunc(stay, isVMACOn(index)) {
			continue
		}
		done[index] = true
		delete(s.notes, index)
		failed = append(failed, restoreParent(index, device.Attrs().Alias))
	}
	return errors.Join(failed...)
}

func restoreParent(index int, note string) error {
	parent, err := linkByIndex(index)
	if errors.Is(err, ErrNoInterface) {
		return nil
	}
	if err != nil {
		return err
	}
	var failed []error
	for _, setting := range strings.Fields(strings.TrimPrefix(note, vmacMark)) {
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
		// The kernel repeats a report of MLD after as many milliseconds at most, a second if nobody says so. By then this
		// node may be dead and another one the master, whose virtual MAC the switch would learn here.
		{"mldv2_unsolicited_report_interval", "10"},
	}
}
