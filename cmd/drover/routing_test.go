package main

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"drover/bench/testbed"
)

// routed are routes and rules of an instance: by the LAN and by the interface side, which may come and go.
func routed() agreement {
	return agreement{
		version: 3, interval: 100 * time.Millisecond, vips: prefixes("192.168.100.221/24"), more: []string{`virtual_routes {
    src 192.168.100.221 to 10.77.0.0/16 via 192.168.100.4 dev enp1s0
    10.78.0.0/16 dev side metric 7
    10.79.0.0/16 via 10.0.3.9 dev side
    blackhole 10.80.0.0/16 table 200
  }
  virtual_rules {
    from 192.168.100.221/32 table 200 priority 600
  }`},
	}
}

// what `ip` prints of these.
var (
	lanRoute   = "10.77.0.0/16 via 192.168.100.4 dev enp1s0 proto keepalived src 192.168.100.221"
	sideRoutes = []string{
		"10.78.0.0/16 dev side proto keepalived scope link metric 7",
		"10.79.0.0/16 via 10.0.3.9 dev side proto keepalived",
	}
	otherTable = []string{"blackhole 10.80.0.0/16 proto keepalived", "600:	from 192.168.100.221 lookup 200 proto keepalived"}
	allRouting = slices.Concat([]string{lanRoute}, sideRoutes, otherTable)
)

// The routes and rules of an instance are where the MASTER is, and nowhere else.
func TestVirtualRoutesAndRulesGoWithTheMaster(t *testing.T) {
	t.Parallel()
	p := newPair(t, routed(), speakDrover, speakDrover)
	for _, m := range []*member{p.low, p.high} {
		p.layAside(m.Host)
	}
	p.start(p.low)
	p.untilRouted(p.low.Host, allRouting...)
	p.start(p.high)
	p.untilRouted(p.high.Host, allRouting...)
	p.untilRouted(p.low.Host)
	p.high.end(syscall.SIGTERM)
	p.untilRouted(p.high.Host)
	p.untilRouted(p.low.Host, allRouting...)
	p.low.end(syscall.SIGKILL)
	p.untilRouted(p.low.Host, allRouting...) // nobody is there to remove them
	p.must(p.low.Pull())                     // and there is a fault when the next one starts
	p.start(p.low)
	p.untilRouted(p.low.Host)
}

// A route that the kernel takes away with something else is back with it.
func TestVirtualRoutesReturnWithWhatTheyNeed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		lose, back []string
		stay       []string // while it is away
	}{
		{"an interface that goes down", []string{"ip link set side down"}, []string{"ip link set side up"},
			append([]string{lanRoute}, otherTable...)},
		{"an interface that is made again", []string{"ip link del side"}, sideCable, append([]string{lanRoute}, otherTable...)},
		{"an interface that is renamed", []string{"ip link set side name other"}, []string{"ip link set other name side"}, nil},
		{"the address that a gateway is reached by", []string{"ip address del 10.0.3.1/24 dev side"},
			[]string{"ip address add 10.0.3.1/24 dev side"}, append([]string{lanRoute}, otherTable...)},
		{"the VIP, which somebody removes", nil, []string{"ip address del 192.168.100.221/24 dev enp1s0"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, routed(), speakDrover, speakDrover)
			p.layAside(p.high.Host)
			p.start(p.high)
			p.untilRouted(p.high.Host, allRouting...)
			p.run(p.high.Host, c.lose...)
			if c.stay != nil {
				p.untilRouted(p.high.Host, c.stay...)
			}
			p.run(p.high.Host, c.back...)
			p.untilRouted(p.high.Host, allRouting...)
		})
	}
}

// Routes by an interface that is renamed while it is up go with it, and are removed there.
func TestVirtualRoutesAreRemovedFromAnInterfaceThatWasRenamed(t *testing.T) {
	t.Parallel()
	p := newPair(t, routed(), speakDrover, speakDrover)
	p.layAside(p.high.Host)
	p.start(p.high)
	p.untilRouted(p.high.Host, allRouting...)
	p.run(p.high.Host, "ip link set side name other")
	p.high.end(syscall.SIGTERM)
	p.untilRouted(p.high.Host)
}

// sideCable are commands that lay a cable to nowhere.
var sideCable = []string{
	"ip link add side type veth peer name beyond", "ip link set beyond up", "ip link set side up", "ip address add 10.0.3.1/24 dev side",
}

func (n *network) layAside(h *testbed.Host) {
	n.t.Helper()
	n.run(h, sideCable...)
}

// untilRouted waits until exactly these of all virtual routes and rules are there.
func (n *network) untilRouted(h *testbed.Host, want ...string) {
	n.t.Helper()
	var got []string
	defer func() {
		if n.t.Failed() {
			n.t.Logf("%s has %q, want %q", h.Name(), got, want)
		}
	}()
	n.until(h.Name()+" has its routes", func() (bool, error) {
		got = nil
		for _, command := range []string{"ip route show", "ip route show table 200", "ip rule show"} {
			words := strings.Fields(command)
			out, err := h.Command(n.t.Context(), words[0], words[1:]...).Output()
			if err != nil && !strings.HasSuffix(command, "200") { // a table without routes is none
				return false, err
			}
			for line := range strings.Lines(string(out)) {
				if line = strings.TrimSpace(line); strings.Contains(line, "proto keepalived") {
					got = append(got, strings.Join(strings.Split(line, " linkdown"), ""))
				}
			}
		}
		return slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))), nil
	})
}
