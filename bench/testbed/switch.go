package testbed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// bridgeName is the switch's own interface in its namespace.
const bridgeName = "switch0"

// A Switch connects the hosts of a lab: a learning bridge without spanning tree and without multicast snooping for each
// LAN.
type Switch struct {
	network *os.File
	handle  *netlink.Handle // speaks to network

	mu    sync.Mutex
	ports map[int]source          // by interface index in network, including ports of the past
	lans  map[string]netlink.Link // the bridges, by the name of the LAN
}

// source is where a frame comes from.
type source struct{ host, lan string }

func newSwitch() (sw *Switch, err error) {
	sw = &Switch{ports: map[int]source{}, lans: map[string]netlink.Link{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("make switch: %w", err), sw.close())
		}
	}()
	if sw.network, err = newNetwork(); err != nil {
		return sw, err
	}
	if sw.handle, err = netlink.NewHandleAt(netns.NsHandle(sw.network.Fd())); err != nil {
		return sw, err
	}
	if err := inNetwork(sw.network, quietSwitch); err != nil {
		return sw, err
	}
	_, err = sw.lan("")
	return sw, err
}

// bridgeOf names the bridge of a LAN.
func bridgeOf(lan string) string {
	if lan == "" {
		return bridgeName
	}
	return bridgeName + "-" + lan
}

// lan returns the bridge of a LAN, a new one if need be.
func (sw *Switch) lan(name string) (netlink.Link, error) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	if bridge, there := sw.lans[name]; there {
		return bridge, nil
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = bridgeOf(name)
	snooping := false
	bridge := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}
	if err := sw.handle.LinkAdd(bridge); err != nil {
		return nil, fmt.Errorf("add bridge: %w", err)
	}
	if err := sw.handle.LinkSetUp(bridge); err != nil {
		return nil, fmt.Errorf("set bridge up: %w", err)
	}
	sw.lans[name] = bridge
	return bridge, nil
}

// quietSwitch keeps the machine's firewall away from bridged frames and the switch from speaking itself.
func quietSwitch() error {
	for name, value := range map[string]string{
		"net.ipv6.conf.all.disable_ipv6":          "1",
		"net.ipv6.conf.default.disable_ipv6":      "1",
		"net.bridge.bridge-nf-call-iptables":      "0",
		"net.bridge.bridge-nf-call-ip6tables":     "0",
		"net.bridge.bridge-nf-call-arptables":     "0",
		"net.bridge.bridge-nf-filter-vlan-tagged": "0",
	} {
		// A machine without br_netfilter or without IPv6 lacks some of them, and needs none of those.
		if err := setSysctl(name, value); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (sw *Switch) close() error {
	var errs []error
	if sw.handle != nil {
		sw.handle.Close()
	}
	if sw.network != nil {
		errs = append(errs, sw.network.Close())
	}
	return errors.Join(errs...)
}

// Do runs f on a thread inside the switch's network namespace, where the port of each host's first interface is an
// interface with the host's name.
func (sw *Switch) Do(f func() error) error { return inNetwork(sw.network, f) }

// sourceOf returns the host and the LAN of a port by its interface index.
func (sw *Switch) sourceOf(index int) (source, bool) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	from, ok := sw.ports[index]
	return from, ok
}
