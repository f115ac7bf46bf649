package config

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// CheckTogether finds what keeps members of virtual routers from working together,
// given the configurations of several machines. Instances of two machines are
// members of one virtual router if they have the same virtual_router_id and
// address family, and an interface name or an address in common. nil
// configurations are passed over.
func CheckTogether(machines []*Config) Findings {
	found := &report{}
	var earlier []members
	for _, machine := range machines {
		if machine == nil {
			continue
		}
		for _, other := range earlier {
			for _, i := range machine.Instances {
				for _, n := range other.peers(i) {
					found.compareMembers(i, other.instances[n])
				}
			}
		}
		earlier = append(earlier, membersOf(machine))
	}
	found.findings.sort()
	return found.findings
}

// members are the instances of one machine, by what they may have in common with
// those of another: of several that hold one address, the first counts.
type members struct {
	instances []Instance
	byRouter  map[router]int
	byAddress map[heldBy]int
}

// heldBy is an address that an instance of a virtual router id holds.
type heldBy struct {
	netip.Addr
	id uint8
}

func membersOf(machine *Config) members {
	m := members{machine.Instances, map[router]int{}, map[heldBy]int{}}
	for n, i := range m.instances {
		m.byRouter[routerOf(i)] = n
		for _, a := range advertised(i) {
			if _, ok := m.byAddress[heldBy{a, i.VirtualRouterID}]; !ok {
				m.byAddress[heldBy{a, i.VirtualRouterID}] = n
			}
		}
	}
	return m
}

// peers returns which instances are members of the same virtual router as one of
// another machine.
func (m members) peers(i Instance) []int {
	var all []int
	if n, ok := m.byRouter[routerOf(i)]; ok {
		all = append(all, n)
	}
	for _, a := range advertised(i) {
		if n, ok := m.byAddress[heldBy{a, i.VirtualRouterID}]; ok {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// advertised returns the addresses of an instance as adverts tell them.
func advertised(i Instance) []netip.Addr {
	var all []netip.Addr
	for _, a := range i.Addresses {
		all = append(all, a.Prefix.Addr())
	}
	return all
}

// compareMembers finds what two members of one virtual router do not agree on. A
// difference that makes both of them MASTER is an error.
func (r *report) compareMembers(i, other Instance) {
	about := func(keyword string) string {
		r.keyword = keyword
		return fmt.Sprintf("instance %s and its peer %s at %s", i.Name, other.Name, other.Position)
	}
	const split = "they refuse each other's adverts, and both become MASTER"
	if i.Version != other.Version {
		r.errorf(i.Position, "%s have VRRP versions %d and %d: %s", about("version"), i.Version, other.Version, split)
		return
	}
	if i.AuthType != other.AuthType || i.AuthPass != other.AuthPass {
		r.errorf(i.Position, "%s have different authentication: %s", about("authentication"), split)
	}
	if i.AdvertInterval != other.AdvertInterval {
		if i.Version == 2 {
			r.errorf(i.Position, "%s have advert_int %s and %s: %s", about("advert_int"), inSeconds(i), inSeconds(other), split)
		} else {
			r.warnf(i.Position, "%s have advert_int %s and %s: that of the MASTER counts", about("advert_int"), inSeconds(i), inSeconds(other))
		}
	}
	r.compareAddresses(i, other, about("virtual_ipaddress"))
	if (len(i.Unicast) > 0) != (len(other.Unicast) > 0) {
		r.errorf(i.Position, "%s do not both have unicast_peer: they do not hear each other, and both become MASTER", about("unicast_peer"))
	} else if len(i.Unicast) == 0 && i.MulticastGroup != other.MulticastGroup {
		r.errorf(i.Position, "%s have the multicast groups %s and %s: they do not hear each other, and both become MASTER",
			about("mcast_dst_ip"), i.MulticastGroup, other.MulticastGroup)
	}
	r.comparePeers(i, other, about("unicast_peer"))
	if i.Priority == other.Priority {
		r.warnf(i.Position, "%s have the same priority %d: the higher address decides; write different ones", about("priority"), i.Priority)
	}
	if i.Preempt != other.Preempt {
		r.warnf(i.Position, "%s do not both have nopreempt: only one of them leaves a working MASTER alone", about("nopreempt"))
	}
}

// inSeconds returns the advert interval of an instance for a message.
func inSeconds(i Instance) string { return plain(i.AdvertInterval.Round(time.Microsecond)) }

// compareAddresses finds addresses that only one of two members has.
func (r *report) compareAddresses(i, other Instance, members string) {
	r.keyword = "virtual_ipaddress"
	before, own, others := r.errors, advertised(i), advertised(other)
	for n, a := range i.Addresses {
		if !slices.Contains(others, a.Prefix.Addr()) {
			r.errorf(a.Position, "only one of %s has %s: a keepalived refuses the adverts of the other one, and both become MASTER",
				members, own[n])
		}
	}
	for _, a := range others {
		if !slices.Contains(own, a) {
			r.errorf(i.Position, "only one of %s has %s: a keepalived refuses the adverts of the other one, and both become MASTER", members, a)
		}
	}
	if slices.Equal(own, others) || r.errors > before {
		return
	}
	r.warnf(i.Position, "%s have their addresses in different orders: write them alike", members)
}

// comparePeers finds members that send no adverts to each other's address.
func (r *report) comparePeers(i, other Instance, members string) {
	r.keyword = "unicast_peer"
	for _, pair := range [][2]Instance{{i, other}, {other, i}} {
		from, to := pair[0], pair[1]
		if len(from.Unicast) == 0 || !to.SourceAddress.IsValid() || len(to.Unicast) == 0 {
			continue
		}
		if !slices.ContainsFunc(from.Unicast, func(p UnicastPeer) bool { return p.Address == to.SourceAddress }) {
			r.errorf(i.Position, "of %s, %s does not name %s, the unicast_src_ip of the other one: its adverts do not get there",
				members, from.Position, to.SourceAddress)
		}
	}
}
