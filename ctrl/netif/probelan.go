package netif

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ProbeLAN is an interface that real servers are behind.
type ProbeLAN struct {
	Interface string // with Ethernet frames of its own: a NIC, a bond, a bridge, a VLAN
	// Sources are this host's own addresses there, with their networks, in the order of preference. VIPs must not be among
	// them: a real server would answer to itself.
	Sources []netip.Prefix
	// Servers are the marks of the real servers behind it by their own addresses: an id that the real server has in the
	// tables of the data plane (dataplane.RealID), of any of its services.
	Servers map[netip.Addr]uint32
}

// ProbeProgram is the data plane's program that addresses probes (dataplane.ProbeProgram).
type ProbeProgram struct {
	FD int
	ID uint32 // tells it from another one
}

// probeLAN is the macvlan on an interface.
type probeLAN struct {
	device  string // in the namespace
	lower   int    // index of the interface below
	sources []netip.Prefix
	servers map[netip.Addr]uint32
	program uint32 // the ID of what is attached
	err     error  // why there is no way
}

// Follow makes exactly these interfaces have ways to their real servers. What there is and stays is not disturbed. An
// interface that cannot be served does not keep the others from it; its paths tell its error. It is called in the host's
// namespace, and again whenever an interface, its addresses or the program have changed.
func (s *ProbeSpace) Follow(program ProbeProgram, lans []ProbeLAN) error {
	s.mu.RLock()
	was := maps.Clone(s.lans)
	s.mu.RUnlock()
	next := make(map[string]*probeLAN, len(lans))
	var errs []error
	for _, wanted := range lans {
		lan := &probeLAN{}
		if old := was[wanted.Interface]; old != nil {
			*lan = *old
		}
		lan.servers = wanted.Servers
		if lan.err = s.follow(lan, wanted, program); lan.err != nil {
			lan.err = fmt.Errorf("%w on %s: %w", ErrNoProbePath, wanted.Interface, lan.err)
			errs = append(errs, lan.err)
		}
		next[wanted.Interface] = lan
	}
	for name, old := range was {
		if next[name] == nil || next[name].device != old.device {
			errs = append(errs, s.remove(old))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lans = next
	return errors.Join(errs...)
}

// Problem says why an interface that Follow was told of has no way; nil if it has one.
func (s *ProbeSpace) Problem(ifname string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if lan := s.lans[ifname]; lan != nil {
		return lan.err
	}
	return nil
}

// lan is that of an interface.
func (s *ProbeSpace) lan(ifname string) (*probeLAN, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	lan := s.lans[ifname]
	if lan == nil {
		return nil, fmt.Errorf("%w: none is made on %s", ErrNoProbePath, ifname)
	}
	return lan, lan.err
}

// follow makes an interface's macvlan be there as it is wanted.
func (s *ProbeSpace) follow(lan *probeLAN, wanted ProbeLAN, program ProbeProgram) error {
	lower, err := Link(wanted.Interface)
	if err != nil {
		return err
	}
	if lower.Kind == "macvlan" || lower.Kind == "macvtap" {
		return fmt.Errorf("the kernel puts no second %s on one: have the real servers on the interface below", lower.Kind)
	}
	if len(wanted.Sources) == 0 {
		return errors.New("it has no address but VIPs to ask from")
	}
	there := lan.lower == lower.Index && s.thread.do(func() error {
		_, err := linkByName(lan.device)
		return err
	}) == nil
	if !there {
		*lan = probeLAN{device: fmt.Sprintf("drover%d", lower.Index), lower: lower.Index, servers: wanted.Servers}
		if err := s.addDevice(lan); err != nil {
			return err
		}
	}
	return s.thread.do(func() error { return lan.configure(wanted.Sources, program) })
}

// addDevice makes the macvlan, which is never seen in the host's namespace. The link below is named by its index there.
func (s *ProbeSpace) addDevice(lan *probeLAN) error {
	device := &netlink.Macvlan{
		LinkAttrs: netlink.LinkAttrs{
			Name: lan.device, ParentIndex: lan.lower, HardwareAddr: s.mac, Namespace: netlink.NsFd(int(s.ns.Fd())),
		},
		Mode: netlink.MACVLAN_MODE_PRIVATE,
	}
	err := netlink.LinkAdd(device)
	if errors.Is(err, unix.EBUSY) {
		err = fmt.Errorf("%w: another virtual device, maybe an ipvlan, takes all of its frames", err)
	}
	if err != nil {
		return fmt.Errorf("make a macvlan: %w", err)
	}
	return nil
}

// remove removes a macvlan; one that is gone is no error.
func (s *ProbeSpace) remove(lan *probeLAN) error {
	if lan.device == "" {
		return nil
	}
	return s.thread.do(func() error {
		device, err := linkByName(lan.device)
		if errors.Is(err, ErrNoInterface) {
			return nil
		}
		if err == nil {
			err = netlink.LinkDel(device)
		}
		if err != nil && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("remove the macvlan of health checks: %w", err)
		}
		return nil
	})
}

// configure sets the macvlan up in its namespace, in an order in which nothing gets out that is no probe.
func (l *probeLAN) configure(sources []netip.Prefix, program ProbeProgram) error {
	device, err := linkByName(l.device)
	if err != nil {
		return err
	}
	if l.program != program.ID {
		if err := attachClassifier(device, program.FD); err != nil {
			return err
		}
		l.program = program.ID
	}
	if err := netlink.LinkSetARPOff(device); err != nil { // all destinations are its neighbors, and it asks for none
		return fmt.Errorf("set noarp: %w", err)
	}
	if err := netlink.LinkSetUp(device); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	if err := l.follow(device, sources); err != nil {
		return err
	}
	return addDefaultRoutes(device, sources)
}

// attachClassifier has a program look at every packet that leaves by a device, in the place of the one before.
func attachClassifier(device netlink.Link, fd int) error {
	index := device.Attrs().Index
	err := netlink.QdiscReplace(&netlink.Clsact{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT},
	})
	if err != nil {
		return fmt.Errorf("add the qdisc clsact: %w", err)
	}
	err = netlink.FilterReplace(&netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: index, Parent: netlink.HANDLE_MIN_EGRESS, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL,
		},
		Fd: fd, Name: "probe", DirectAction: true,
	})
	if err != nil {
		return fmt.Errorf("attach the program for probes: %w", err)
	}
	return nil
}

