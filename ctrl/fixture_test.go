package ctrl

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
)

// tutorialConfig is one VRRP instance and one virtual server of two checked real servers, as in the tutorial.
func tutorialConfig() *config.Config {
	return &config.Config{
		Instances: []config.Instance{{
			Name: "SERVICE", Interface: "enp1s0", VirtualRouterID: 110, Version: 2, Priority: 11, Accept: true,
			AdvertInterval: time.Second, DownTimerAdverts: 3, TrackPrimary: true,
			Addresses: []config.VirtualAddress{{Prefix: netip.MustParsePrefix("192.168.100.221/24"), Interface: "enp1s0"}},
		}},
		VirtualServers: []config.VirtualServer{{
			Address: netip.MustParseAddr("192.168.100.221"), Port: 80, Scheduler: "rr", Quorum: 1,
			RealServers: []config.RealServer{realServer("192.168.100.150:80"), realServer("192.168.100.151:80")},
		}},
	}
}

func realServer(address string) config.RealServer {
	a := netip.MustParseAddrPort(address)
	return config.RealServer{Address: a.Addr(), Port: a.Port(), Weight: 1, Checks: []config.Check{httpCheck(a)}}
}

// httpCheck is a check that does not begin within the time of a test.
func httpCheck(address netip.AddrPort) config.Check {
	return config.Check{
		CheckTimes:  config.CheckTimes{ConnectTimeout: time.Second, DelayLoop: time.Hour, Warmup: 1e6 * time.Hour},
		CheckSocket: config.CheckSocket{To: address, Path: config.PathAddress},
		Question: &config.HTTPCheck{
			URLs: []config.URL{{Path: "/", StatusCodes: []config.StatusRange{{Low: 200, High: 200}}}}, HTTPProtocol: "1.0",
		},
	}
}

// lanLinks are the interfaces of a host: enp1s0 and enp2s0, and VLAN 10 on each.
func lanLinks() map[string]netif.LinkInfo {
	links := make(map[string]netif.LinkInfo)
	for n := 1; n <= 2; n++ {
		nic := netif.LinkInfo{
			Name: fmt.Sprintf("enp%ds0", n), Index: n + 1, MAC: net.HardwareAddr{2, 0, 0, 0, 0, byte(n)}, Up: true, Carrier: true,
			MTU: 1500,
		}
		vlan := nic
		vlan.Name, vlan.Index, vlan.Kind, vlan.Parent = nic.Name+".10", n+11, "vlan", nic.Index
		vlan.VLAN = netif.VLAN{ID: 10, Protocol: netif.Dot1Q}
		links[nic.Name], links[vlan.Name] = nic, vlan
	}
	return links
}

// allOn are the places of a configuration whose packets and real servers are all on one interface.
func allOn(ifname string, c *config.Config) []whereabouts {
	places := make([]whereabouts, len(c.VirtualServers))
	for n := range c.VirtualServers {
		places[n].arrivals = []string{ifname}
		members, _ := membersOf(&c.VirtualServers[n])
		for range members {
			places[n].reals = append(places[n].reals, place{ifname: ifname})
		}
	}
	return places
}

// allWell is what is known when every real server of a configuration answers on enp1s0 and passes its check.
func allWell(c *config.Config) *known {
	k := newKnown()
	k.links = lanLinks()
	k.settle(c, allOn("enp1s0", c))
	beWell(&k)
	return &k
}

// beWell has every real server answer and pass its check.
func beWell(k *known) {
	for key, n := range k.neighbors {
		*n = neighbor{mac: macOf(key.address), resolved: true}
	}
	for _, c := range k.checks {
		c.verdict = verdict{told: true, up: true}
	}
}

// memberOf is a real server of what is known.
func memberOf(k *known, key realKey) *member { return k.roster.byKey()[key] }

// checkOf is what is known of the only check of a real server.
func checkOf(k *known, key realKey) *verdict { return &memberOf(k, key).checks[0].verdict }

// macOf gives every address its own MAC.
func macOf(a netip.Addr) dataplane.MAC {
	all := a.As16()
	return dataplane.MAC{2, all[11], all[12], all[13], all[14], all[15]}
}

// identify gives everything known an id, from scratch.
func identify(t testing.TB, k *known) *identities {
	t.Helper()
	ids := adopt(time.Time{}, dataplane.NewTables(), nil, nil, nil)
	ids.room, ids.rest = 1000, time.Hour
	number(t, ids, k)
	return ids
}

