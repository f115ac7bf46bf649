package ctrl

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// place is where a real server is. Without an interface, and not local, it is nowhere: no packets are sent to it.
type place struct {
	ifname string // the interface that it is behind
	local  bool   // it is this host itself, behind no interface
	// doubt is why it is not known to be there: no network of this host has it at the moment, or no route leads there.
	doubt string
}

// whereabouts are the places of one virtual server.
type whereabouts struct {
	// arrivals are the interfaces by which its packets come in, as far as the addresses tell: those of its VIPs.
	arrivals []string
	reals    []place // of its real servers, in their order, and behind them of its sorry server if it is none of them
}

// surroundings are what placing must know of this host.
type surroundings struct {
	links     map[string]netif.LinkInfo
	addresses map[string][]netip.Prefix // with the networks, of each interface
	// route finds the interface of an address that is on none of these networks (netif.InterfaceFor).
	route func(netip.Addr) (ifname string, err error)
}

// placer finds places, each once.
type placer struct {
	surroundings
	vips   map[netip.Addr]string     // the interfaces of the instances' VIPs
	near   map[string][]netip.Prefix // the networks of each interface, those of its VIPs included
	held   map[netip.Addr]string     // the interfaces of this host's addresses
	routes map[netip.Addr]place      // that route and the networks said
	tags   map[string]netif.Lower    // of interfaces that a program can serve
	below  map[string]string         // the interface below a virtual MAC's device
}

func newPlacer(c *config.Config, s surroundings) *placer {
	p := &placer{
		surroundings: s, vips: make(map[netip.Addr]string), near: make(map[string][]netip.Prefix),
		held: make(map[netip.Addr]string), routes: make(map[netip.Addr]place), tags: make(map[string]netif.Lower), below: make(map[string]string),
	}
	for name, addresses := range s.addresses {
		for _, a := range addresses {
			p.held[a.Addr()] = name
		}
		p.near[name] = slices.Clone(addresses)
	}
	for _, i := range c.Instances {
		if i.VMAC != nil {
			p.below[i.VMAC.Name] = i.Interface
		}
		for _, a := range virtualAddresses(i) {
			p.vips[a.Prefix.Addr()] = a.Interface
			p.near[a.Interface] = append(p.near[a.Interface], a.Prefix)
		}
	}
	for name := range s.links {
		if lower, err := netif.LowerOf(name, s.links); err == nil {
			p.tags[name] = lower
		}
	}
	return p
}

// placesOf finds the places of all virtual servers of a configuration. An error names a real server that no change of the
// networks alone can have served, and why; it is nowhere then, and the others are where they are.
func placesOf(c *config.Config, s surroundings) ([]whereabouts, error) {
	p := newPlacer(c, s)
	all := make([]whereabouts, len(c.VirtualServers))
	var wrong error
	for n := range c.VirtualServers {
		v := &c.VirtualServers[n]
		members, _ := membersOf(v)
		at := whereabouts{arrivals: p.arrivals(v), reals: make([]place, len(members))}
		for i, r := range members {
			at.reals[i] = p.place(at.arrivals, r.Address)
		}
		if err := cmp.Or(p.checkTags(members, at), p.checkCircle(v, members, at)); wrong == nil {
			wrong = err
		}
		all[n] = at
	}
	return all, wrong
}

// doubtful tells whether a real server may be elsewhere than its place says.
func doubtful(places []whereabouts) bool {
	return slices.ContainsFunc(places, func(at whereabouts) bool {
		return slices.ContainsFunc(at.reals, func(r place) bool { return r.doubt != "" })
	})
}

func samePlaces(a, b []whereabouts) bool {
	return slices.EqualFunc(a, b, func(a, b whereabouts) bool {
		return slices.Equal(a.arrivals, b.arrivals) && slices.Equal(a.reals, b.reals)
	})
}