// follow gives the device the sources as addresses, each alone in its network.
func (l *probeLAN) follow(device netlink.Link, sources []netip.Prefix) error {
	for _, old := range l.sources {
		if !slices.ContainsFunc(sources, func(s netip.Prefix) bool { return s.Addr() == old.Addr() }) {
			err := netlink.AddrDel(device, hostAddress(old))
			if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
				return fmt.Errorf("remove %s: %w", old.Addr(), err)
			}
		}
	}
	for _, s := range sources {
		if err := netlink.AddrAdd(device, hostAddress(s)); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("add %s: %w", s.Addr(), err)
		}
	}
	l.sources = slices.Clone(sources)
	return nil
}

// hostAddress is the address of a prefix, with all bits, and there at once.
func hostAddress(p netip.Prefix) *netlink.Addr {
	bits := p.Addr().BitLen()
	return &netlink.Addr{
		IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(bits, bits)}, Flags: unix.IFA_F_NODAD,
	}
}

// addDefaultRoutes has everything be a neighbor on a device. Sockets are bound to their device, so which of several
// such routes comes first does not matter.
func addDefaultRoutes(device netlink.Link, sources []netip.Prefix) error {
	for _, everything := range []net.IPNet{
		{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}, {IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
	} {
		is4 := len(everything.IP) == net.IPv4len
		if !slices.ContainsFunc(sources, func(s netip.Prefix) bool { return s.Addr().Is4() == is4 }) {
			continue
		}
		index := device.Attrs().Index
		err := netlink.RouteAdd(&netlink.Route{
			LinkIndex: index, Dst: &everything, Scope: netlink.SCOPE_LINK, Priority: index,
		})
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("add a route: %w", err)
		}
	}
	return nil
}
