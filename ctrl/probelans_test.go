package ctrl

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"drover/bench/testbed"
	"drover/ctrl/netif"
	"drover/dataplane"
)

// followLANs has the space know of these interfaces instead.
func (p *probed) followLANs(lans ...netif.ProbeLAN) (err error) {
	p.t.Helper()
	program, failed := p.data.ProbeProgram()
	must(p.t, failed)
	must(p.t, p.balancer.Do(func() error {
		err = p.space.Follow(netif.ProbeProgram(program), lans)
		return nil
	}))
	return err
}

// lan is the balancer's interface with addresses.
func (p *probed) lan(sources ...string) netif.ProbeLAN {
	return netif.ProbeLAN{
		Interface: p.balancer.Interface(), Sources: prefixes(sources...), Servers: map[netip.Addr]uint32{p.webs[0].Address(): 1},
	}
}

func TestProbesComeFromTheHostsAddressAsItIsNow(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, false)
	service := netip.AddrPortFrom(probedVIP, p.port)
	source := func() string {
		conn, err := p.dial(p.path(p.webs[0]), "tcp", service)
		must(t, err)
		defer conn.Close()
		return conn.LocalAddr().(*net.TCPAddr).IP.String()
	}
	if got := source(); got != "192.168.100.210" {
		t.Errorf("a probe comes from %s", got)
	}
	p.ip(p.balancer, "addr del 192.168.100.210/24 dev "+p.balancer.Interface())
	p.ip(p.balancer, "addr add 192.168.100.209/24 dev "+p.balancer.Interface())
	must(t, p.followLANs(p.lan("192.168.100.209/24")))
	p.expectSource(source, "192.168.100.209")
	must(t, p.followLANs(p.lan("10.0.0.1/8", "192.168.100.209/24")))
	p.expectSource(source, "192.168.100.209") // it is on the real server's network
	must(t, p.followLANs(p.lan("2001:db8::210/64")))
	if err := p.path(p.webs[0]).Ready(probedVIP); !errors.Is(err, netif.ErrNoProbePath) || !strings.Contains(err.Error(), "IPv4") {
		t.Errorf("without an IPv4 address the path to an IPv4 VIP says %v", err)
	}
	must(t, p.path(p.webs[0]).Ready(probedVIP6))
	must(t, p.followLANs())
	if err := p.path(p.webs[0]).Ready(probedVIP6); !errors.Is(err, netif.ErrNoProbePath) {
		t.Errorf("without the interface the path says %v", err)
	}
}

func (p *probed) expectSource(source func() string, want string) {
	p.t.Helper()
	if got := source(); got != want {
		p.t.Errorf("a probe comes from %s, want %s", got, want)
	}
}

func TestASpaceIsStaleWhenTheHostSendsFromItsPorts(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, false)
	for _, test := range []struct {
		ports string
		stale bool
	}{{"32768 60999", false}, {"1024 60999", true}, {"32768 60999", false}} {
		must(t, p.balancer.Do(func() error {
			if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte(test.ports), 0); err != nil {
				return err
			}
			stale, err := p.space.Stale()
			if stale != test.stale {
				t.Errorf("while the host sends from %s: stale is %t", test.ports, stale)
			}
			return err
		}))
	}
}

func TestAnInterfaceThatIsMadeAnewGetsAWayAnew(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, false)
	lan := netif.ProbeLAN{Interface: "far0", Sources: prefixes("10.0.0.1/24"), Servers: map[netip.Addr]uint32{netip.MustParseAddr("10.0.0.2"): 1}}
	path := p.space.Path("far0", netip.MustParseAddr("10.0.0.2"))
	for range 2 {
		if err := p.followLANs(lan, p.lan("192.168.100.210/24")); !errors.Is(err, netif.ErrNoInterface) {
			t.Errorf("an interface that is not there: %v", err)
		}
		if err := path.Ready(probedVIP); !errors.Is(err, netif.ErrNoProbePath) {
			t.Errorf("its path says %v", err)
		}
		must(t, p.path(p.webs[0]).Ready(probedVIP))
		p.ip(p.balancer, "link add far0 type veth peer name far1")
		must(t, p.followLANs(lan, p.lan("192.168.100.210/24")))
		must(t, path.Ready(probedVIP))
		if err := p.space.Problem("far0"); err != nil {
			t.Errorf("with a way there is a problem: %v", err)
		}
		p.ip(p.balancer, "link del far0")
	}
}

