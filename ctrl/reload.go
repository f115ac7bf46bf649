package ctrl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
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

// follow makes everything follow a configuration. Whatever can be wrong with it is found before anything is changed.
func (c *Controller) follow(cfg *config.Config) error {
	places, err := placesOf(cfg)
	if err != nil {
		return err
	}
	checks := checksOf(cfg)
	if err := validChecks(checks); err != nil {
		return err
	}
	first := len(c.routers) == 0 && len(c.segments.all()) == 0
	if !first && c.known.config.Drover.FlowCapacity != cfg.Drover.FlowCapacity {
		c.log.Warn("flow_capacity takes effect when the daemon is started again")
	}
	c.known.config, c.known.places = cfg, places
	c.forget(checks)
	c.followSegments()
	err = errors.Join(c.openSegments(), c.writeTables(), c.attachAll())
	if err != nil && first {
		return err
	}
	if err != nil {
		c.log.Error("not all of the new configuration works yet; trying again soon", "error", err)
	}
	c.followChecks(checks)
	c.followRouters()
	return nil
}

// placesOf finds the interface of each virtual server's real servers: that of the VIP if a VRRP instance holds it, else
// the one on whose network the first real server is.
func placesOf(cfg *config.Config) (map[dataplane.ServiceKey]string, error) {
	places := make(map[dataplane.ServiceKey]string)
	for _, v := range cfg.VirtualServers {
		key := keyOfService(v)
		for _, i := range cfg.Instances {
			for _, a := range virtualAddresses(i) {
				if a.Prefix.Addr() == v.Address {
					places[key] = a.Interface
				}
			}
		}
		if places[key] != "" || len(v.RealServers) == 0 {
			continue
		}
		ifname, err := netif.InterfaceFor(v.RealServers[0].Address)
		if err != nil {
			return nil, fmt.Errorf("%s: virtual server %s: %w", v.Position, key, err)
		}
		places[key] = ifname
	}
	return places, nil
}

// forget drops what is known of real servers that the configuration has no more.
func (c *Controller) forget(checks map[realKey]checkSpec) {
	targets := c.targets()
	maps.DeleteFunc(c.known.neighbors, func(key neighborKey, _ netif.Neighbor) bool {
		return !slices.Contains(targets[key.ifname], key.address)
	})
	maps.DeleteFunc(c.known.checks, func(key realKey, _ check) bool {
		_, checked := checks[key]
		return !checked
	})
}

// targets are the real servers to resolve on each interface.
func (c *Controller) targets() map[string][]netip.Addr {
	targets := make(map[string][]netip.Addr)
	for _, v := range c.known.config.VirtualServers {
		place := c.known.places[keyOfService(v)]
		for _, r := range v.RealServers {
			if !slices.Contains(targets[place], r.Address) {
				targets[place] = append(targets[place], r.Address)
			}
		}
	}
	return targets
}

// vips are all IPv4 addresses that this node may hold.
func (c *Controller) vips() []netip.Addr {
	var vips []netip.Addr
	for _, i := range c.known.config.Instances {
		for _, a := range virtualAddresses(i) {
			if a.Prefix.Addr().Is4() {
				vips = append(vips, a.Prefix.Addr())
			}
		}
	}
	return vips
}

// interfaces are those that Drover works on: of the instances, of their VIPs, and of the real servers.
func (c *Controller) interfaces() map[string]bool {
	names := make(map[string]bool)
	for _, i := range c.known.config.Instances {
		names[i.Interface] = true
		for _, a := range virtualAddresses(i) {
			names[a.Interface] = true
		}
	}
	for _, place := range c.known.places {
		names[place] = true
	}
	return names
}

func (c *Controller) followSegments() {
	wanted := c.interfaces()
	c.segments.keep(wanted)
	targets, vips := c.targets(), c.vips()
	for name := range wanted {
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

func (c *Controller) followChecks(checks map[realKey]checkSpec) {
	if err := c.checkers.follow(c.running, checks, c.known.checks); err != nil {
		c.log.Error("not all checks run", "error", err) // validChecks has tried them all: not to be met
	}
}

func (c *Controller) followRouters() {
	wanted := make(map[routerKey]bool)
	for _, i := range c.known.config.Instances {
		key := keyOfInstance(i)
		wanted[key] = true
		if r := c.routers[key]; r != nil {
			r.reconfigure(i)
			continue
		}
		r := newRouter(i, c.ids.gates[key], c.data, c.log)
		r.announce = c.segments.announce
		r.changed = func() { time.AfterFunc(handoverTime, func() { c.post(c.probeClaims) }) }
		c.routers[key] = r
		r.start(maps.Clone(c.known.links))
		before := c.parting[key]
		go func() {
			if before != nil {
				<-before // it has the same gate
			}
			r.run(c.running)
		}()
	}
	for key, r := range c.routers {
		if !wanted[key] {
			c.dismiss(key, r)
		}
	}
}

// dismiss stops a router that the configuration has no more. Its gate stays until it is done.
func (c *Controller) dismiss(key routerKey, r *router) {
	delete(c.routers, key)
	c.known.leaving[key] = true
	c.parting[key] = r.done
	c.stale = true
	r.stop()
	c.dismissed.Go(func() {
		<-r.done
		c.post(func() {
			if c.parting[key] == r.done {
				delete(c.parting, key)
				delete(c.known.leaving, key)
				c.stale = true
			}
		})
	})
}
