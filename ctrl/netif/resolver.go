package netif

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
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

// Discovery asks a LAN for the MAC of an address: ARP for IPv4, NDP for IPv6.
type Discovery interface {
	// Run hands what other hosts send to handle, until ctx is done (nil) or Close is called. Call it once.
	Run(ctx context.Context, handle func(Observation)) error
	Close() error

	interfaceName() string
	family() int // AF_INET or AF_INET6
	senderFor(target netip.Addr, held []netip.Prefix, exclude func(netip.Addr) bool) (netip.Addr, error)
	// requestFrom asks one host at its MAC, or all of them with nil.
	requestFrom(sender, target netip.Addr, to net.HardwareAddr) error
}

// Resolver keeps the MACs of real servers of one family on one interface, by its own ARP requests or neighbor
// solicitations; the package's doc comment says why not by the kernel's neighbor table.
//
// A new target is asked for at once, then after 250 ms, 500 ms and every second until it answers. A known MAC is asked
// for again every 10 to 15 s, at the MAC first, then by broadcast. Three unanswered requests, a second apart, make a
// real server lost; it is asked for each second until it is back. What the target sends of itself is believed at once.
type Resolver struct {
	lan     Discovery
	options ResolverOptions
	handle  *netlink.Handle
	wake    chan struct{}

	mu      sync.Mutex
	tracker tracker
}

// NewResolver returns a resolver that asks through lan. Hand it what lan hears (Observe), and call Run. Use another one
// when the interface is removed and created again.
func NewResolver(lan Discovery, options ResolverOptions) (*Resolver, error) {
	// Opened here and kept, so that Run may be called from any thread.
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open resolver on %s: %w", lan.interfaceName(), err)
	}
	r := &Resolver{
		lan:     lan,
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

// Confirm has a few of the real servers that are well answer, each time others, so that something comes in if anything of the
// LAN can still be heard. Nothing is learned of them by that, whether they answer or not: it is not a request of their turn. It
// never waits for Run or Notify.
func (r *Resolver) Confirm() {
	r.mu.Lock()
	r.tracker.confirm()
	r.mu.Unlock()
	r.wakeUp()
}

// Observe learns from what another host sent. It never waits for Run or Notify.
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
		sender, err := r.lan.senderFor(request.target, held, r.options.Exclude)
		if err == nil {
			err = r.lan.requestFrom(sender, request.target, request.to)
		}
		outcomes[i] = err
	}
	return outcomes
}

// addresses reads the interface's addresses anew for each round of requests: they come and go with DHCP and VRRP. One
// that another host may have too is not for asking (RFC 4862, 5.4).
func (r *Resolver) addresses() ([]netip.Prefix, error) {
	ifname := r.lan.interfaceName()
	link, err := r.handle.LinkByName(ifname)
	if err != nil {
		return nil, linkError(ifname, err)
	}
	addrs, err := dump(func() ([]netlink.Addr, error) { return r.handle.AddrList(link, r.lan.family()) })
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", ifname, err)
	}
	const unsure = unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED
	return prefixes(slices.DeleteFunc(addrs, func(a netlink.Addr) bool { return a.Flags&unsure != 0 })), nil
}

// Close releases the resolver's socket; call it after Run has returned. What it asks through stays open.
func (r *Resolver) Close() { r.handle.Close() }