// arrivals are the interfaces of a virtual server's addresses: where the instance holds the VIP, or where the host does.
// One that no program can serve, as lo, is not where packets come in.
func (p *placer) arrivals(v *config.VirtualServer) []string {
	var names []string
	for _, e := range v.Endpoints() {
		name, held := p.vips[e.Addr()]
		if !held {
			name = p.held[e.Addr()]
			_, held = p.tags[name]
		}
		if held && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// place finds a real server: on this host, on a network that packets come in from, on another network of this host. One
// that is on none is looked for where the packets come in.
func (p *placer) place(arrivals []string, address netip.Addr) place {
	if _, here := p.held[address]; here || address.IsLoopback() {
		return place{local: true}
	}
	for _, name := range arrivals {
		if slices.ContainsFunc(p.near[name], func(n netip.Prefix) bool { return n.Contains(address) }) {
			return place{ifname: name}
		}
	}
	found, asked := p.routes[address]
	if !asked {
		found = p.find(address)
		p.routes[address] = found
	}
	if found.ifname == "" && len(arrivals) > 0 {
		found.ifname = arrivals[0]
	}
	return found
}

// find asks for the route to an address. Where there is none the networks of the interfaces tell: one that is down has no
// routes, or not yet when it is heard that it is up.
func (p *placer) find(address netip.Addr) place {
	ifname, err := p.route(address)
	if err == nil {
		return place{ifname: cmp.Or(p.below[ifname], ifname)}
	}
	best := -1
	for _, name := range slices.Sorted(maps.Keys(p.near)) {
		for _, n := range p.near[name] {
			if n.Bits() > best && n.Contains(address) {
				best, ifname = n.Bits(), cmp.Or(p.below[name], name)
			}
		}
	}
	return place{ifname: ifname, doubt: err.Error()}
}

// comesInBy are the interfaces that packets must be taken to come in by: where that is not known all real servers must agree,
// and it is that of the first one.
func (at *whereabouts) comesInBy() []string {
	if len(at.arrivals) > 0 {
		return at.arrivals
	}
	for _, r := range at.reals {
		if r.ifname != "" {
			return []string{r.ifname}
		}
	}
	return nil
}

// checkTags refuses real servers that the VLAN tags of the packets do not lead to: direct return changes none. The error is
// that of the first one.
func (p *placer) checkTags(members []*config.RealServer, at whereabouts) (wrong error) {
	for _, name := range at.comesInBy() {
		want, known := p.tags[name]
		for i, to := range at.reals {
			has, knownToo := p.tags[to.ifname]
			if !known || !knownToo || slices.Equal(has.Tags, want.Tags) {
				continue
			}
			r := members[i]
			err := fmt.Errorf("%s: real server %s is behind %s (%s), but packets for it come in by %s (%s): direct return keeps "+
				"VLAN tags as they are, so put the real server on the VLAN of %[5]s", r.Position, r.Address, to.ifname,
				tagsText(has.Tags), name, tagsText(want.Tags))
			if wrong == nil {
				wrong = err
			}
			at.reals[i] = place{doubt: err.Error()}
		}
	}
	return wrong
}

// checkCircle refuses real servers behind another interface than the packets come in by, if this host is a real server,
// too, and the virtual server hangs on no VRRP instance. Two such balancers, each a real server of the other, know each
// other's packets by the MAC address that the other's address is at. If they named each other by addresses on different
// networks they would know none, and a packet that each has placed on the other would go in a circle for ever. The error is
// that of the first one.
func (p *placer) checkCircle(v *config.VirtualServer, members []*config.RealServer, at whereabouts) (wrong error) {
	always := slices.ContainsFunc(v.Endpoints(), func(e netip.AddrPort) bool { _, waits := p.vips[e.Addr()]; return !waits })
	here := slices.IndexFunc(at.reals[:len(v.RealServers)], func(r place) bool { return r.local })
	if !always || here < 0 {
		return nil
	}
	from := at.comesInBy()
	for i, to := range at.reals {
		other := slices.IndexFunc(from, func(name string) bool { return name != to.ifname })
		if to.ifname == "" || other < 0 {
			continue
		}
		err := fmt.Errorf("%s: real server %s is behind %s, and packets come in by %s, of a virtual server that is always active and "+
			"has this host (%s) as a real server: another balancer there could send them back for ever, so name %[2]s by an address "+
			"on the network of %[4]s, or give the virtual address to a vrrp_instance",
			members[i].Position, members[i].Address, to.ifname, from[other], members[here].Address)
		if wrong == nil {
			wrong = err
		}
		at.reals[i] = place{doubt: err.Error()}
	}
	return wrong
}

func tagsText(tags []netif.VLAN) string {
	if len(tags) == 0 {
		return "no VLAN tag"
	}
	var words []string
	for _, tag := range slices.Backward(tags) {
		words = append(words, tag.String())
	}
	return strings.Join(words, " in ")
}
