package testbed

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// configureHost sets up the interfaces of a host whose cables are laid.
func configureHost(spec HostSpec, network *os.File) error {
	err := inNetwork(network, func() error {
		for name, value := range spec.sysctls() {
			err := setSysctl(name, value)
			_, asked := spec.Sysctls[name]
			if errors.Is(err, fs.ErrNotExist) && !asked {
				continue // a kernel without IPv6 needs none of its sysctls
			}
			if err != nil {
				return err
			}
		}
		for _, port := range spec.ports() {
			// XDP_TX sends checksums as it finds them, and veth leaves them unfinished unless told otherwise.
			if err := disable(port.Interface, txChecksum, scatterGather, genericSegment, genericReceive); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	handle, err := netlink.NewHandleAt(netns.NsHandle(network.Fd()))
	if err != nil {
		return err
	}
	defer handle.Close()
	loopback := make([]netip.Prefix, len(spec.Loopback))
	for i, vip := range spec.Loopback {
		loopback[i] = netip.PrefixFrom(vip, vip.BitLen())
	}
	if err := bringUp(handle, "lo", loopback); err != nil {
		return err
	}
	for _, port := range spec.ports() {
		if err := bringUp(handle, port.Interface, port.Addresses); err != nil {
			return err
		}
	}
	for _, gateway := range spec.Gateways {
		if err := handle.RouteAdd(&netlink.Route{Gw: gateway.AsSlice()}); err != nil {
			return fmt.Errorf("add default route by %s: %w", gateway, err)
		}
	}
	return nil
}

func bringUp(handle *netlink.Handle, ifname string, addresses []netip.Prefix) error {
	device, err := handle.LinkByName(ifname)
	if err != nil {
		return fmt.Errorf("find %s: %w", ifname, err)
	}
	for _, prefix := range addresses {
		ip := prefix.Addr()
		address := &netlink.Addr{
			IPNet: &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(prefix.Bits(), ip.BitLen())},
			Flags: unix.IFA_F_NODAD, // the address is usable at once
		}
		if err := handle.AddrAdd(device, address); err != nil {
			return fmt.Errorf("add address %s to %s: %w", prefix, ifname, err)
		}
	}
	if err := handle.LinkSetUp(device); err != nil {
		return fmt.Errorf("set %s up: %w", ifname, err)
	}
	return nil
}

// setSysctl sets a value, named in the dotted form, in the calling thread's network namespace.
func setSysctl(name, value string) error {
	file := filepath.Join("/proc/sys", strings.ReplaceAll(name, ".", "/"))
	if err := os.WriteFile(file, []byte(value), 0o644); err != nil {
		return fmt.Errorf("set sysctl %s: %w", name, err)
	}
	return nil
}
