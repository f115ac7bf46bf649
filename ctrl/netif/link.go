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
	MTU     int              // bytes
}

// Usable says whether packets can travel: up, and with a carrier. A VRRP instance is in FAULT without it.
func (l LinkInfo) Usable() bool { return l.Up && l.Carrier }

func (l LinkInfo) equal(o LinkInfo) bool {
	return l.Name == o.Name && l.Index == o.Index && bytes.Equal(l.MAC, o.MAC) &&
		l.Up == o.Up && l.Carrier == o.Carrier && l.MTU == o.MTU
}

// Link returns the present state of an interface. The error wraps ErrNoInterface when there is none of that name.
func Link(ifname string) (LinkInfo, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return LinkInfo{}, err
	}
	return linkInfo(link.Attrs()), nil
}

// Interfaces returns the names of all interfaces, loopback included, in the kernel's order.
func Interfaces() ([]string, error) {
	links, err := dump(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	names := make([]string, 0, len(links))
	for _, link := range links {
		names = append(names, link.Attrs().Name)
	}
	return names, nil
}

func linkInfo(attrs *netlink.LinkAttrs) LinkInfo {
	return LinkInfo{
		Name:    attrs.Name,
		Index:   attrs.Index,
		MAC:     attrs.HardwareAddr,
		Up:      attrs.RawFlags&unix.IFF_UP != 0,
		Carrier: attrs.RawFlags&unix.IFF_RUNNING != 0,
		MTU:     attrs.MTU,
	}
}

func linkByName(ifname string) (netlink.Link, error) {
	link, err := netlink.LinkByName(ifname)
	if err != nil {
		return nil, linkError(ifname, err)
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
