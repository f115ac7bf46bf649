package testbed

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"sync"
)

// Options say how a lab is made.
type Options struct {
	// Name begins the lab's identifier, which is unique among all labs of the machine. "lab" when empty.
	Name string
	// Log receives what happens to hosts and cables. Nothing is logged when it is nil.
	Log *slog.Logger
}

// A Lab is one LAN: a switch and the hosts plugged into it. Its methods may be called from several goroutines.
type Lab struct {
	dir *runDir
	log *slog.Logger
	sw  *Switch

	mu       sync.Mutex
	hosts    []*Host
	captures []io.Closer
	closed   bool
}

// New makes a lab without hosts. It first removes what labs of dead processes left behind.
//
// The caller must Close the lab. The error wraps os.ErrPermission when the process is not root.
func New(options Options) (*Lab, error) {
	if os.Args[0] == initName {
		return nil, errors.New("make a lab: this is a host's init: call testbed.RunChild first thing in main or TestMain")
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("make a lab: network namespaces need root: %w", os.ErrPermission)
	}
	log := options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	name := options.Name
	if name == "" {
		name = "lab"
	}
	dir, err := claimRunDir(runRoot, name, log)
	if err != nil {
		return nil, fmt.Errorf("make a lab: %w", err)
	}
	sw, err := newSwitch()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a lab: %w", err), dir.remove())
	}
	return &Lab{dir: dir, log: log.With("lab", dir.id()), sw: sw}, nil
}

// ID is the lab's name on this machine, unique among the labs that exist.
func (l *Lab) ID() string { return l.dir.id() }

// Dir is the lab's own directory; it exists until Close. Callers may keep sockets and files there.
func (l *Lab) Dir() string { return l.dir.path }

// Switch is the LAN.
func (l *Lab) Switch() *Switch { return l.sw }

// AddHost boots a new host and plugs it into the switch. The host is reachable when AddHost returns.
func (l *Lab) AddHost(spec HostSpec) (*Host, error) {
	spec, err := spec.complete()
	if err != nil {
		return nil, fmt.Errorf("add host %q: %w", spec.Name, err)
	}
	h := &Host{lab: l, spec: spec, log: l.log.With("host", spec.Name)}
	l.mu.Lock()
	if slices.ContainsFunc(l.hosts, func(other *Host) bool { return other.Name() == spec.Name }) {
		l.mu.Unlock()
		return nil, fmt.Errorf("add host %q: the lab has a host of that name", spec.Name)
	}
	l.hosts = append(l.hosts, h)
	l.mu.Unlock()
	if err := h.PowerOn(); err != nil {
		l.forget(h)
		return nil, fmt.Errorf("add host %q: %w", spec.Name, err)
	}
	return h, nil
}

func (l *Lab) forget(h *Host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts = slices.DeleteFunc(l.hosts, func(other *Host) bool { return other == h })
}

// Host returns the host of that name, or nil.
func (l *Lab) Host(name string) *Host {
	for _, h := range l.Hosts() {
		if h.Name() == name {
			return h
		}
	}
	return nil
}

// Hosts returns all hosts in the order in which they were added.
func (l *Lab) Hosts() []*Host {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.hosts)
}

// HostByMAC names the host whose interface has the hardware address, or returns the address as text.
func (l *Lab) HostByMAC(mac MAC) string {
	for _, h := range l.Hosts() {
		if h.MAC() == mac {
			return h.Name()
		}
	}
	return mac.String()
}

// closeLater makes Close end a capture that nobody has closed by then.
func (l *Lab) closeLater(capture io.Closer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.captures = append(l.captures, capture)
}

// Close turns every host off, ends every capture and removes the lab from the machine. Only the first call does so.
func (l *Lab) Close() error {
	l.mu.Lock()
	hosts, captures, closed := l.hosts, l.captures, l.closed
	l.hosts, l.captures, l.closed = nil, nil, true
	l.mu.Unlock()
	if closed {
		return nil
	}
	var errs []error
	for _, h := range hosts {
		errs = append(errs, h.PowerOff())
	}
	for _, capture := range captures {
		errs = append(errs, capture.Close())
	}
	errs = append(errs, l.sw.close(), l.dir.remove())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close lab %s: %w", l.ID(), err)
	}
	return nil
}

// RealServer describes a web server of a direct-return service as it must be set up: the virtual addresses sit on the
// loopback interface, and the kernel neither answers ARP requests for them (arp_ignore=1) nor names them in requests
// of its own (arp_announce=2). Interface is eth0.
func RealServer(name string, mac MAC, address netip.Prefix, vips ...netip.Addr) HostSpec {
	return HostSpec{
		Name: name, Interface: "eth0", MAC: mac, Addresses: []netip.Prefix{address}, Loopback: vips,
		Sysctls: arpQuiet,
	}
}

// AliasedRealServer describes the setup of the tutorial's section 6.1: the virtual addresses are secondary addresses
// of eth0, with the same sysctls. It is wrong: arp_ignore=1 lets the kernel answer for an address of the interface
// that the request came in by, so the web server competes with the balancer for the virtual address.
func AliasedRealServer(name string, mac MAC, address netip.Prefix, vips ...netip.Addr) HostSpec {
	spec := HostSpec{
		Name: name, Interface: "eth0", MAC: mac, Addresses: []netip.Prefix{address},
		Sysctls: arpQuiet,
	}
	for _, vip := range vips {
		spec.Addresses = append(spec.Addresses, netip.PrefixFrom(vip, address.Bits()))
	}
	return spec
}

// arpQuiet are the sysctls of section 6.1.2.
var arpQuiet = map[string]string{
	"net.ipv4.conf.eth0.arp_ignore":   "1",
	"net.ipv4.conf.eth0.arp_announce": "2",
}
