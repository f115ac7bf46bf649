package ctrl

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// footing is where a router can speak from.
type footing struct {
	conn    *netif.VRRPConn // nil while the interface is away
	source  netip.Addr
	vmac    int    // the index of the virtual MAC's device by which adverts leave; 0 for the interface itself
	problem string // why it cannot speak; empty if it can
}

// ground is what a router has on this host: a source address, a virtual MAC, and while it is MASTER addresses, routes and
// rules (holding.go). It belongs to the errands.
type ground struct {
	log     *slog.Logger
	errands *errands
	// listen has the adverts heard that come to a socket, until what it returns is called.
	listen func(ifname string, s socket) (end func() error, err error)
	told   func(footing) // whenever it changes; must not wait
	// announce tells the LAN where VIPs are. It must not wait.
	announce func([]announcement)

	instance   config.Instance
	vmac       netif.LinkInfo // zero while there is none
	made       netif.VMAC     // what it was made of
	footing    footing
	holds      map[netip.Addr]holding
	rules      bool // those of a MASTER are there, and the routes
	unrouted   bool // but for some that could not be added
	routing    routing
	doubt      doubt
	complaints complaints
}

func newGround(i config.Instance, e *errands, log *slog.Logger) *ground {
	return &ground{
		log: log, errands: e, instance: i, holds: make(map[netip.Addr]holding), routing: make(routing), complaints: make(complaints),
	}
}

// stand takes up whatever the router needs to speak and is not there, and tells. What fails now is tried again when the
// interface or its addresses change.
func (g *ground) stand() {
	g.errands.grounds[g] = true
	f, err := g.tryStand()
	if err != nil {
		f.problem = err.Error()
		g.complain("stand", "this instance cannot speak", err)
	}
	g.footing = f
	g.told(f)
}

func (g *ground) tryStand() (f footing, err error) {
	i := g.instance
	if err := g.addVMAC(); err != nil {
		return f, err
	}
	w, err := g.errands.openWire(i.Interface, g)
	if err != nil {
		return f, err
	}
	f.conn = w.conn
	if i.VMAC != nil && !i.VMAC.TransmitBase && len(i.Unicast) == 0 {
		f.vmac = g.vmac.Index
	}
	if f.source, err = g.source(); err != nil {
		return f, err
	}
	listens := i.MulticastGroup
	if len(i.Unicast) > 0 {
		listens = f.source
	}
	return f, w.conn.Listen(listens)
}

// source is where adverts are sent from.
func (g *ground) source() (netip.Addr, error) {
	switch {
	case g.instance.SourceAddress.IsValid():
		return g.instance.SourceAddress, nil
	case g.instance.IPv6():
		return netif.LinkLocalAddress(g.instance.Interface, g.isVIP)
	default:
		return netif.PrimaryAddress(g.instance.Interface, g.isVIP)
	}
}

func (g *ground) isVIP(addr netip.Addr) bool {
	_, is := g.virtualAddress(addr)
	return is
}

// addVMAC makes the device of the virtual MAC, or finds the one of an earlier process. One whose interface has given its
// name to another one is made anew there.
func (g *ground) addVMAC() error {
	v := g.instance.VMAC
	if v == nil {
		return nil
	}
	below, err := netif.Link(g.instance.Interface)
	if err != nil {
		return err
	}
	wanted := netif.VMAC{Name: v.Name, Parent: below.Name, MAC: v.Address}
	for _, a := range virtualAddresses(g.instance) {
		if a.OnVMAC {
			wanted.IPv4, wanted.IPv6 = wanted.IPv4 || a.Prefix.Addr().Is4(), wanted.IPv6 || a.Prefix.Addr().Is6()
		}
	}
	if g.vmac.Index != 0 && g.vmac.Parent == below.Index && g.made.IPv4 == wanted.IPv4 && g.made.IPv6 == wanted.IPv6 {
		return nil
	}
	link, err := g.errands.vmacs.Add(wanted)
	if err != nil {
		return err
	}
	g.vmac, g.made = link, wanted
	return nil
}

func (g *ground) removeVMAC() {
	if g.vmac.Index == 0 {
		return
	}
	if err := g.errands.vmacs.Remove([]int{g.vmac.Index}); err != nil {
		g.complain("vmac", "a virtual MAC could not be removed", err)
	}
	g.vmac = netif.LinkInfo{}
}

// follow goes on with another configuration of the instance. Of its addresses those are at stake here that both have: the
// election asks for the others.
func (g *ground) follow(i config.Instance) {
	old := g.instance
	oldVMAC, newVMAC := old.VMAC, i.VMAC
	moved := (oldVMAC == nil) != (newVMAC == nil) ||
		oldVMAC != nil && (oldVMAC.Name != newVMAC.Name || oldVMAC.Address.String() != newVMAC.Address.String())
	if moved {
		g.removeVMAC() // with the addresses on it
	}
	g.instance = i
	g.stand()
	g.moveAddresses()
	g.changeRouting(old)
	if moved {
		g.hold()
	}
}

// close gives up all but the addresses, routes and rules, which the election has had removed. Then done is called.
func (g *ground) close(done func()) {
	delete(g.errands.grounds, g)
	g.errands.leaveWire(g.instance.Interface, g)
	if g.vmac.Index != 0 {
		g.errands.doomed = append(g.errands.doomed, g.vmac.Index)
	}
	g.errands.closed = append(g.errands.closed, done)
}

// link follows a change of any interface.
func (g *ground) link(event netif.LinkEvent) {
	name := event.Link.Name
	if !event.Removed {
		defer g.reroute() // the kernel takes routes away from an interface that goes down
	}
	if v := g.instance.VMAC; v != nil && name == v.Name && event.Removed && event.Link.Index == g.vmac.Index {
		g.vmac = netif.LinkInfo{}
		g.stand()
		g.hold()
		return
	}
	if !event.Removed {
		g.moveTo(event.Link)
	}
	if name != g.instance.Interface {
		return
	}
	if w := g.errands.wires[name]; event.Removed || w == nil || w.conn != g.footing.conn || g.footing.problem != "" {
		g.stand()
	}
}

// address follows a change of any interface's addresses; vip tells whether it is a VIP of any instance.
func (g *ground) address(event netif.AddressEvent, vip bool) {
	if event.Removed {
		g.restore(event)
	} else if !vip {
		g.reroute() // with the last address of a network the routes to its gateways went, too
	}
	if event.Interface != g.instance.Interface {
		return
	}
	if g.footing.problem != "" || event.Removed && event.Prefix.Addr() == g.footing.source {
		g.stand()
	}
}

// repair tries again what has failed, if no event has brought it about.
func (g *ground) repair() {
	if g.footing.problem != "" {
		g.stand()
	}
	for addr, h := range g.holds {
		if h.index == 0 && g.addOne(h.VirtualAddress) {
			g.announceAll([]netip.Addr{addr}, g.instance.GARP.MasterRepeat)
		}
	}
	if g.unrouted {
		g.rule(true)
	}
}

// complain logs a failure, unless one of its kind was logged just now.
func (g *ground) complain(kind, text string, err error) {
	if g.complaints.due(time.Now(), kind) && !errors.Is(err, netif.ErrNoInterface) {
		g.log.Error(fmt.Sprintf("%s; further ones within a minute are not logged", text), "error", err)
	}
}
