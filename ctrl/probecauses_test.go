package ctrl

import (
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/health"
	"drover/dataplane"
)

// ip runs ip(8) on a host.
func (p *probed) ip(h *testbed.Host, arguments string) {
	p.t.Helper()
	if out, err := h.Command(p.t.Context(), "ip", strings.Fields(arguments)...).CombinedOutput(); err != nil {
		p.t.Fatalf("%s: ip %s: %v: %s", h.Name(), arguments, err, out)
	}
}

// failure is how a connection by a path fails.
func (p *probed) failure(server *testbed.Host, to netip.AddrPort) health.Failure {
	_, err := p.connect(p.path(server), to)
	return health.FailureOf(err)
}

// TestWhatAProbeThroughAVIPSees has a real server whose own address is in order go wrong at the VIP in all the ways that
// there are, one of them the tutorial's section 6.1.1. In the place of a packet filter there are rules of routing, which say
// the same.
func TestWhatAProbeThroughAVIPSees(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, true)
	web := p.webs[0]
	alone, err := web.Listen("tcp", netip.AddrPortFrom(web.Address(), 8080).String())
	must(t, err)
	t.Cleanup(func() { must(t, alone.Close()) })
	// The table local comes first of all; so that a rule can come before it, it makes room.
	p.ip(web, "rule add pref 10 lookup local")
	p.ip(web, "rule del pref 0 lookup local")
	for _, test := range []struct {
		what     string
		make     string // with ip(8), on the real server
		undo     string
		port     uint16
		want     health.Failure
		diagnose string
	}{
		{"nothing", "", "", 80, health.Passed, ""},
		{"the VIP is lost", "addr del 192.168.100.221/32 dev lo", "addr add 192.168.100.221/32 dev lo", 80, health.Silent,
			"ip addr add 192.168.100.221/32 dev lo"},
		{"a filter drops what is for it", "rule add pref 0 to 192.168.100.221 blackhole", "rule del pref 0", 80, health.Silent,
			"look for a packet filter"},
		{"a filter rejects what is for it", "rule add pref 0 to 192.168.100.221 prohibit", "rule del pref 0", 80,
			health.Unreachable, "look for a packet filter"},
		{"the service is bound to the other address", "", "", 8080, health.Refused, "ss -lntp sport = :8080"},
	} {
		if test.want == health.Unreachable { // a host that does not forward says nothing of the sort
			must(t, web.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) }))
		}
		if test.make != "" {
			p.ip(web, test.make)
		}
		service := netip.AddrPortFrom(probedVIP, test.port)
		through := p.failure(web, service)
		own, err := p.balancer.Dial(t.Context(), "tcp", netip.AddrPortFrom(web.Address(), test.port).String())
		if err == nil {
			err = own.Close()
		}
		if address := health.FailureOf(err); address != health.Passed || through != test.want {
			t.Errorf("%s: the address %s and the VIP %s, want that it passes and that it %s", test.what, address, through, test.want)
		}
		text := health.Diagnose(health.Passed, through, service, false).String()
		if !strings.Contains(text, test.diagnose) || (test.diagnose == "") != (text == "") {
			t.Errorf("%s: the diagnosis is %q, without %q", test.what, text, test.diagnose)
		}
		if test.undo != "" {
			p.ip(web, test.undo)
		}
		if again := p.failure(web, netip.AddrPortFrom(probedVIP, 80)); again != health.Passed {
			t.Errorf("%s no more: the VIP %s", test.what, again)
		}
	}
}

// A real server with two interfaces may receive by the one and answer from the VIP by the other. A strict reverse path filter
// then drops what comes for the VIP, and nothing that comes for the real server's own address.
func TestAReversePathFilterIsNamedWithTheSysctlThatCuresIt(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, true)
	web := p.webs[0]
	set := func(name, value string) {
		must(t, web.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/conf/"+name, []byte(value), 0) }))
	}
	set("all/arp_ignore", "1") // neither interface answers for the other's address
	set("all/arp_announce", "2")
	p.ip(web, "link add link "+web.Interface()+" name enp2s0 type macvlan mode bridge")
	p.ip(web, "link set enp2s0 up")
	p.ip(web, "addr add 192.168.100.160/32 dev enp2s0")
	p.ip(web, "route add 192.168.100.0/24 dev enp2s0 table 100")
	p.ip(web, "rule add pref 100 from 192.168.100.221 lookup 100")
	service := netip.AddrPortFrom(probedVIP, p.port)
	expect := func(when string, want health.Failure) {
		t.Helper()
		own, err := p.balancer.Dial(t.Context(), "tcp", netip.AddrPortFrom(web.Address(), p.port).String())
		if err == nil {
			err = own.Close()
		}
		if address := health.FailureOf(err); address != health.Passed {
			t.Errorf("%s: the address %s", when, address)
		}
		_, err = p.ask(p.path(web), service, 10)
		if tcp, udp := p.failure(web, service), health.FailureOf(err); tcp != want || udp != want {
			t.Errorf("%s: the VIP %s, by datagrams it %s, want that it %s", when, tcp, udp, want)
		}
	}
	expect("without a filter", health.Passed)
	set("all/rp_filter", "1")
	expect("with a strict filter", health.Silent)
	cure := regexp.MustCompile(`rp_filter=1\).*: sysctl -w net\.ipv4\.conf\.(\w+)\.(\w+)=(\d)$`)
	for _, datagrams := range []bool{false, true} {
		text := health.Diagnose(health.Passed, health.Silent, service, datagrams).String()
		parts := cure.FindStringSubmatch(text)
		if parts == nil {
			t.Fatalf("the diagnosis is %q, without the cure of a strict filter", text)
		}
		set(parts[1]+"/"+parts[2], parts[3])
		expect("with the cure", health.Passed)
		set("all/rp_filter", "1")
	}
}

func TestProbesGoOnWhileAVirtualMACHoldsTheVIP(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, false)
	device := p.balancer.Interface()
	p.ip(p.balancer, "link add link "+device+" name vrrp.110 address 00:00:5e:00:01:6e type macvlan mode private")
	p.ip(p.balancer, "link set vrrp.110 up")
	p.ip(p.balancer, "addr add 192.168.100.221/24 dev vrrp.110")
	p.follow()
	p.expect(probedVIP)
}

func TestNothingButProbesLeavesTheirNamespace(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, true)
	watch, err := p.lab.Watch(func(f testbed.Frame) bool { return f.Port == p.balancer.Name() })
	must(t, err)
	p.expect(probedVIP)
	p.expect(probedVIP6)
	must(t, p.followLANs())
	p.follow()
	// What nobody has asked for is answered with a reset, which is no probe.
	unasked := net.Dialer{LocalAddr: &net.TCPAddr{IP: probedVIP.AsSlice(), Port: 4711}, Timeout: time.Second / 2}
	to := netip.AddrPortFrom(p.balancer.Address(), p.space.Ports().First)
	if _, err := p.webs[0].DialFrom(t.Context(), &unasked, "tcp", to.String()); health.FailureOf(err) != health.Silent {
		t.Errorf("a connection from the VIP to a port of the probes ends with %v", err)
	}
	must(t, watch.Close())
	frames := watch.Seen()
	for _, f := range frames {
		if f.Source() == testbed.MAC(p.space.MAC()) {
			t.Errorf("a frame that is no probe: %s", f)
		}
	}
	if len(frames) == 0 {
		t.Error("not a frame was seen")
	}
}
