package ctrl

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
)

func TestTheRealServersThatAreAskedThroughVIPs(t *testing.T) {
	throughVIP := func(r *config.RealServer) { r.Checks[0].Path = config.PathVIP }
	for what, test := range map[string]struct {
		change func(*config.Config, []whereabouts)
		want   map[string]map[netip.Addr]uint32
	}{
		"none, as they are configured": {func(*config.Config, []whereabouts) {}, nil},
		"one": {
			func(c *config.Config, _ []whereabouts) { throughVIP(&c.VirtualServers[0].RealServers[1]) },
			map[string]map[netip.Addr]uint32{"enp1s0": {web1.Addr(): 2}},
		},
		"one whose second check goes so": {
			func(c *config.Config, _ []whereabouts) {
				r := &c.VirtualServers[0].RealServers[0]
				r.Checks = append(r.Checks, httpCheck(web0))
				r.Checks[1].Path = config.PathVIP
			},
			map[string]map[netip.Addr]uint32{"enp1s0": {web0.Addr(): 1}},
		},
		"behind two interfaces": {
			func(c *config.Config, places []whereabouts) {
				throughVIP(&c.VirtualServers[0].RealServers[0])
				throughVIP(&c.VirtualServers[0].RealServers[1])
				places[0].reals[1].ifname = "enp2s0"
			},
			map[string]map[netip.Addr]uint32{"enp1s0": {web0.Addr(): 1}, "enp2s0": {web1.Addr(): 2}},
		},
		"one that is asked both ways, whose MAC address is known": {
			func(c *config.Config, _ []whereabouts) {
				for i := range c.VirtualServers[0].RealServers {
					c.VirtualServers[0].RealServers[i].Checks[0].Path = config.PathAuto
				}
			},
			map[string]map[netip.Addr]uint32{"enp1s0": {web1.Addr(): 2}},
		},
		"not this host": {
			func(c *config.Config, places []whereabouts) {
				throughVIP(&c.VirtualServers[0].RealServers[0])
				places[0].reals[0] = place{local: true}
			},
			nil,
		},
	} {
		t.Run(what, func(t *testing.T) {
			cfg := tutorialConfig()
			places := allOn("enp1s0", cfg)
			test.change(cfg, places)
			k := newKnown()
			k.links = lanLinks()
			k.settle(cfg, places)
			if early := k.roster.askedThroughVIPs(); len(early) > 0 {
				t.Errorf("before they have ids: %v", early)
			}
			identify(t, &k)
			if known := k.hear("enp1s0", netif.Neighbor{Address: web1.Addr(), MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, Resolved: true}); !known &&
				k.neighbors[neighborKey{"enp1s0", web1.Addr()}] != nil {
				t.Error("that a MAC address became known is no news")
			}
			if got := k.roster.askedThroughVIPs(); !maps.EqualFunc(got, test.want, maps.Equal) {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

func TestAServiceOfNoInstanceCountsAsAVIP(t *testing.T) {
	cfg := tutorialConfig()
	lone := cfg.VirtualServers[0]
	lone.Address = netip.MustParseAddr("192.168.100.9")
	cfg.VirtualServers = append(cfg.VirtualServers, lone)
	k := allWell(cfg)
	if want := []netip.Addr{lone.Address}; !slices.Equal(k.roster.loose, want) {
		t.Errorf("%v hang on no instance, want %v", k.roster.loose, want)
	}
	vips := new(planner).plan(k, identify(t, k)).VIPs
	want := map[netip.Addr]dataplane.VIP{web.Address.Addr(): {Gate: 1}, lone.Address: {Gate: dataplane.AlwaysOpen}}
	if !reflect.DeepEqual(vips, want) {
		t.Errorf("the VIPs are %v, want %v", vips, want)
	}
}

// asked notes where it is asked to connect to.
type asked []string

func (a *asked) DialContext(_ context.Context, network, address string) (net.Conn, error) {
	*a = append(*a, network+" "+address)
	return nil, net.ErrClosed
}

func TestACheckGoesToTheRealServersAddressWhileThereIsNoWayThroughTheVIP(t *testing.T) {
	var own asked
	n := vipNetwork{&probeWays{}, "enp1s0", web0.Addr(), &own}
	for _, network := range []string{"tcp", "udp", "icmp"} {
		if _, err := n.DialContext(t.Context(), network, "192.168.100.221:8080"); err != net.ErrClosed {
			t.Errorf("%s ends with %v", network, err)
		}
	}
	if want := (asked{"tcp 192.168.100.150:8080", "udp 192.168.100.150:8080", "icmp 192.168.100.150:8080"}); !slices.Equal(own, want) {
		t.Errorf("it connects to %q, want %q", own, want)
	}
}