func number(t testing.TB, ids *identities, k *known) {
	t.Helper()
	if err := ids.number(time.Time{}, k); err != nil {
		t.Fatal(err)
	}
}

// randomKnown makes up something that may be known. The same seed gives the same, in maps of another order.
func randomKnown(seed uint64) *known {
	rng := rand.New(rand.NewPCG(seed, 0))
	k := newKnown()
	k.links = lanLinks()
	c, places := randomConfig(rng)
	k.settle(c, places)
	randomNews(rng, &k)
	return &k
}

func randomConfig(rng *rand.Rand) (*config.Config, []whereabouts) {
	c := &config.Config{}
	for n := range rng.IntN(4) {
		ifname := fmt.Sprintf("enp%ds0", n%2+1)
		i := config.Instance{Name: fmt.Sprint(n), Interface: ifname, VirtualRouterID: uint8(n + 1)}
		i.Addresses = []config.VirtualAddress{{Prefix: netip.PrefixFrom(addrOf(10, n), 24), Interface: ifname}}
		c.Instances = append(c.Instances, i)
	}
	var places []whereabouts
	for n := range rng.IntN(6) {
		v := randomServer(rng, n)
		at := whereabouts{arrivals: []string{"enp1s0"}}
		members, _ := membersOf(&v)
		for range members {
			to := place{ifname: fmt.Sprintf("enp%ds0", rng.IntN(3)+1)} // there is no third
			if rng.IntN(8) == 0 {
				to = place{local: true}
			}
			at.reals = append(at.reals, to)
		}
		c.VirtualServers, places = append(c.VirtualServers, v), append(places, at)
	}
	return c, places
}

func randomServer(rng *rand.Rand, n int) config.VirtualServer {
	names := slices.Sorted(maps.Keys(schedulers))
	v := config.VirtualServer{
		Address: addrOf(10, rng.IntN(4)), Port: uint16(80 + n), Scheduler: names[rng.IntN(len(names))],
		Protocol: []config.Protocol{config.TCP, config.UDP}[rng.IntN(2)],
	}
	if rng.IntN(3) == 0 {
		v.Group = "all"
		for m := range 1 + rng.IntN(3) {
			v.Members = append(v.Members, netip.AddrPortFrom(addrOf(10, m), v.Port))
		}
	}
	if rng.IntN(3) == 0 {
		v.SorryServer = netip.AddrPortFrom(addrOf(20, rng.IntN(8)), 80)
	}
	for _, last := range rng.Perm(6)[:rng.IntN(5)] {
		v.RealServers = append(v.RealServers, randomReal(rng, addrOf(20, last)))
	}
	return v
}

func addrOf(subnet, last int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(subnet), byte(last + 1)})
}

func randomReal(rng *rand.Rand, address netip.Addr) config.RealServer {
	r := config.RealServer{Address: address, Port: 80, Weight: rng.IntN(4)}
	if rng.IntN(3) > 0 {
		r.Checks = []config.Check{httpCheck(netip.AddrPortFrom(address, 80))}
		r.Checks[0].Alpha = rng.IntN(2) == 0
	}
	return r
}

// randomNews says of every real server what a resolver and a checker may have said.
func randomNews(rng *rand.Rand, k *known) {
	for _, p := range k.roster.pools {
		for i := range p.members {
			m := &p.members[i]
			if m.neighbor != nil && *m.neighbor == (neighbor{}) && rng.IntN(4) > 0 {
				*m.neighbor = neighbor{mac: macOf(m.config.Address), resolved: rng.IntN(3) > 0, reason: "no answer to ARP"}
			}
			for _, a := range m.checks {
				if rng.IntN(4) > 0 {
					a.verdict = verdict{told: true, up: rng.IntN(2) == 0, reason: "status 500"}
				}
			}
		}
	}
}

// cloneTables copies tables so that a test can say how others differ.
func cloneTables(t dataplane.Tables) dataplane.Tables {
	services := maps.Clone(t.Services)
	for key, service := range services {
		service.Schedule = slices.Clone(service.Schedule)
		services[key] = service
	}
	return dataplane.Tables{
		Services: services, Reals: slices.Clone(t.Reals), Ports: maps.Clone(t.Ports), Peers: maps.Clone(t.Peers),
		VIPs: maps.Clone(t.VIPs), Gates: maps.Clone(t.Gates),
	}
}
