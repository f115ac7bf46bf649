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

// segment is the LAN behind one interface, as far as ARP goes: it announces VIPs, resolves real servers and hears who
// claims a VIP. It is opened and closed as the interface comes and goes; announce and probe may be called from any
// goroutine at any time.
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
	vips     []netip.Addr
	targets  []netip.Addr
	arp      *netif.ARP // nil while closed
	resolver *netif.Resolver
	stop     func()
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
	resolver, err := netif.NewResolver(arp, netif.ResolverOptions{
		Targets: s.targets, Known: s.recall(), Exclude: s.isVIP, Notify: s.heard,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("resolve real servers on %s: %w", s.ifname, err), arp.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { resolver.Run(ctx) })
	running.Go(func() {
		err := arp.Run(ctx, func(o netif.Observation) { s.observe(resolver, o) })
		if err != nil && !errors.Is(err, context.Canceled) {
			s.log.Warn("ARP is not heard any more", "interface", s.ifname, "error", err)
		}
	})
	s.arp, s.resolver = arp, resolver
	s.stop = func() {
		cancel()
		if err := arp.Close(); err != nil {
			s.log.Warn("closing the ARP socket failed", "interface", s.ifname, "error", err)
		}
		running.Wait()
		resolver.Close()
	}
	return nil
}

// close ends what open began.
func (s *segment) close() {
	s.mu.Lock()
	stop := s.stop
	s.arp, s.resolver, s.stop = nil, nil, nil
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// follow says which VIPs to listen for and which real servers to resolve.
func (s *segment) follow(vips, targets []netip.Addr) {
	s.mu.Lock()
	s.vips, s.targets = vips, targets
	resolver := s.resolver
	s.mu.Unlock()
	if resolver != nil {
		resolver.SetTargets(targets)
	}
}

func (s *segment) observe(resolver *netif.Resolver, o netif.Observation) {
	resolver.Observe(o)
	s.mu.RLock()
	vips := s.vips
	s.mu.RUnlock()
	if vip, _, claims := netif.ClaimedBy(o, vips); claims {
		s.claimed(vip, o)
	}
}

func (s *segment) isVIP(addr netip.Addr) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Contains(s.vips, addr)
}

// announce tells the LAN that a VIP is here.
func (s *segment) announce(vip netip.Addr) error {
	return s.send(func(arp *netif.ARP) error { return arp.Announce(vip) })
}

// probe asks the LAN who else has a VIP.
func (s *segment) probe(vip netip.Addr) error {
	return s.send(func(arp *netif.ARP) error { return arp.Probe(vip) })
}

func (s *segment) send(do func(*netif.ARP) error) error {
	s.mu.RLock()
	arp := s.arp
	s.mu.RUnlock()
	if arp == nil {
		return fmt.Errorf("%s: %w", s.ifname, errAway)
	}
	return do(arp)
}

// segments are those of all interfaces, by name. The controller adds and removes; routers announce at any time.
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
func (s *segments) keep(wanted map[string]bool) {
	for name, one := range s.all() {
		if !wanted[name] {
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

// announce tells the LAN of an interface that a VIP is there.
func (s *segments) announce(ifname string, vip netip.Addr) error {
	one := s.get(ifname)
	if one == nil {
		return fmt.Errorf("%s: %w", ifname, errAway)
	}
	return one.announce(vip)
}
