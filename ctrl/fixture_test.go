package ctrl

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
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
			Name: "SERVICE", Interface: "enp1s0", VirtualRouterID: 110, Version: 2, Priority: 11, TrackPrimary: true,
			Addresses: []config.VirtualAddress{{Prefix: netip.MustParsePrefix("192.168.100.221/24"), Interface: "enp1s0"}},
		}},
		VirtualServers: []config.VirtualServer{{
			Address: netip.MustParseAddr("192.168.100.221"), Port: 80, Scheduler: "rr",
			RealServers: []config.RealServer{realServer("192.168.100.150:80"), realServer("192.168.100.151:80")},
		}},
	}
}

func realServer(address string) config.RealServer {
	a := netip.MustParseAddrPort(address)
	return config.RealServer{Address: a.Addr(), Port: a.Port(), Weight: 1, Check: httpCheck(a)}
}

// httpCheck is a check that does not begin within the time of a test.
func httpCheck(address netip.AddrPort) *config.HTTPCheck {
	return &config.HTTPCheck{
		ConnectIP: address, URLs: []config.URL{{Path: "/", StatusCodes: []config.StatusRange{{Low: 200, High: 200}}}},
		ConnectTimeout: time.Second, DelayLoop: time.Hour, Warmup: 1e6 * time.Hour, HTTPProtocol: "1.0",
	}
}

// allWell is what is known when every real server of a configuration answers and passes its check.
func allWell(c *config.Config) *known {
	k := newKnown()
	k.config = c
	k.links["enp1s0"] = netif.LinkInfo{Name: "enp1s0", Index: 2, Up: true, Carrier: true}
	for _, v := range c.VirtualServers {
		k.places[keyOfService(v)] = "enp1s0"
		for _, r := range v.RealServers {
			k.neighbors[neighborKey{"enp1s0", r.Address}] = netif.Neighbor{
				Address: r.Address, MAC: macOf(r.Address), Resolved: true,
			}
			if r.Check != nil {
				k.checks[keyOfReal(v, r)] = check{up: true}
			}
		}
	}
	return &k
}

// macOf gives every address its own MAC.
func macOf(a netip.Addr) net.HardwareAddr {
	four := a.As4()
	return net.HardwareAddr{2, 0, four[0], four[1], four[2], four[3]}
}

// identify gives everything known an id, from scratch.
func identify(t *testing.T, k *known) *identities {
	t.Helper()
	ids := adopt(time.Time{}, dataplane.NewTables(), nobody, nil)
	assignWanted(t, ids, k)
	return ids
}

func assignWanted(t *testing.T, ids *identities, k *known) {
	t.Helper()
	gates, reals := k.wanted()
	if err := ids.assign(time.Time{}, gates, reals); err != nil {
		t.Fatal(err)
	}
}

// nobody is an empty sequence of ids.
func nobody(func(dataplane.RealID) bool) {}

// randomKnown makes up something that may be known. The same seed gives the same, in maps of another order.
func randomKnown(seed uint64) *known {
	rng := rand.New(rand.NewPCG(seed, 0))
	k := newKnown()
	c := &config.Config{}
	for n := range rng.IntN(4) {
		ifname := fmt.Sprintf("enp%ds0", n%2+1)
		k.links[ifname] = netif.LinkInfo{Name: ifname, Index: n%2 + 2}
		i := config.Instance{Name: fmt.Sprint(n), Interface: ifname, VirtualRouterID: uint8(n + 1)}
		i.Addresses = []config.VirtualAddress{{Prefix: netip.PrefixFrom(addrOf(10, n), 24), Interface: ifname}}
		c.Instances = append(c.Instances, i)
	}
	for n := range rng.IntN(6) {
		v := config.VirtualServer{
			Address: addrOf(10, rng.IntN(4)), Port: uint16(80 + n), Scheduler: []string{"rr", "wrr"}[rng.IntN(2)],
			Protocol: []config.Protocol{config.TCP, config.UDP}[rng.IntN(2)],
		}
		for _, last := range rng.Perm(6)[:rng.IntN(5)] {
			v.RealServers = append(v.RealServers, randomReal(rng, addrOf(20, last)))
		}
		k.places[keyOfService(v)] = fmt.Sprintf("enp%ds0", rng.IntN(2)+1)
		c.VirtualServers = append(c.VirtualServers, v)
	}
	k.config = c
	randomNews(rng, &k)
	return &k
}

func addrOf(subnet, last int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 0, byte(subnet), byte(last + 1)})
}

func randomReal(rng *rand.Rand, address netip.Addr) config.RealServer {
	r := config.RealServer{Address: address, Port: 80, Weight: rng.IntN(4)}
	if rng.IntN(3) > 0 {
		r.Check = httpCheck(netip.AddrPortFrom(address, 80))
		r.Check.Alpha = rng.IntN(2) == 0
	}
	return r
}

// randomNews says of every real server what a resolver and a checker may have said.
func randomNews(rng *rand.Rand, k *known) {
	for _, v := range k.config.VirtualServers {
		for _, r := range v.RealServers {
			place := neighborKey{k.places[keyOfService(v)], r.Address}
			n := netif.Neighbor{Address: r.Address, Reason: "no answer to ARP"}
			if _, told := k.neighbors[place]; !told && rng.IntN(4) > 0 {
				n.MAC, n.Resolved = macOf(r.Address), rng.IntN(3) > 0
				k.neighbors[place] = n
			}
			if r.Check != nil && rng.IntN(4) > 0 {
				k.checks[keyOfReal(v, r)] = check{up: rng.IntN(2) == 0, reason: "status 500"}
			}
		}
	}
}

// cloneTables copies tables so that a test can say how others differ.
func cloneTables(t dataplane.Tables) dataplane.Tables {
	return dataplane.Tables{
		Services: maps.Clone(t.Services), Reals: maps.Clone(t.Reals), VIPs: maps.Clone(t.VIPs), Gates: maps.Clone(t.Gates),
	}
}
