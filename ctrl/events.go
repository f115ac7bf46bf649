package ctrl

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

func (c *Controller) onVerdict(key checkKey, v health.Verdict) {
	c.post(func() {
		told, there := c.known.checks[key]
		if !there { // a reload has taken it away
			return
		}
		told.verdict = verdict{told: true, up: v.Up, reason: v.Reason, weight: v.Weight}
		c.unfit()
		c.stale = true
		if c.checkers.running[key].spec.via != (via{}) {
			c.seek()
			c.surveys = true
		}
	})
}

func (c *Controller) onNeighbor(ifname string, n netif.Neighbor) {
	c.post(func() {
		if c.known.returns(ifname, n) {
			c.reunite(ifname)
		}
		c.reaches = c.known.hear(ifname, n) || c.reaches
		c.unfit()
		c.stale = true
		c.log.Info("real server's MAC address", "real_server", n.Address, "interface", ifname, "mac", n.MAC.String(),
			"answers", n.Resolved, "reason", n.Reason)
		c.probeClaims() // it may have come back with the VIP where it must not be
		c.surveys = true
	})
}

// reunite tells the instances on an interface that a part of its LAN was away, in which another node may have been MASTER.
func (c *Controller) reunite(ifname string) {
	for _, i := range c.known.config.Instances {
		if r := c.candidates[keyOfInstance(i)]; r != nil && i.Interface == ifname {
			r.reunite()
		}
	}
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
	ours := c.known.isVMAC(e.Link.Name) // of which there may be hundreds, and on which nothing hangs here
	if changed := c.known.findOutlets(); changed || !ours && old.Index != e.Link.Index {
		c.replan() // which gives a new interface its id
		c.repair()
	}
	c.unfit()
	c.relocates = c.relocates || !ours
}

func (c *Controller) onAddress(e netif.AddressEvent) {
	_, isVIP := c.known.roster.holders[e.Prefix.Addr()] // which come and go with the role, and places count with them always
	_, isReal := c.known.roster.local[e.Prefix.Addr()]
	c.relocates = c.relocates || !isVIP || isReal
}

// isVMAC tells whether an interface is the device of a virtual MAC.
func (k *known) isVMAC(ifname string) bool {
	return slices.ContainsFunc(k.config.Instances, func(i config.Instance) bool { return i.VMAC != nil && i.VMAC.Name == ifname })
}

// relocate looks again where the real servers are and packets come in, if what that follows from has changed.
func (c *Controller) relocate() {
	if c.relocates {
		c.relocates = false
		c.tell.about("not every real server is where its network is", c.placeAgain())
	}
}

func (c *Controller) placeAgain() error {
	around, err := c.lookAround()
	if err != nil {
		return err
	}
	places, wrong := placesOf(c.known.config, around)
	if samePlaces(places, c.known.places) {
		return wrong
	}
	c.log.Info("the networks of this host have changed: placing the real servers again")
	c.known.settle(c.known.config, places)
	c.unfit()
	err = c.enact()
	c.followChecks() // some may go another way now
	c.publish()
	return errors.Join(wrong, err)
}

func (c *Controller) onClaim(vip netip.Addr, by netif.Observation) {
	c.post(func() {
		heard := claim{vip, by.SenderMAC.String()}
		if !c.holdsVIP(vip) || c.justTook(vip) || !c.known.claims.hear(time.Now(), heard) {
			return
		}
		for key, n := range c.known.neighbors {
			if n.mac.String() == heard.mac {
				c.log.Warn("a real server "+c.known.claims.remedyFor(n.mac), "real_server", key.address, "mac", heard.mac)
				return
			}
		}
		if by.Op == netif.OperationReply {
			c.log.Warn("another host has a VIP that this node holds: it answers ARP or neighbor discovery for it", "vip", vip, "mac", heard.mac)
		}
	})
}

// probeClaims asks who else has the VIPs that this node holds.
func (c *Controller) probeClaims() {
	for _, i := range c.known.config.Instances {
		for _, a := range virtualAddresses(i) {
			s := c.segments.get(a.Interface)
			if s == nil || !c.holdsVIP(a.Prefix.Addr()) {
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
	key, held := c.known.roster.holders[vip]
	r := c.candidates[key]
	return held && r != nil && r.status().state == vrrp.Master
}

// justTook tells whether this node became MASTER for an address so lately that the one which gives way may still answer
// for it.
func (c *Controller) justTook(vip netip.Addr) bool {
	return time.Since(c.candidates[c.known.roster.holders[vip]].status().since) < handoverTime
}
