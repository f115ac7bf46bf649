package main

import (
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// An instance whose interface is of no use is in state FAULT and says why. When the interface is back it is MASTER again,
// with its VIP.
func TestAnInstanceReturnsWithItsInterface(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		vmac       bool
		lose, back []string // commands
		reason     string
	}{
		{"that lost its carrier", false, []string{"ip link set far down"}, []string{"ip link set far up"}, "near is down"},
		{"that was taken down", false, []string{"ip link set near down"}, []string{"ip link set near up"}, "near is down"},
		{"that lost its address", false, []string{"ip address del 10.0.3.1/24 dev near"}, []string{"ip address add 10.0.3.1/24 dev near"},
			"address"},
		{"that was renamed", false, []string{"ip link set near down", "ip link set near name other", "ip link set other up"},
			[]string{"ip link set other down", "ip link set other name near", "ip link set near up"}, "near"},
		// Since Linux 6.2. There is no moment in which the interface has its name and is down.
		{"that was renamed while it was up", false, []string{"ip link set near name other"}, []string{"ip link set other name near"}, "near"},
		{"whose name another one has now", false, []string{"ip link set near name other"}, another, "near"},
		{"whose name another one has now, with a virtual MAC", true, []string{"ip link set near name other"}, another, "near"},
		{"that was removed and made again", false, []string{"ip link del near"}, laid, "near"},
		{"that was removed and made again, with a virtual MAC", true, []string{"ip link del near"}, laid, "near"},
		{"whose VIP somebody removes", false, nil, []string{"ip address del 10.0.3.221/24 dev near"}, ""},
		{"whose VIP somebody removes from a virtual MAC", true, nil, []string{"ip address del 10.0.3.221/24 dev vrrp.110"}, ""},
		{"whose virtual MAC somebody removes", true, nil, []string{"ip link del vrrp.110"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newLAN(t)
			h := n.addHost(testbed.HostSpec{Name: "high", Interface: "enp1s0"})
			n.run(h, laid...)
			a := agreement{version: 3, interval: 100 * time.Millisecond, vips: prefixes("10.0.3.221/24"), vmac: c.vmac}
			config := strings.Replace(a.keepalived(h, h, 200), "interface enp1s0", "interface near", 1)
			n.must(h.WriteFile(defaultConfig, config))
			n.start(h)
			n.untilMasterWith(h, a)
			if c.lose != nil {
				n.run(h, c.lose...)
				s := n.untilStatus(h, "FAULT", func(s api.Status) bool { return s.Instances[0].State == "FAULT" })
				if reason := s.Instances[0].Reason; !strings.Contains(reason, c.reason) {
					t.Errorf("status gives as reason %q, want one of %s", reason, c.reason)
				}
				n.until("the VIP is gone", func() (bool, error) { holds, err := h.Holds(a.vips[0].Addr()); return !holds, err })
			}
			n.run(h, c.back...)
			n.untilMasterWith(h, a)
		})
	}
}

// laid are the commands that lay a cable from an interface to another one of the same host.
var laid = []string{
	"ip link add near type veth peer name far", "ip link set far up", "ip link set near up", "ip address add 10.0.3.1/24 dev near",
}

// another are commands that lay another cable, with the names and the address of the one before.
var another = append([]string{"ip address del 10.0.3.1/24 dev other", "ip link set far name away"}, laid...)

// run runs commands on a host, one after the other.
func (n *network) run(h *testbed.Host, commands ...string) {
	n.t.Helper()
	for _, command := range commands {
		words := strings.Fields(command)
		_, err := h.Command(n.t.Context(), words[0], words[1:]...).Output()
		n.must(err)
	}
}

// untilMasterWith waits until the only instance of a host is MASTER and holds its VIPs.
func (n *network) untilMasterWith(h *testbed.Host, a agreement) {
	n.t.Helper()
	n.until(h.Name()+" is MASTER with its VIPs", func() (bool, error) {
		s, err := n.status(h)
		if err != nil || len(s.Instances) != 1 || s.Instances[0].State != "MASTER" {
			return false, nil
		}
		return h.Holds(a.vips[0].Addr())
	})
}

// An instance that waits for its interface keeps no other one from its addresses, and a reload is refused only for an
// interface that nobody has seen yet.
func TestAnInstanceWaitsForAnInterfaceThatIsNotThereAtTheStart(t *testing.T) {
	t.Parallel()
	n := newLAN(t)
	h := n.addHost(testbed.HostSpec{Name: "high", Interface: "enp1s0", Addresses: prefixes("10.0.4.1/24")})
	waiting := agreement{version: 3, interval: 100 * time.Millisecond, vips: prefixes("10.0.3.221/24")}
	there := agreement{version: 3, interval: 100 * time.Millisecond, vips: prefixes("10.0.4.221/24")}
	on := func(a agreement, name, ifname string) string {
		return strings.NewReplacer("SERVICE", name, "interface enp1s0", "interface "+ifname).Replace(a.keepalived(h, h, 200))
	}
	both := on(there, "THERE", "enp1s0") + on(waiting, "WAITING", "near")
	n.must(h.WriteFile(defaultConfig, both))
	daemon := n.start(h)
	states := func(want ...string) func(api.Status) bool {
		return func(s api.Status) bool {
			return len(s.Instances) == 2 && s.Instances[0].State == want[0] && s.Instances[1].State == want[1]
		}
	}
	s := n.untilStatus(h, "one is MASTER, the other waits", states("MASTER", "FAULT"))
	if reason := s.Instances[1].Reason; !strings.Contains(reason, "near") {
		t.Errorf("it is in FAULT because %q, want its interface there", reason)
	}
	if !strings.Contains(daemon.log.String(), `no interface \"near\" on this host`) {
		t.Errorf("nobody is told of the interface:\n%s", daemon.log.String())
	}
	n.reload(h, both+"\n")
	n.must(h.WriteFile(defaultConfig, strings.ReplaceAll(both, "interface near", "interface naer")))
	if stdout, _, code := n.ask(h, "reload"); code != exitFailed || !strings.Contains(stdout, `no interface "naer"`) {
		t.Errorf("a reload with another name that nobody has exits with %d and says %q", code, stdout)
	}
	n.untilStatus(h, "nothing has changed", states("MASTER", "FAULT"))
	n.run(h, laid...)
	n.untilStatus(h, "both are MASTER", states("MASTER", "MASTER"))
	n.until("the VIP is there", func() (bool, error) { return h.Holds(waiting.vips[0].Addr()) })
}

func TestWithDynamicInterfacesTheOnlyInstanceMayWaitForItsInterface(t *testing.T) {
	t.Parallel()
	n := newLAN(t)
	h := n.addHost(testbed.HostSpec{Name: "high", Interface: "enp1s0"})
	a := agreement{version: 3, interval: 100 * time.Millisecond, vips: prefixes("10.0.3.221/24")}
	config := strings.Replace(a.keepalived(h, h, 200), "interface enp1s0", "interface near", 1)
	n.must(h.WriteFile(defaultConfig, "global_defs {\n  dynamic_interfaces\n}\n"+config))
	n.start(h)
	s := n.untilStatus(h, "FAULT", func(s api.Status) bool { return len(s.Instances) == 1 && s.Instances[0].State == "FAULT" })
	if reason := s.Instances[0].Reason; !strings.Contains(reason, "near") {
		t.Errorf("it is in FAULT because %q, want its interface there", reason)
	}
	n.run(h, laid...)
	n.untilMasterWith(h, a)
}
