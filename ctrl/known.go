package ctrl

import (
	"net"
	"net/netip"

	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/ctrl/netif"
	"drover/ctrl/track"
	"drover/dataplane"
)

// routerKey is what makes a VRRP instance the same one after a reload.
type routerKey struct {
	ifname string
	vrid   uint8
	ipv6   bool
}

// realKey is a real server in one service.
type realKey struct {
	service dataplane.ServiceKey
	address netip.AddrPort
}

// neighborKey is a real server's address on one interface.
type neighborKey struct {
	ifname  string
	address netip.Addr
}

// neighbor is what is held of an address on an interface.
type neighbor struct {
	mac      dataplane.MAC // zero while never known; the last known one after resolved turned false
	resolved bool          // it answers there
	reason   string        // why not, or what is wrong although it does
}

// check is a check that is made, and what it has told. All real servers for which the same is asked share it. Every plan
// looks at what it has told, and there may be very many: the rest is elsewhere.
type check struct {
	verdict
	*inquiry
}

// inquiry is what a check asks, and what is known beside of what it has told.
type inquiry struct {
	key  checkKey
	spec checkSpec
	// sight is what is seen beside of one that goes both ways.
	sight sight
}

// unsee forgets what was seen beside by one that is not made any more; nil, of one that is not asked for, has seen nothing.
func (c *check) unsee() {
	if c != nil {
		c.sight = sight{}
	}
}

// verdict is what is held of a check.
type verdict struct {
	told   bool // there was one
	up     bool
	reason string
	weight health.Weight // what it makes of the weight
	// insight is what is known beside of one that fails through the VIP; nil if nothing is.
	insight *insight
}

// known is all that the tables follow from. The zero maps are empty, not nil. Neighbors, checks and outlets are shared
// with the roster, which has those that its real servers need.
type known struct {
	config    *config.Config
	places    []whereabouts // of its virtual servers
	roster    *roster
	links     map[string]netif.LinkInfo // by name
	outlets   map[string]*outlet        // by the name of an interface in use
	neighbors map[neighborKey]*neighbor
	checks    map[checkKey]*check
	room      []check // for more of them, side by side
	claims    claims
	results   map[trackKey]track.Result // of scripts, files and processes
	// leaving are instances that the configuration has no more but whose routers are not done yet.
	leaving map[routerKey]bool
}

func newKnown() known {
	return known{
		config: &config.Config{}, roster: &roster{}, links: make(map[string]netif.LinkInfo), outlets: make(map[string]*outlet),
		neighbors: make(map[neighborKey]*neighbor), checks: make(map[checkKey]*check), claims: make(claims),
		leaving: make(map[routerKey]bool),
	}
}

func keyOfInstance(i config.Instance) routerKey {
	return routerKey{i.Interface, i.VirtualRouterID, i.IPv6()}
}

// holders are the instances that hold an address as a VIP.
func holders(c *config.Config) map[netip.Addr]routerKey {
	held := make(map[netip.Addr]routerKey)
	for _, i := range c.Instances {
		for _, a := range virtualAddresses(i) {
			if _, twice := held[a.Prefix.Addr()]; !twice {
				held[a.Prefix.Addr()] = keyOfInstance(i)
			}
		}
	}
	return held
}

// virtualAddresses are all addresses that a master holds, advertised or not.
func virtualAddresses(i config.Instance) []config.VirtualAddress {
	return append(append([]config.VirtualAddress(nil), i.Addresses...), i.ExcludedAddresses...)
}

// hear notes what a resolver found. One that has just begun does not know the MAC of a real server that was lost; what an
// earlier one found is kept then, so that the real server's connections go on. It tells whether one is known that was not, or
// the other way round.
func (k *known) hear(ifname string, n netif.Neighbor) (found bool) {
	heard, there := k.neighbors[neighborKey{ifname, n.Address}]
	if !there { // nobody needs it any more
		return false
	}
	was := heard.mac
	heard.resolved, heard.reason = n.Resolved, n.Reason
	if n.MAC == nil {
		return false
	}
	mac, err := dataplane.ParseMAC(n.MAC)
	if err != nil {
		*heard = neighbor{reason: err.Error()}
	} else {
		heard.mac = mac
	}
	return (was == dataplane.MAC{}) != (heard.mac == dataplane.MAC{})
}

// returns tells whether a real server that was lost is found again by what is about to be heard.
func (k *known) returns(ifname string, n netif.Neighbor) bool {
	before, there := k.neighbors[neighborKey{ifname, n.Address}]
	return there && n.Resolved && !before.resolved && before.mac != dataplane.MAC{}
}

// macsOn are the MACs at which the real servers on an interface answer. One that was lost must answer again first.
func (k *known) macsOn(ifname string) map[netip.Addr]net.HardwareAddr {
	macs := make(map[netip.Addr]net.HardwareAddr)
	for key, n := range k.neighbors {
		if key.ifname == ifname && n.resolved {
			macs[key.address] = n.mac[:]
		}
	}
	return macs
}
