package netif

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Scope is the scope of an address in the kernel's numbers (keepalived keyword scope in virtual_ipaddress).
type Scope uint8

// Scopes that keepalived.conf names. The zero value is global, the default.
const (
	ScopeGlobal  Scope = unix.RT_SCOPE_UNIVERSE
	ScopeSite    Scope = unix.RT_SCOPE_SITE
	ScopeLink    Scope = unix.RT_SCOPE_LINK
	ScopeHost    Scope = unix.RT_SCOPE_HOST
	ScopeNowhere Scope = unix.RT_SCOPE_NOWHERE
)

// Address is one address to hold on an interface, as an entry of keepalived's virtual_ipaddress describes it.
type Address struct {
	Prefix    netip.Prefix // the address itself, not its network: 192.168.100.221/24
	Label     string       // IPv4; empty for the interface's name
	Broadcast netip.Addr   // IPv4; zero for none, as keepalived does without the keyword brd
	Scope     Scope
}

// Addresses returns the addresses of an interface with their prefix lengths, in the kernel's order: IPv4 before IPv6,
// and within IPv4 the primary addresses before the secondary ones.
func Addresses(ifname string) ([]netip.Prefix, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	addrs, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", ifname, err)
	}
	return prefixes(addrs), nil
}

// PrimaryAddress returns the first IPv4 address of an interface that exclude does not reject; a nil exclude rejects
// none. Pass the VIPs there: a VIP that an earlier run left behind must not become the source of adverts. The error
// wraps ErrNoInterface or ErrNoIPv4.
func PrimaryAddress(ifname string, exclude func(netip.Addr) bool) (netip.Addr, error) {
	held, err := Addresses(ifname)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, prefix := range held {
		if addr := prefix.Addr(); addr.Is4() && (exclude == nil || !exclude(addr)) {
			return addr, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%s: %w", ifname, ErrNoIPv4)
}

// AddAddress adds an address to an interface, with the flags that keepalived gives it: permanent, and for IPv6 without
// duplicate address detection, which would keep a VIP silent for a second. An IPv6 address is also deprecated, of any
// length and not only of 128: otherwise the newest address of the interface would be the source of whatever this host
// sends, and a real server, which holds the VIP too, would answer a check of such a source to itself. It reports
// added=false and no error when the interface already has the address with that prefix length. Needs CAP_NET_ADMIN.
func AddAddress(ifname string, address Address) (added bool, err error) {
	link, err := linkByName(ifname)
	if err != nil {
		return false, fmt.Errorf("add %s: %w", address.Prefix, err)
	}
	err = netlink.AddrAdd(link, netlinkAddr(address))
	if errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("add %s to %s: %w", address.Prefix, ifname, err)
	}
	return true, nil
}

// RemoveAddress removes an address from an interface, and only that one. It reports removed=false and no error when it
// is not there, also because the interface is gone. Needs CAP_NET_ADMIN.
func RemoveAddress(ifname string, prefix netip.Prefix) (removed bool, err error) {
	link, err := linkByName(ifname)
	if errors.Is(err, ErrNoInterface) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("remove %s: %w", prefix, err)
	}
	addrs, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return false, fmt.Errorf("remove %s from %s: %w", prefix, ifname, err)
	}
	held := slices.Index(prefixes(addrs), prefix)
	if held < 0 {
		return false, nil
	}
	remove := func() error { return netlink.AddrDel(link, &addrs[held]) }
	if hasSecondaries(addrs, held) {
		err = promotingSecondaries(ifname, remove)
	} else {
		err = remove()
	}
	if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("remove %s from %s: %w", prefix, ifname, err)
	}
	return true, nil
}

// hasSecondaries says whether the kernel holds other addresses as secondaries of this one.
func hasSecondaries(addrs []netlink.Addr, primary int) bool {
	network := prefixOf(addrs[primary]).Masked()
	if !network.Addr().Is4() || addrs[primary].Flags&unix.IFA_F_SECONDARY != 0 {
		return false
	}
	return slices.ContainsFunc(addrs, func(other netlink.Addr) bool {
		return other.Flags&unix.IFA_F_SECONDARY != 0 && prefixOf(other).Masked() == network
	})
}

// promotingSecondaries removes a primary address such that its secondaries stay. Without promote_secondaries the
// kernel takes them along: other VIPs, or the host's own address where a VIP came first. Debian turns it on for all
// interfaces; where it is off it is turned on for just this removal.
func promotingSecondaries(ifname string, remove func() error) error {
	const sysctls = "/proc/sys/net/ipv4/conf"
	all := filepath.Join(sysctls, "all", "promote_secondaries")
	own := filepath.Join(sysctls, ifname, "promote_secondaries")
	for _, name := range []string{all, own} {
		value, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !bytes.Equal(bytes.TrimSpace(value), []byte("0")) {
			return remove()
		}
	}
	if err := os.WriteFile(own, []byte("1"), 0); err != nil {
		return fmt.Errorf("keep its secondary addresses (set net.ipv4.conf.%s.promote_secondaries=1): %w", ifname, err)
	}
	return errors.Join(remove(), os.WriteFile(own, []byte("0"), 0))
}

func netlinkAddr(address Address) *netlink.Addr {
	prefix := address.Prefix
	addr := &netlink.Addr{
		IPNet: &net.IPNet{
			IP:   prefix.Addr().AsSlice(),
			Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen()),
		},
		Label: address.Label,
		Scope: int(address.Scope),
		// For netlink a nil broadcast asks for one to be computed, 0.0.0.0 for none.
		Broadcast: net.IPv4zero,
	}
	if address.Broadcast.IsValid() {
		addr.Broadcast = address.Broadcast.AsSlice()
	}
	if prefix.Addr().Is6() {
		addr.Flags = unix.IFA_F_NODAD
		addr.ValidLft, addr.PreferedLft = math.MaxUint32, 0 // for ever, and deprecated
	}
	return addr
}

func prefixes(addrs []netlink.Addr) []netip.Prefix {
	list := make([]netip.Prefix, 0, len(addrs))
	for _, addr := range addrs {
		list = append(list, prefixOf(addr))
	}
	return list
}

func prefixOf(addr netlink.Addr) netip.Prefix {
	bits, _ := addr.Mask.Size()
	return netip.PrefixFrom(addrFromIP(addr.IP), bits)
}
