package main

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"drover/ctrl/api"
)

// Two instances of which one has a fault: in a group both move to the other member, otherwise one.
func TestInstancesOfAGroupMoveTogether(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		group  string
		states [2]string // of the member with the fault
	}{
		{"with a group", "vrrp_sync_group BOTH {\n  group {\n    SERVICE\n    OTHER\n  }\n}\n", [2]string{"FAULT", "FAULT"}},
		{"without a group", "", [2]string{"FAULT", "MASTER"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, agreement{
				version: 3, interval: 100 * time.Millisecond, vips: prefixes("192.168.100.221/24"),
				more: []string{"track_interface {\n    side\n  }"},
			}, speakDrover, speakDrover)
			other := [2]string{"BACKUP", "BACKUP"}
			for i := range other {
				if c.states[i] == "FAULT" {
					other[i] = "MASTER"
				}
			}
			for _, m := range []*member{p.high, p.low} {
				p.run(m.Host, "ip link add side type veth peer name beyond", "ip link set beyond up", "ip link set side up")
				p.beside = c.group + secondInstance(m.priority, p.interval)
				p.start(m)
			}
			p.untilStatesOf(p.high, [2]string{"MASTER", "MASTER"})
			p.untilStatesOf(p.low, [2]string{"BACKUP", "BACKUP"})
			p.run(p.high.Host, "ip link set side down")
			p.untilStatesOf(p.high, c.states)
			p.untilStatesOf(p.low, other)
			for i, address := range []netip.Addr{vip, otherVIP} {
				if holds := p.holds(p.low.Host, address); holds != (other[i] == "MASTER") {
					t.Errorf("%s holds %s: %t", p.low.Name(), address, holds)
				}
			}
			p.run(p.high.Host, "ip link set side up")
			p.untilStatesOf(p.high, [2]string{"MASTER", "MASTER"})
			p.untilStatesOf(p.low, [2]string{"BACKUP", "BACKUP"})
		})
	}
}

// secondInstance is an instance of the other VIP, which tracks nothing.
func secondInstance(priority int, interval time.Duration) string {
	return fmt.Sprintf("vrrp_instance OTHER {\n  version 3\n  interface enp1s0\n  virtual_router_id 111\n  priority %d\n"+
		"  advert_int %g\n  virtual_ipaddress {\n    %s/24\n  }\n}\n", priority, interval.Seconds(), otherVIP)
}

func (p *pair) untilStatesOf(m *member, states [2]string) {
	p.t.Helper()
	p.untilStatus(m.Host, fmt.Sprint(states), func(s api.Status) bool {
		return len(s.Instances) == 2 && s.Instances[0].State == states[0] && s.Instances[1].State == states[1]
	})
}
