package ctrl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"

	"drover/ctrl/health"
	"drover/ctrl/netif"
	"drover/dataplane"
)

// probeWays keeps the ways of checks through VIPs true to what is known: there is one on each interface that real servers
// are behind which are to be asked so. Where there is none a check goes to the real server's own address. Its methods
// belong to the controller's goroutine, but for those of the networks that it gives to checks.
type probeWays struct {
	data  *dataplane.DataPlane
	space atomic.Pointer[netif.ProbeSpace] // nil while there is none
	err   error                            // why not
}

// follow makes exactly the given interfaces have ways. What fails is to be tried again.
func (w *probeWays) follow(lans []netif.ProbeLAN) error {
	if len(lans) == 0 {
		return w.close()
	}
	if w.err = w.open(); w.err != nil {
		return w.err
	}
	program, err := w.data.ProbeProgram()
	if err != nil {
		return err
	}
	return w.space.Load().Follow(netif.ProbeProgram(program), lans)
}

// open makes the space if there is none that will do, and has answers come to it.
func (w *probeWays) open() error {
	if space := w.space.Load(); space != nil {
		stale, err := space.Stale()
		if err == nil && !stale {
			return nil
		}
		if err := errors.Join(err, w.close()); err != nil {
			return err
		}
	}
	space, err := netif.OpenProbeSpace()
	if err != nil {
		return err
	}
	err = w.data.SetProbeAnswers(dataplane.ProbeAnswers{
		MAC: dataplane.MAC(space.MAC()), FirstPort: space.Ports().First, LastPort: space.Ports().Last,
	})
	if err != nil {
		return errors.Join(err, space.Close())
	}
	w.space.Store(space)
	return nil
}

// close gives up all ways.
func (w *probeWays) close() error {
	w.err = nil
	space := w.space.Swap(nil)
	if space == nil {
		return nil
	}
	return errors.Join(w.data.SetProbeAnswers(dataplane.ProbeAnswers{}), space.Close())
}

// problem is why an interface has no way; empty if it has one, or needs none.
func (w *probeWays) problem(ifname string) string {
	err := w.err
	if space := w.space.Load(); space != nil {
		err = space.Problem(ifname)
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// vipNetwork is the network of checks of one real server that go to a VIP.
type vipNetwork struct {
	ways   *probeWays
	ifname string // that the real server is behind
	server netip.Addr
	own    health.Network // to the real server's own address, while there is no way through the VIP; nil for none
}

// alone is the network without the real server's own address.
func (n vipNetwork) alone() vipNetwork {
	n.own = nil
	return n
}

// ready says why there is no way through a VIP; nil if there is one.
func (n vipNetwork) ready(vip netip.Addr) error {
	space := n.ways.space.Load()
	if space == nil {
		return netif.ErrNoProbePath
	}
	return space.Path(n.ifname, n.server).Ready(vip)
}

// DialContext connects to the port of a VIP at the real server.
func (n vipNetwork) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	if space := n.ways.space.Load(); space != nil {
		conn, err := space.Path(n.ifname, n.server).DialContext(ctx, network, address)
		if !errors.Is(err, netif.ErrNoProbePath) {
			return conn, err
		}
	}
	if n.own == nil { // there was a way when the check began
		return nil, fmt.Errorf("%w: %w", health.ErrNotAsked, netif.ErrNoProbePath)
	}
	return n.own.DialContext(ctx, network, netip.AddrPortFrom(n.server, to.Port()).String())
}

// wayThrough is the network of checks that go to a real server through a VIP.
func (c *Controller) wayThrough(v via) vipNetwork {
	return vipNetwork{ways: &c.ways, ifname: v.ifname, server: v.server, own: netif.HostDialer{}}
}

// followProbes makes the ways follow what is known, and tells when checks cannot go through the VIPs.
func (c *Controller) followProbes() {
	lans, err := c.probeLANs()
	if err == nil {
		err = c.ways.follow(lans)
	}
	c.tell.about("health checks cannot go through VIPs, and go to the real servers' own addresses", err)
}

// probeLANs are the interfaces that real servers are behind which are asked through VIPs.
func (c *Controller) probeLANs() ([]netif.ProbeLAN, error) {
	servers := c.known.roster.askedThroughVIPs()
	vips := c.vips()
	var lans []netif.ProbeLAN
	for name, marks := range servers {
		if !c.hasProgram(name) { // which is told already; answers would not come back
			continue
		}
		held, err := netif.Addresses(name)
		if errors.Is(err, netif.ErrNoInterface) {
			continue
		}
		if err != nil {
			return nil, err
		}
		sources := slices.DeleteFunc(held, func(p netip.Prefix) bool { return vips[p.Addr()] || p.Addr().IsLinkLocalUnicast() })
		lans = append(lans, netif.ProbeLAN{Interface: name, Sources: sources, Servers: marks})
	}
	return lans, nil
}

// hasProgram tells whether packets that come in by an interface meet the XDP program.
func (c *Controller) hasProgram(ifname string) bool {
	o := c.known.outlets[ifname]
	if o == nil || o.err != nil || c.refused[ifname] != nil {
		return false
	}
	a, tried := c.attached[o.device()]
	return tried && a.err == nil
}

// askedThroughVIPs are the real servers that checks reach through VIPs: by the interface that they are behind and their
// addresses, an id of each.
func (r *roster) askedThroughVIPs() map[string]map[netip.Addr]uint32 {
	all := make(map[string]map[netip.Addr]uint32)
	if !r.numbered {
		return all
	}
	for _, p := range r.pools {
		for i := range p.members {
			m := &p.members[i]
			if m.place.local || !m.isAskedThroughVIP() {
				continue
			}
			if all[m.place.ifname] == nil {
				all[m.place.ifname] = make(map[netip.Addr]uint32)
			}
			all[m.place.ifname][m.config.Address] = uint32(p.id(0, i))
		}
	}
	return all
}

// isAskedThroughVIP tells whether one of the checks of a real server goes through the VIP. One that goes both ways does when
// it is known where that is: before, nothing could be told of it.
func (m *member) isAskedThroughVIP() bool {
	return slices.ContainsFunc(m.checks, func(c *check) bool {
		return c.spec.via != via{} && (!c.spec.bothWays() || m.neighbor != nil && m.neighbor.mac != dataplane.MAC{})
	})
}
