package ctrl

import (
	"cmp"
	"net"
	"net/netip"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
)

// routerKey is what makes a VRRP instance the same one after a reload.
type routerKey struct {
	ifname string
	vrid   uint8
}

// realKey is a real server in one virtual server.
type realKey struct {
	service dataplane.ServiceKey
	address netip.AddrPort
}

// neighborKey is a real server's address on one interface.
type neighborKey struct {
	ifname  string
	address netip.Addr
}

// check is what is held of a real server's check.
type check struct {
	up     bool
	reason string
}

// known is all that the tables follow from. The zero maps are empty, not nil.
type known struct {
	config *config.Config
	// places says on which interface the real servers of a virtual server are.
	places    map[dataplane.ServiceKey]string
	links     map[string]netif.LinkInfo // by name
	neighbors map[neighborKey]netif.Neighbor
	checks    map[realKey]check // the verdicts; without one, a real server counts as up unless its check says alpha
	claims    claims
	// leaving are instances that the configuration has no more but whose routers are not done yet.
	leaving map[routerKey]bool
}

func newKnown() known {
	return known{
		config: &config.Config{}, places: make(map[dataplane.ServiceKey]string), links: make(map[string]netif.LinkInfo),
		neighbors: make(map[neighborKey]netif.Neighbor), checks: make(map[realKey]check), claims: make(claims),
		leaving: make(map[routerKey]bool),
	}
}

func keyOfInstance(i config.Instance) routerKey { return routerKey{i.Interface, i.VirtualRouterID} }

func keyOfService(v config.VirtualServer) dataplane.ServiceKey {
	protocol := dataplane.ProtocolTCP
	if v.Protocol == config.UDP {
		protocol = dataplane.ProtocolUDP
	}
	return dataplane.ServiceKey{Address: netip.AddrPortFrom(v.Address, v.Port), Protocol: protocol}
}

func keyOfReal(v config.VirtualServer, r config.RealServer) realKey {
	return realKey{keyOfService(v), netip.AddrPortFrom(r.Address, r.Port)}
}

// holder is the instance that holds an address as a VIP, if one does.
func holder(c *config.Config, vip netip.Addr) (routerKey, bool) {
	for _, i := range c.Instances {
		for _, a := range virtualAddresses(i) {
			if a.Prefix.Addr() == vip {
				return keyOfInstance(i), true
			}
		}
	}
	return routerKey{}, false
}

// virtualAddresses are all addresses that a master holds, advertised or not.
func virtualAddresses(i config.Instance) []config.VirtualAddress {
	return append(append([]config.VirtualAddress(nil), i.Addresses...), i.ExcludedAddresses...)
}

// hear notes what a resolver found. One that has just begun does not know the MAC of a real server that was lost; what an
// earlier one found is kept then, so that the real server's connections go on.
func (k *known) hear(ifname string, n netif.Neighbor) {
	key := neighborKey{ifname, n.Address}
	if n.MAC == nil {
		n.MAC = k.neighbors[key].MAC
	}
	k.neighbors[key] = n
}

// recall learns from the tables of an earlier process how the real servers of a configuration stood, so that taking
// over changes nothing until something new is known.
func (k *known) recall(c *config.Config, places map[dataplane.ServiceKey]string, held dataplane.Tables) {
	checked := checksOf(c)
	for _, real := range held.Reals {
		if real.State == dataplane.RealAbsent {
			continue
		}
		key, up := realKey{real.Service, real.Address}, real.State == dataplane.RealUp
		_, hasCheck := checked[key]
		if hasCheck {
			k.checks[key] = check{up: up, reason: "it was down before this daemon started"}
		}
		// Without a check it can only have been down because it did not answer ARP.
		answered := up || hasCheck
		place := neighborKey{places[real.Service], real.Address.Addr()}
		if other, there := k.neighbors[place]; there {
			answered = answered && other.Resolved
		}
		n := netif.Neighbor{Address: real.Address.Addr(), MAC: real.MAC, Resolved: answered}
		if !answered {
			n.Reason = "it did not answer ARP before this daemon started"
		}
		k.neighbors[place] = n
	}
}

// macsOn are the MACs at which the real servers on an interface answer. One that was lost must answer again first.
func (k *known) macsOn(ifname string) map[netip.Addr]net.HardwareAddr {
	macs := make(map[netip.Addr]net.HardwareAddr)
	for key, n := range k.neighbors {
		if key.ifname == ifname && n.Resolved {
			macs[key.address] = n.MAC
		}
	}
	return macs
}

// standing is what is known of one real server, in the terms of the data plane.
type standing struct {
	state  dataplane.RealState
	mac    net.HardwareAddr
	reason string // why it is not up, or what is wrong although it is
}

func (k *known) standing(v config.VirtualServer, r config.RealServer) standing {
	key := keyOfReal(v, r)
	neighbor, asked := k.neighbors[neighborKey{k.places[key.service], r.Address}]
	probe, checked := k.checks[key]
	switch {
	case !asked || neighbor.MAC == nil:
		return standing{dataplane.RealAbsent, nil, cmp.Or(neighbor.Reason, "its MAC address is not known yet")}
	case checked && !probe.up, !checked && r.Check != nil && r.Check.Alpha:
		return standing{dataplane.RealDown, neighbor.MAC, cmp.Or(probe.reason, "its check has not passed yet")}
	case !neighbor.Resolved:
		return standing{dataplane.RealDown, neighbor.MAC, neighbor.Reason}
	default:
		return standing{dataplane.RealUp, neighbor.MAC, cmp.Or(k.claims.remedyFor(neighbor), neighbor.Reason)}
	}
}
