package ctrl

import (
	"net/netip"
	"slices"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
)

// begin takes over what an earlier process left and starts everything.
func (c *Controller) begin(cfg *config.Config) error {
	if err := c.beginVRRP(cfg.RealTimePriority); err != nil { // first, for it takes its time, and a lease may be running
		return err
	}
	held, err := c.data.Tables()
	if err != nil {
		return err
	}
	if err := c.openScripts(cfg); err != nil {
		return err
	}
	remembered, err := c.data.Loaded()
	if err != nil {
		return err
	}
	if err := c.readLinks(); err != nil {
		return err
	}
	if err := c.removeOrphanedVMACs(cfg); err != nil {
		return err
	}
	if err := c.removeOrphans(cfg, held); err != nil {
		return err
	}
	c.ids = adopt(time.Now(), held, remembered, c.nameOfIndex, holders(cfg))
	c.sizes = SizesFor(cfg) // as the data plane was opened with
	c.ids.room = c.sizes.Reals
	places, err := c.prepare(cfg)
	if err != nil {
		return err
	}
	c.known.settle(cfg, places)
	c.known.recall(held)
	if err := c.enact(); err != nil {
		return err
	}
	c.startUp()
	return nil
}

func (c *Controller) readLinks() (err error) {
	c.known.links, err = allLinks()
	return err
}

func (c *Controller) nameOfIndex(index int) (string, bool) {
	for name, link := range c.known.links {
		if link.Index == index {
			return name, true
		}
	}
	return "", false
}

// removeOrphanedVMACs removes the virtual MACs that an earlier process died with and that the configuration has no more.
func (c *Controller) removeOrphanedVMACs(cfg *config.Config) error {
	var vmacs netif.VMACs
	made, err := vmacs.List()
	if err != nil {
		return err
	}
	var orphans []int
	for _, link := range made {
		if !slices.ContainsFunc(cfg.Instances, func(i config.Instance) bool { return i.VMAC != nil && i.VMAC.Name == link.Name }) {
			c.log.Warn("removing a virtual MAC that an earlier daemon died with and that is not configured any more", "device", link.Name)
			orphans = append(orphans, link.Index)
			delete(c.known.links, link.Name)
		}
	}
	if len(orphans) == 0 {
		return nil
	}
	return vmacs.Remove(orphans)
}

// removeOrphans removes VIPs that an earlier process died with and that the configuration has no more: no router will.
func (c *Controller) removeOrphans(cfg *config.Config, held dataplane.Tables) error {
	still := holders(cfg)
	for vip, at := range held.VIPs {
		if _, configured := still[vip]; configured || at.Gate == dataplane.AlwaysOpen {
			continue
		}
		gate, err := c.data.Gate(at.Gate)
		if err != nil {
			return err
		}
		if gate.Lease == 0 { // it was not MASTER: should the host have the address, it is not ours
			continue
		}
		if err := c.removeEverywhere(vip); err != nil {
			return err
		}
	}
	return nil
}

func (c *Controller) removeEverywhere(vip netip.Addr) error {
	for name := range c.known.links {
		addresses, err := netif.Addresses(name)
		if err != nil {
			return err
		}
		for _, a := range addresses {
			if a.Addr() != vip {
				continue
			}
			if _, err := netif.RemoveAddress(name, a); err != nil {
				return err
			}
			c.log.Warn("removed a VIP that an earlier daemon died with and that is not configured any more", "vip", a,
				"interface", name)
		}
	}
	return nil
}
