package ctrl

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/dataplane"
)

// claim is another host's answer to "who has this VIP?" while this node holds it.
type claim struct {
	vip netip.Addr
	mac string // net.HardwareAddr.String
}

// claims are those that were heard lately, and when.
type claims map[claim]time.Time

const (
	// claimProbeInterval is how often a master asks who else has its VIPs.
	claimProbeInterval = 30 * time.Second
	// handoverTime is how long a new master neither asks nor listens: the one that gives way to it may still answer, and
	// means no harm.
	handoverTime = time.Second
	// claimLifetime is how long a claim counts that is not heard again.
	claimLifetime = 3 * claimProbeInterval
)

// hear notes a claim and tells whether it is news.
func (c claims) hear(now time.Time, heard claim) bool {
	_, there := c[heard]
	c[heard] = now
	return !there
}

// forget drops the claims that were not heard again.
func (c claims) forget(now time.Time) {
	for claim, heard := range c {
		if now.Sub(heard) > claimLifetime {
			delete(c, claim)
		}
	}
}

// by are the VIPs that a MAC address claims, in order.
func (c claims) by(mac dataplane.MAC) []netip.Addr {
	var vips []netip.Addr
	for claim := range c {
		if claim.mac == mac.String() {
			vips = append(vips, claim.vip)
		}
	}
	slices.SortFunc(vips, netip.Addr.Compare)
	return vips
}

// on are the claims of an instance's addresses, in order.
func (c claims) on(i config.Instance) []api.Claim {
	list := []api.Claim{}
	for _, a := range virtualAddresses(i) {
		for claim := range c {
			if claim.vip == a.Prefix.Addr() {
				list = append(list, api.Claim{Address: claim.vip.String(), MAC: claim.mac})
			}
		}
	}
	slices.SortFunc(list, func(a, b api.Claim) int {
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.MAC, b.MAC))
	})
	return list
}

// remedyFor says what is wrong with a real server at a MAC that answers for a VIP, and what to do; empty if it does not.
func (c claims) remedyFor(mac dataplane.MAC) string {
	vips := c.by(mac)
	if len(vips) == 0 {
		return ""
	}
	if vips[0].Is6() {
		return fmt.Sprintf("answers neighbor discovery for the VIP %[1]s, so clients may reach it past the balancer: on it, hold "+
			"%[1]s/128 on lo and nowhere else", vips[0])
	}
	return fmt.Sprintf("answers ARP for the VIP %[1]s, so clients may reach it past the balancer: on it, hold %[1]s/32 on lo "+
		"and set net.ipv4.conf.all.arp_ignore=1 and net.ipv4.conf.all.arp_announce=2", vips[0])
}
