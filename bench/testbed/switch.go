package testbed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// bridgeName is the switch's own interface in its namespace.
const bridgeName = "switch0"

// A Switch connects the hosts of a lab: a learning bridge without spanning tree and without multicast snooping.
type Switch struct {
	network *os.File
	handle  *netlink.Handle // speaks to network
	bridge  netlink.Link

	// What a port does with a frame that comes from its host.
	pass, drop *ebpf.Program

	mu    sync.Mutex
	ports map[int]string // interface index in network to host name, including ports of the past
}

func newSwitch() (sw *Switch, err error) {
	sw = &Switch{ports: map[int]string{}}
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
	if sw.pass, err = newVerdict("switch_pass", xdpPass); err != nil {
		return sw, err
	}
	if sw.drop, err = newVerdict("switch_drop", xdpDrop); err != nil {
		return sw, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = bridgeName
	snooping := false
	bridge := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}
	if err := sw.handle.LinkAdd(bridge); err != nil {
		return sw, fmt.Errorf("add bridge: %w", err)
	}
	sw.bridge = bridge
	if err := sw.handle.LinkSetUp(bridge); err != nil {
		return sw, fmt.Errorf("set bridge up: %w", err)
	}
	return sw, nil
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
	for _, program := range []*ebpf.Program{sw.pass, sw.drop} {
		if program != nil {
			errs = append(errs, program.Close())
		}
	}
	if sw.handle != nil {
		sw.handle.Close()
	}
	if sw.network != nil {
		errs = append(errs, sw.network.Close())
	}
	return errors.Join(errs...)
}

// Do runs f on a thread inside the switch's network namespace, where every port is an interface with its host's name.
func (sw *Switch) Do(f func() error) error { return inNetwork(sw.network, f) }

// portName returns the host behind a port's interface index.
func (sw *Switch) portName(index int) (string, bool) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	name, ok := sw.ports[index]
	return name, ok
}

// Verdicts of linux/bpf.h, enum xdp_action.
const (
	xdpDrop = 1
	xdpPass = 2
)

// newVerdict loads an XDP program that does nothing but return the verdict. veth delivers what the other end sends by
// XDP_TX only to an interface that has an XDP program itself.
func newVerdict(name string, verdict int32) (*ebpf.Program, error) {
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: name, Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, verdict), asm.Return()},
	})
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	return program, nil
}
