package netif

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ResolverOptions are the options of NewResolver.
type ResolverOptions struct {
	// Targets are the real servers to begin with, as in SetTargets.
	Targets []netip.Addr
	// Known are MACs of targets from before, such as an earlier process learned: they are believed until the target
	// answers from another, or does not answer.
	Known map[netip.Addr]net.HardwareAddr
	// Exclude rejects addresses of the interface as sender of requests. It must reject the VIPs: a request in the name
	// of a VIP would make every hearer believe that the VIP is here. Nil rejects none. Called by Run.
	Exclude func(netip.Addr) bool
	// Notify, which is required, is called by Run, for one Neighbor at a time, first for each new target and then for each change.
	Notify func(Neighbor)
}

// Resolver keeps the MACs of real servers on one interface, by its own ARP requests; the kernel's neighbor table plays
// no part, since no packet of the kernel has to go to a real server for it to get traffic.
//
// A new target is asked for at once, then after 250 ms, 500 ms and every second until it answers. A known MAC is asked
// for again every 10 to 15 s, at the MAC first, then by broadcast. Three unanswered requests, a second apart, make a
// real server lost; it is asked for each second until it is back. What the target sends of itself is believed at once.
type Resolver struct {
	arp     *ARP
	options ResolverOptions
	handle  *netlink.Handle
	wake    chan struct{}

	mu      sync.Mutex
	tracker tracker
}

// NewResolver returns a resolver that asks through arp. Hand it what arp hears (Observe), and call Run. Use another one
// when the interface is removed and created again.
func NewResolver(arp *ARP, options ResolverOptions) (*Resolver, error) {
	// Opened here and kept, so that Run may be called from any thread.
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open resolver on %s: %w", arp.ifname, err)
	}
	r := &Resolver{
		arp:     arp,
		options: options,
		handle:  handle,
		wake:    make(chan struct{}, 1),
		tracker: tracker{refresh: refreshInterval},
	}
	r.SetTargets(options.Targets)
	r.tracker.recall(options.Known)
	return r, nil
}

// SetTargets replaces the real servers to follow. What is known of those that stay is kept; nothing is reported of
// those that go.
func (r *Resolver) SetTargets(targets []netip.Addr) {
	r.mu.Lock()
	r.tracker.setTargets(time.Now(), targets)
	r.mu.Unlock()
	r.wakeUp()
}

// Observe learns from an ARP packet. It never waits for Run or Notify.
func (r *Resolver) Observe(observation Observation) {
	r.mu.Lock()
	news := r.tracker.observe(time.Now(), observation)
	r.mu.Unlock()
	if news {
		r.wakeUp()
	}
}

func (r *Resolver) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default: // it is awake already
	}
}

// Run sends requests and calls Notify until ctx is done. A request that cannot be sent does not end it: the error
// becomes the Reason of the neighbor.
func (r *Resolver) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-timer.C:
		}
		changed, deadline := r.step()
		for _, neighbor := range changed {
			r.options.Notify(neighbor)
		}
		if deadline.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(deadline))
		}
	}
}

// step sends what is due. The lock is not held meanwhile: sending may take as long as the kernel likes.
func (r *Resolver) step() (changed []Neighbor, deadline time.Time) {
	r.mu.Lock()
	due := r.tracker.tick(time.Now())
	r.mu.Unlock()

	outcomes := r.send(due)

	r.mu.Lock()
	defer r.mu.Unlock()
	for i, request := range due {
		r.tracker.sent(request.target, outcomes[i])
	}
	return r.tracker.changes(), r.tracker.deadline()
}

func (r *Resolver) send(due []request) []error {
	outcomes := make([]error, len(due))
	if len(due) == 0 {
		return outcomes
	}
	held, err := r.addresses()
	for i, request := range due {
		if err != nil {
			outcomes[i] = err
			continue
		}
		sender, err := senderFor(request.target, r.arp.ifname, held, r.options.Exclude)
		if err == nil && request.to != nil {
			err = r.arp.requestFrom(sender, request.target, request.to)
		} else if err == nil {
			err = r.arp.Request(sender, request.target)
		}
		outcomes[i] = err
	}
	return outcomes
}

// addresses reads the interface's IPv4 addresses anew for each round of requests: they come and go with DHCP and VRRP.
func (r *Resolver) addresses() ([]netip.Prefix, error) {
	link, err := r.handle.LinkByName(r.arp.ifname)
	if err != nil {
		return nil, linkError(r.arp.ifname, err)
	}
	addrs, err := dump(func() ([]netlink.Addr, error) { return r.handle.AddrList(link, netlink.FAMILY_V4) })
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", r.arp.ifname, err)
	}
	return prefixes(addrs), nil
}

// Close releases the resolver's socket; call it after Run has returned. The ARP stays open.
func (r *Resolver) Close() { r.handle.Close() }

// senderFor chooses the sender of a request: the interface's first address on the target's network that is not
// excluded. Its errors are made to be read as the reason why a real server gets no traffic.
func senderFor(target netip.Addr, ifname string, held []netip.Prefix, exclude func(netip.Addr) bool) (netip.Addr, error) {
	if !target.Is4() {
		return netip.Addr{}, fmt.Errorf("%s is not IPv4: ARP cannot find its MAC", target)
	}
	var first netip.Prefix
	for _, prefix := range held {
		own := prefix.Addr()
		switch {
		case own == target:
			return netip.Addr{}, fmt.Errorf("%s is an address of this host's own %s", target, ifname)
		case exclude != nil && exclude(own):
		case prefix.Contains(target):
			return own, nil
		case !first.IsValid():
			first = prefix
		}
	}
	if !first.IsValid() {
		return netip.Addr{}, fmt.Errorf("%s: %w to ask for %s from", ifname, ErrNoIPv4, target)
	}
	return netip.Addr{}, fmt.Errorf("%s is not on the network of %s (%s): direct return needs the real server on the same layer 2",
		target, ifname, first)
}
