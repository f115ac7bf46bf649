package ctrl

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// errStopping says that it is too late for a request.
var errStopping = errors.New("the daemon is stopping")

// Reload goes on with another configuration, by the difference. After an error the old one is still in force.
func (c *Controller) Reload(ctx context.Context, cfg *config.Config) error {
	return c.ask(ctx, func() error { return c.follow(cfg) })
}

// ask has the controller's goroutine do something and waits for it.
func (c *Controller) ask(ctx context.Context, do func() error) error {
	result := make(chan error, 1)
	c.post(func() { result <- do() })
	select {
	case err := <-result:
		return err
	case <-c.done:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}

// prepare finds whatever can be wrong with a configuration, before anything is changed, and the places of its virtual
// servers.
func (c *Controller) prepare(cfg *config.Config) ([]whereabouts, error) {
	if err := fits(cfg); err != nil {
		return nil, err
	}
	around, err := c.lookAround()
	if err != nil {
		return nil, err
	}
	places, err := placesOf(cfg, around)
	if err != nil {
		return nil, err
	}
	return places, errors.Join(c.probing.validChecks(cfg), validInstances(cfg), validVMACs(cfg))
}

// lookAround says what placing must know of this host.
func (c *Controller) lookAround() (surroundings, error) {
	around := surroundings{links: c.known.links, addresses: make(map[string][]netip.Prefix), route: netif.InterfaceFor}
	held, err := netif.AllAddresses()
	if err != nil {
		return surroundings{}, err
	}
	for name, link := range c.known.links {
		around.addresses[name] = held[link.Index]
	}
	return around, nil
}

// follow makes everything follow a configuration.
func (c *Controller) follow(cfg *config.Config) error {
	places, err := c.prepare(cfg)
	if err != nil {
		return err
	}
	c.dismissRouters(cfg)
	c.news = append(c.news, c.known.settle(cfg, places)...)
	c.publish() // to the scripts that are configured for what goes
	if err := c.enact(); err != nil {
		c.log.Error("not all of the new configuration works yet; trying again soon", "error", err)
	}
	c.startUp()
	return nil
}

// enact makes the tables and interfaces follow what is known.
func (c *Controller) enact() error {
	c.followSegments()
	err := errors.Join(c.setTimeouts(), c.resize(), c.writeTables())
	c.occupy()
	return err
}

// occupy takes up the interfaces. What one of them refuses, as a program beside somebody else's, is a fault of the instances
// whose packets come in there, and no error: repair tries again.
func (c *Controller) occupy() {
	c.tell.about("not all interfaces can be served", errors.Join(c.openSegments(), c.attachAll()))
	c.followProbes()
}

// startUp makes what runs beside the controller follow the configuration.
func (c *Controller) startUp() {
	c.followChecks()
	c.tell.about("not all static addresses, routes and rules are there", c.statics.follow(staticsOf(c.known.config)))
	if err := c.followScripts(c.known.config); err != nil {
		c.log.Error("not all scripts and FIFOs work", "error", err)
	}
	c.publish()
	c.followRouters()
	c.unfit()
}

// followChecks makes the checks run that are wanted now.
func (c *Controller) followChecks() {
	if err := c.checkers.follow(c.running, c.known.roster.wanted(c.isActive), c.known.checks); err != nil {
		c.log.Error("not all checks run", "error", err) // validChecks has tried them all: not to be met
	}
}

// targets are the real servers to resolve on each interface.
func (c *Controller) targets() map[string][]netip.Addr {
	targets := make(map[string][]netip.Addr)
	for key := range c.known.neighbors {
		targets[key.ifname] = append(targets[key.ifname], key.address)
	}
	return targets
}

// vips are all addresses that this node may hold for its services. Nothing may be asked in their name.
func (c *Controller) vips() map[netip.Addr]bool {
	vips := make(map[netip.Addr]bool)
	for vip := range c.known.roster.holders {
		vips[vip] = true
	}
	for _, p := range c.known.roster.pools {
		for _, service := range p.services {
			vips[service.Address.Addr()] = true
		}
	}
	return vips
}

func (c *Controller) followSegments() {
	c.segments.keep(c.known.outlets)
	targets, vips := c.targets(), c.vips()
	for name := range c.known.outlets {
		if c.segments.get(name) == nil {
			c.segments.add(&segment{
				ifname: name, log: c.log, claimed: c.onClaim,
				heard:  func(n netif.Neighbor) { c.onNeighbor(name, n) },
				recall: func() map[netip.Addr]net.HardwareAddr { return c.known.macsOn(name) },
			})
		}
		c.segments.get(name).follow(vips, targets[name])
	}
}

// openSegments opens the segments of the interfaces that are there.
func (c *Controller) openSegments() error {
	var errs []error
	for name, s := range c.segments.all() {
		if _, there := c.known.links[name]; there {
			errs = append(errs, s.open(c.running))
		}
	}
	return errors.Join(errs...)
}
