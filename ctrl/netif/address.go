package netif

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/netip"
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

// What an interface must have to be the source of adverts; errors wrap these.
var (
	ErrNoIPv4      = errors.New("no IPv4 address")
	ErrNoLinkLocal = errors.New("no link-local IPv6 address")
)

// Address is one address to hold on an interface, as an entry of keepalived's virtual_ipaddress describes it.
type Address struct {
	Prefix    netip.Prefix // the address itself, not its network: 192.168.100.221/24
	Label     string       // IPv4; empty for the interface's name
	Broadcast netip.Addr   // IPv4; zero for none, as keepalived does without the keyword brd
	Scope     Scope
	// Preferred lets this host choose an IPv6 address as a source (preferred_lft forever).
	Preferred bool
	// DetectDuplicates has the kernel look for an IPv6 address on the LAN before it is used, which takes a second (-nodad).
	DetectDuplicates bool
	// Home marks an IPv6 address as a home address of Mobile IPv6 (RFC 6275; home).
	Home bool
	// NoPrefixRoute has the kernel make no route to the address's network (noprefixroute).
	NoPrefixRoute bool
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

// AllAddresses returns the addresses of all interfaces with their prefix lengths, by the index of the interface, each in
// the order of Addresses. It costs as much as one of them.
func AllAddresses() (map[int][]netip.Prefix, error) {
	addrs, err := heldAddresses()
	if err != nil {
		return nil, err
	}
	all := make(map[int][]netip.Prefix)
	for _, addr := range addrs {
		all[addr.LinkIndex] = append(all[addr.LinkIndex], prefixOf(addr))
	}
	return all, nil
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

// LinkLocalAddress returns the first link-local IPv6 address of an interface that exclude does not reject; a nil exclude
// rejects none. It is what IPv6 adverts are sent from (RFC 9568, 5.1.2.1); one that is still looked for on the LAN counts,
// one that another host has does not. The error wraps ErrNoInterface or ErrNoLinkLocal.
func LinkLocalAddress(ifname string, exclude func(netip.Addr) bool) (netip.Addr, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("list addresses: %w", err)
	}
	addrs, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_V6) })
	if err != nil {
		return netip.Addr{}, fmt.Errorf("list addresses of %s: %w", ifname, err)
	}
	for _, held := range addrs {
		addr := prefixOf(held).Addr()
		if addr.IsLinkLocalUnicast() && held.Flags&unix.IFA_F_DADFAILED == 0 && (exclude == nil || !exclude(addr)) {
			return addr, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%s: %w; see net.ipv6.conf.%s.disable_ipv6", ifname, ErrNoLinkLocal, ifname)
}

// Holding is an address on an interface.
type Holding struct {
	Index int  // of the interface, by which it is found whatever its name is later
	Added bool // the interface did not have it before
}

// AddAddress adds an address to an interface, with the flags that keepalived gives it: permanent, and for IPv6 without
// duplicate address detection, which would keep a VIP silent for a second, unless DetectDuplicates asks for it. Without
// Preferred an IPv6 address is also deprecated, of any length and not only of 128 as in keepalived: otherwise the newest
// address of the interface would be the source of whatever this host sends, and a real server, which holds the VIP too,
// would answer a check of such a source to itself. It is no error when the interface already has the address with that
// prefix length. Needs CAP_NET_ADMIN.
func AddAddress(ifname string, address Address) (Holding, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return Holding{}, fmt.Errorf("add %s: %w", address.Prefix, err)
	}
	h := Holding{Index: link.Attrs().Index}
	err = netlink.AddrAdd(link, netlinkAddr(address))
	if errors.Is(err, unix.EEXIST) {
		return h, nil
	}
	if err != nil {
		return Holding{}, fmt.Errorf("add %s to %s: %w", address.Prefix, ifname, err)
	}
	h.Added = true
	return h, nil
}

// RemoveAddress removes an address from the interface that has a name now, and only that one. It reports removed=false
// and no error when it is not there, also because there is no such interface. Needs CAP_NET_ADMIN.
func RemoveAddress(ifname string, prefix netip.Prefix) (removed bool, err error) {
	return removeAddress(prefix, func() (netlink.Link, error) { return linkByName(ifname) })
}

// RemoveAddressAt removes an address from where AddAddress put it, also if the interface has another name since. In all
// else it is RemoveAddress.
func RemoveAddressAt(index int, prefix netip.Prefix) (removed bool, err error) {
	return removeAddress(prefix, func() (netlink.Link, error) { return linkByIndex(index) })
}

func removeAddress(prefix netip.Prefix, find func() (netlink.Link, error)) (removed bool, err error) {
	const attempts = 5
	for range attempts {
		link, missing := find()
		if errors.Is(missing, ErrNoInterface) {
			return false, nil
		}
		if missing != nil {
			return false, fmt.Errorf("remove %s: %w", prefix, missing)
		}
		if removed, err = removeFrom(link, prefix); err == nil {
			break
		}
		err = fmt.Errorf("remove %s from %s: %w", prefix, link.Attrs().Name, err)
		if !errors.Is(err, fs.ErrNotExist) { // else its settings have moved: it was renamed just now
			break
		}
	}
	return removed, err
}

func removeFrom(link netlink.Link, prefix netip.Prefix) (removed bool, err error) {
	addrs, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return false, err
	}
	held := slices.Index(prefixes(addrs), prefix)
	if held < 0 {
		return false, nil
	}
	addr := addrs[held]
	addr.Label = "" // the prefix is enough, and a label has the name that the interface had when the addresses were listed
	remove := func() error { return netlink.AddrDel(link, &addr) }
	if hasSecondaries(addrs, held) {
		err = promotingSecondaries(link.Attrs().Name, remove)
	} else {
		err = remove()
	}
	if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV) {
		return false, nil
	}
	return err == nil, err
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
	const setting = "promote_secondaries"
	for _, name := range []string{"all", ifname} {
		value, err := readSysctl("ipv4", name, setting)
		if err != nil {
			return err
		}
		if value != "0" {
			return remove()
		}
	}
	if err := writeSysctl("ipv4", ifname, setting, "1"); err != nil {
		return fmt.Errorf("keep its secondary addresses: %w", err)
	}
	return errors.Join(remove(), writeSysctl("ipv4", ifname, setting, "0"))
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
	if address.NoPrefixRoute {
		addr.Flags |= unix.IFA_F_NOPREFIXROUTE
	}
	if prefix.Addr().Is6() {
		addr.Flags |= flags6(address)
		addr.ValidLft = math.MaxUint32 // for ever
		if address.Preferred {
			addr.PreferedLft = math.MaxUint32
		}
	}
	return addr
}

// flags6 are the flags that only IPv6 addresses have.
func flags6(address Address) (flags int) {
	if !address.DetectDuplicates {
		flags |= unix.IFA_F_NODAD
	}
	if address.Home {
		flags |= unix.IFA_F_HOMEADDRESS
	}
	return flags
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
