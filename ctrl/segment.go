package ctrl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"

	"drover/ctrl/netif"
)

// errAway says that an interface is not there at the moment.
var errAway = errors.New("the interface is away")

// segment is the LAN behind one interface, as far as ARP and NDP go: it announces VIPs, resolves real servers of both IP
// versions and hears who claims a VIP. It is opened and closed as the interface comes and goes; announce and probe may be
// called from any goroutine at any time.
type segment struct {
	ifname string
	log    *slog.Logger
	// heard is called with every change of a real server's MAC, claimed with every claim of a VIP by another host.
	// Neither may wait.
	heard   func(netif.Neighbor)
	claimed func(vip netip.Addr, by netif.Observation)
	// recall returns the MACs that are known already; open calls it.
	recall func() map[netip.Addr]net.HardwareAddr

	mu       sync.RWMutex
	vips     map[netip.Addr]bool
	targets  []netip.Addr
	arp      *netif.ARP // nil while closed
	ndp      *netif.NDP // nil while closed
	families []*family  // none while closed
	stop     func()
}

// family resolves the real servers of one IP version.
type family struct {
	lan      netif.Discovery
	resolver *netif.Resolver
	serves   func(netip.Addr) bool
}

// open begins to listen and to resolve; an open segment stays as it is.
func (s *segment) open(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arp != nil {
		return nil
	}
	arp, err := netif.OpenARP(s.ifname)
	if err != nil {
		return fmt.Errorf("ARP on %s: %w", s.ifname, err)
	}
	ndp, err := netif.OpenNDP(s.ifname)
	if err != nil {
		return errors.Join(fmt.Errorf("NDP on %s: %w", s.ifname, err), arp.Close())
	}
	ipv4, err4 := s.newFamily(arp, netip.Addr.Is4)
	ipv6, err6 := s.newFamily(ndp, netip.Addr.Is6)
	families := []*family{ipv4, ipv6}
	if err := errors.Join(err4, err6); err != nil {
		return errors.Join(err, ipv4.close(), ipv6.close())
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, f := range families {
		running.Go(func() { f.resolver.Run(ctx) })
		running.Go(func() { s.listen(ctx, f) })
	}
	s.arp, s.ndp, s.families = arp, ndp, families
	s.stop = func() {
		cancel()
		running.Wait()
		if err := errors.Join(ipv4.close(), ipv6.close()); err != nil {
			s.log.Warn("closing the ARP and NDP sockets failed", "interface", s.ifname, "error", err)
		}
	}
	return nil
}

// newFamily makes a resolver of the segment's targets that lan can find. The result is to be closed also after an error.
func (s *segment) newFamily(lan netif.Discovery, serves func(netip.Addr) bool) (*family, error) {
	f := &family{lan: lan, serves: serves}
	resolver, err := netif.NewResolver(lan, netif.ResolverOptions{
		Targets: f.among(s.targets), Known: s.recall(), Exclude: s.isVIP, Notify: s.heard,
	})
	if err != nil {
		return f, fmt.Errorf("resolve real servers on %s: %w", s.ifname, err)
	}
	f.resolver = resolver
	return f, nil
}

// among returns the addresses of the family's IP version.
func (f *family) among(targets []netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(targets), func(target netip.Addr) bool { return !f.serves(target) })
}

func (f *family) close() error {
	if f.resolver != nil {
		f.resolver.Close()
	}
	return f.lan.Close()
}

// listen tells what other hosts send until ctx is done.
func (s *segment) listen(ctx context.Context, f *family) {
	if err := f.lan.Run(ctx, func(o netif.Observation) { s.observe(f.resolver, o) }); err != nil {
		s.log.Warn("real servers are not heard any more", "interface", s.ifname, "error", err)
	}
}

// close ends what open began.
func (s *segment) close() {
	s.mu.Lock()
	stop := s.stop
	s.arp, s.ndp, s.families, s.stop = nil, nil, nil, nil
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// follow says which VIPs to listen for and which real servers to resolve.
func (s *segment) follow(vips map[netip.Addr]bool, targets []netip.Addr) {
	s.mu.Lock()
	s.vips, s.targets = vips, targets
	families := s.families
	s.mu.Unlock()
	for _, f := range families {
		f.resolver.SetTargets(f.among(targets))
	}
}

func (s *segment) observe(resolver *netif.Resolver, o netif.Observation) {
	resolver.Observe(o)
	if !s.isVIP(o.SenderIP) {
		return
	}
	if vip, _, claims := netif.ClaimedBy(o, []netip.Addr{o.SenderIP}); claims {
		s.claimed(vip, o)
	}
}

func (s *segment) isVIP(addr netip.Addr) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.vips[addr]
}

// confirm has a few real servers show that they are there.
func (s *segment) confirm() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, f := range s.families {
		f.resolver.Confirm()
	}
}

// probe asks the LAN who else has a VIP.
func (s *segment) probe(vip netip.Addr) error {
	return s.send(func(arp *netif.ARP, ndp *netif.NDP) error {
		if vip.Is6() {
			return ndp.Probe(vip)
		}
		return arp.Probe(vip)
	})
}

func (s *segment) send(do func(*netif.ARP, *netif.NDP) error) error {
	s.mu.RLock()
	arp, ndp := s.arp, s.ndp
	s.mu.RUnlock()
	if arp == nil {
		return fmt.Errorf("%s: %w", s.ifname, errAway)
	}
	return do(arp, ndp)
}

// segments are those of all interfaces, by name.
type segments struct {
	mu     sync.RWMutex
	byName map[string]*segment
}

func newSegments() *segments { return &segments{byName: make(map[string]*segment)} }

func (s *segments) get(ifname string) *segment {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byName[ifname]
}

func (s *segments) add(one *segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byName[one.ifname] = one
}

// keep closes and removes those that are not wanted.
func (s *segments) keep(wanted map[string]*outlet) {
	for name, one := range s.all() {
		if wanted[name] == nil {
			s.mu.Lock()
			delete(s.byName, name)
			s.mu.Unlock()
			one.close()
		}
	}
}

func (s *segments) all() map[string]*segment {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.byName)
}