func TestAnInterfaceThatTakesNoMacvlanIsRefusedByName(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, false)
	p.ip(p.balancer, "link add link "+p.balancer.Interface()+" name above type macvlan")
	err := p.followLANs(netif.ProbeLAN{Interface: "above", Sources: prefixes("10.0.0.1/24")})
	if !errors.Is(err, netif.ErrNoProbePath) || !strings.Contains(err.Error(), "on above") {
		t.Errorf("a macvlan on a macvlan: %v", err)
	}
	if problem := p.space.Problem("above"); problem == nil || problem.Error() != err.Error() {
		t.Errorf("its problem is %v", problem)
	}
}

// TestProbesOfRealServersBehindAnotherInterface has the VIP on two LANs.
func TestProbesOfRealServersBehindAnotherInterface(t *testing.T) {
	p := newProbedOn(t, dataplane.ModeNative, false, testbed.Port{
		Interface: "enp2s0", LAN: "far", Addresses: prefixes("10.0.0.210/24"),
	})
	far, err := p.lab.AddHost(testbed.HostSpec{
		Name: "web200", More: []testbed.Port{{Interface: "eth1", LAN: "far", Addresses: prefixes("10.0.0.200/24")}},
		Loopback: []netip.Addr{probedVIP},
	})
	must(t, err)
	p.serve(far)
	mac := testbed.MAC{}
	interfaces, err := far.Interfaces()
	must(t, err)
	for _, i := range interfaces {
		if i.Name == "eth1" {
			mac = i.MAC
		}
	}
	own, index := p.attach("enp2s0", 2, dataplane.ModeNative)
	tables := p.tables(p.port1)
	tables.Ports[2] = dataplane.Port{Interface: index, MAC: own, MTU: 1500}
	tables.Reals.Set(3, dataplane.Real{
		Service: tables.Reals[1].Service, Address: netip.MustParseAddrPort("10.0.0.200:80"), MAC: dataplane.MAC(mac),
		State: dataplane.RealUp, Port: 2, Weight: 1,
	})
	must(t, p.data.Apply(tables))
	address := netip.MustParseAddr("10.0.0.200")
	must(t, p.followLANs(p.lan("192.168.100.210/24"), netif.ProbeLAN{
		Interface: "enp2s0", Sources: prefixes("10.0.0.210/24"), Servers: map[netip.Addr]uint32{address: 3},
	}))
	service := netip.AddrPortFrom(probedVIP, p.port)
	if name, err := p.connect(p.space.Path("enp2s0", address), service); name != "web200" || err != nil {
		t.Errorf("behind enp2s0 %q answers, %v", name, err)
	}
	if name, err := p.connect(p.path(p.webs[0]), service); name != "web150" || err != nil {
		t.Errorf("behind enp1s0 %q answers, %v", name, err)
	}
}

func TestProbesFollowTablesThatAreReplaced(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, false)
	must(t, p.data.Grow(dataplane.Sizes{Flows: 1, Flows6: 1, Reals: 511}))
	p.follow()
	service := netip.AddrPortFrom(probedVIP, p.port)
	if name, err := p.connect(p.path(p.webs[0]), service); name != "web150" || err != nil {
		t.Errorf("with larger tables %q answers, %v", name, err)
	}
	tables := p.tables(p.port1)
	tables.Reals[1].MAC, tables.Reals[1].State = dataplane.MAC{}, dataplane.RealAbsent
	must(t, p.data.Apply(tables))
	if name, err := p.connect(p.path(p.webs[0]), service); err == nil {
		t.Errorf("without a MAC address %q answers", name)
	}
}

func TestProbesLeaveByABridge(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, false)
	b := p.balancer
	must(t, p.followLANs()) // an interface with a macvlan cannot be a port of a bridge
	must(t, p.data.Detach(b.Interface()))
	p.ip(b, "link add br0 address "+b.MAC().String()+" type bridge")
	p.ip(b, "link set br0 up")
	p.ip(b, "addr flush dev "+b.Interface())
	p.ip(b, "link set "+b.Interface()+" master br0")
	p.ip(b, "addr add 192.168.100.210/24 dev br0")
	own, index := p.attach("br0", 2, dataplane.ModeGeneric)
	tables := p.tables(p.port1)
	tables.Ports[2] = dataplane.Port{Interface: index, MAC: own, MTU: 1500}
	tables.Reals[1].Port = 2
	must(t, p.data.Apply(tables))
	lan := p.lan("192.168.100.210/24")
	lan.Interface = "br0"
	must(t, p.followLANs(lan))
	path := p.space.Path("br0", p.webs[0].Address())
	if name, err := p.connect(path, netip.AddrPortFrom(probedVIP, p.port)); name != "web150" || err != nil {
		t.Errorf("%q answers, %v", name, err)
	}
}
