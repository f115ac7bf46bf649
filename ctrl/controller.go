package ctrl

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
	"drover/dataplane"
)

// Options say what a Controller works with.
type Options struct {
	Data *dataplane.DataPlane
	Mode dataplane.Mode // of XDP, for every interface
	Log  *slog.Logger
}

// Controller keeps the data plane true to a configuration and to what becomes known. Make one with New, then Run it.
type Controller struct {
	data *dataplane.DataPlane
	mode dataplane.Mode
	log  *slog.Logger
	mail *mailbox
	done chan struct{} // closed when Run has ended
	// running ends with Run, and with it everything that Run starts.
	running context.Context
	halt    context.CancelFunc
	// counting is held for reading while Status reads the maps, which must not be closed meanwhile.
	counting sync.RWMutex

	// The rest belongs to Run.
	known    known
	ids      *identities
	stale    bool // what is known has changed since the tables were written
	routers  map[routerKey]*router
	segments *segments
	// parting are routers that a reload has stopped and that are not done yet, each closed when it is; dismissed waits for
	// all of them.
	parting   map[routerKey]chan struct{}
	dismissed sync.WaitGroup
	checkers  *checkers
	attached  map[string]attachState
}

// repairInterval is how often what failed is tried again.
const repairInterval = 5 * time.Second

// New makes a controller of an open data plane.
func New(opts Options) *Controller {
	c := &Controller{
		data: opts.Data, mode: opts.Mode, log: opts.Log, mail: newMailbox(), done: make(chan struct{}), known: newKnown(),
		routers: make(map[routerKey]*router), parting: make(map[routerKey]chan struct{}),
		segments: newSegments(), attached: make(map[string]attachState),
	}
	c.running, c.halt = context.WithCancel(context.Background())
	c.checkers = &checkers{log: opts.Log, running: make(map[realKey]runningCheck), report: c.onVerdict}
	return c
}

// Run serves a configuration until ctx ends. Then every MASTER says goodbye and hands over, and nothing is left behind:
// no VIP, no program, no pin. An error that keeps it from starting leaves nothing behind either, unless an earlier
// process's tables were taken over: those stay.
func (c *Controller) Run(ctx context.Context, cfg *config.Config) error {
	defer close(c.done)
	defer c.halt()
	if err := c.begin(cfg); err != nil {
		return errors.Join(err, c.abandon())
	}
	failed := make(chan error, 2)
	go func() {
		failed <- netif.WatchLinks(c.running, func(e netif.LinkEvent) { c.post(func() { c.onLink(e) }) })
	}()
	go func() {
		failed <- netif.WatchAddresses(c.running, func(e netif.AddressEvent) { c.post(func() { c.onAddress(e) }) })
	}()

	repair := time.NewTicker(repairInterval)
	defer repair.Stop()
	probe := time.NewTicker(claimProbeInterval)
	defer probe.Stop()
	for {
		select {
		case <-ctx.Done():
			return c.end()
		case err := <-failed:
			return errors.Join(err, c.end())
		case <-c.mail.ready:
			for _, do := range c.mail.take() {
				do()
			}
		case <-repair.C:
			c.repair()
		case <-probe.C:
			c.known.claims.forget(time.Now())
			c.probeClaims()
		}
		if c.stale {
			c.replan()
		}
	}
}

func (c *Controller) post(do func()) { c.mail.put(do) }

// replan makes the tables follow what is known. What fails is tried again by repair.
func (c *Controller) replan() {
	if err := c.writeTables(); err != nil {
		c.log.Error("the tables do not follow; trying again soon", "error", err)
	}
}

func (c *Controller) writeTables() error {
	c.stale = true
	gates, reals := c.known.wanted()
	if err := c.ids.assign(time.Now(), gates, reals); err != nil {
		return err
	}
	if err := c.data.Apply(plan(&c.known, c.ids)); err != nil {
		return err
	}
	c.stale = false
	return nil
}

// repair tries again what has failed: attaching, ARP sockets. (Stale tables are written after every event.)
func (c *Controller) repair() {
	if err := errors.Join(c.openSegments(), c.attachAll()); err != nil {
		c.log.Error("not all works yet; trying again soon", "error", err)
	}
}

func (c *Controller) onVerdict(key realKey, v health.Verdict) {
	c.post(func() {
		c.known.checks[key] = check{v.Up, v.Reason}
		c.stale = true
		state := "up"
		if !v.Up {
			state = "down"
		}
		c.log.Info("real server is "+state, "real_server", key.address, "virtual_server", key.service, "reason", v.Reason)
	})
}

func (c *Controller) onNeighbor(ifname string, n netif.Neighbor) {
	c.post(func() {
		c.known.hear(ifname, n)
		c.stale = true
		c.log.Info("real server's MAC address", "real_server", n.Address, "interface", ifname, "mac", n.MAC.String(),
			"answers", n.Resolved, "reason", n.Reason)
		c.probeClaims() // it may have come back with the VIP where it must not be
	})
}

func (c *Controller) onLink(e netif.LinkEvent) {
	old := c.known.links[e.Link.Name]
	if e.Removed {
		delete(c.known.links, e.Link.Name)
	} else {
		c.known.links[e.Link.Name] = e.Link
	}
	if s := c.segments.get(e.Link.Name); s != nil && (e.Removed || old.Index != e.Link.Index) {
		s.close()
	}
	if old.Index != e.Link.Index || old.MAC.String() != e.Link.MAC.String() {
		c.repair()
	}
	c.stale = c.stale || old.Index != e.Link.Index
	for _, r := range c.routers {
		r.link(e)
	}
}

func (c *Controller) onAddress(e netif.AddressEvent) {
	for _, r := range c.routers {
		r.address(e)
	}
}

func (c *Controller) onClaim(vip netip.Addr, by netif.Observation) {
	c.post(func() {
		heard := claim{vip, by.SenderMAC.String()}
		if !c.holdsVIP(vip) || !c.known.claims.hear(time.Now(), heard) {
			return
		}
		for key, n := range c.known.neighbors {
			if n.MAC.String() == heard.mac {
				c.log.Warn("a real server "+c.known.claims.remedyFor(n), "real_server", key.address, "mac", heard.mac)
				return
			}
		}
		if by.Op == netif.OperationReply {
			c.log.Warn("another host answers ARP for a VIP that this node holds", "vip", vip, "mac", heard.mac)
		}
	})
}

// probeClaims asks who else has the VIPs that this node holds.
func (c *Controller) probeClaims() {
	for _, i := range c.known.config.Instances {
		for _, a := range virtualAddresses(i) {
			s := c.segments.get(a.Interface)
			if s == nil || !a.Prefix.Addr().Is4() || !c.holdsVIP(a.Prefix.Addr()) {
				continue
			}
			if err := s.probe(a.Prefix.Addr()); err != nil {
				c.log.Debug("a VIP could not be probed", "vip", a.Prefix.Addr(), "error", err)
			}
		}
	}
}

// holdsVIP tells whether this node is MASTER for an address.
func (c *Controller) holdsVIP(vip netip.Addr) bool {
	key, held := holder(c.known.config, vip)
	r := c.routers[key]
	return held && r != nil && r.status().state == vrrp.Master
}
