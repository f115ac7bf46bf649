package main

import (
	"net/netip"
	"testing"

	"drover/bench/testbed"
)

// web152 answers clients by way of the router: its cable does not lead to their LAN.
func TestFramesForARealServerOnAnotherLANLeaveByTheInterfaceThere(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"native", "generic"} {
		t.Run(mode, func(t *testing.T) {
			behind := testbed.Port{
				Interface: "enp2s0", MAC: mac(t, "00:0d:b9:33:12:a5"), LAN: "far",
				Addresses: prefixes("10.0.2.212/24", "2001:db8:200::212/64"),
			}
			n := newAlone(t, betweenLANs(), behind)
			n.addRouter(0)
			web152 := n.addFarWeb()
			n.startAlone("--xdp-mode", mode)
			n.untilUpIn(n.high, 1, 2)
			sent := n.watch(func(f testbed.Frame) bool { return f.Port == n.high.Name() && isFor(f, vip, vip6) })
			for _, address := range []netip.Addr{vip, vip6} {
				n.mustAlternate(address, 6)
			}
			n.must(sent.Close())
			frames := make(map[string]int)
			for _, f := range sent.Seen() {
				to := n.lab.HostByMAC(f.Destination())
				frames[to]++
				near := f.LAN == "" && f.Source() == n.high.MAC() && to == "web150"
				far := f.LAN == "far" && f.Source() == behind.MAC && f.Destination() == web152.MAC()
				if !near && !far {
					t.Errorf("on LAN %q there is %s", f.LAN, f)
				}
			}
			if frames["web150"] == 0 || frames["web152"] == 0 {
				t.Errorf("frames sent: %v", frames)
			}
			s, err := n.status(n.high)
			n.must(err)
			if len(s.Interfaces) != 2 || s.Interfaces[0].XDPMode != mode || s.Interfaces[1].XDPMode != mode {
				t.Errorf("status shows interfaces %+v, want two in mode %s", s.Interfaces, mode)
			}
		})
	}
}

// isFor tells whether a frame carries a packet for one of the addresses.
func isFor(f testbed.Frame, addresses ...netip.Addr) bool {
	ip, is := f.IP()
	for _, a := range addresses {
		if is && ip.Destination == a {
			return true
		}
	}
	return false
}

// betweenLANs is the configuration of a balancer with web150 on the first LAN and web152 on the other.
func betweenLANs() string {
	return virtualServer(vip.String()+" 80", "rr", "TCP", unchecked("192.168.100.150 80", 1), unchecked("10.0.2.152 80", 1)) +
		virtualServer(vip6.String()+" 80", "rr", "TCP",
			unchecked("2001:db8:100::150 80", 1), unchecked("2001:db8:200::152 80", 1))
}

// addFarWeb boots a web server on the far LAN.
func (n *network) addFarWeb() *testbed.Host {
	n.t.Helper()
	spec := webSpec(n.t, "web152", "b8:27:eb:00:00:03", "10.0.2.152/24", "2001:db8:200::152/64")
	spec.LAN = "far"
	spec.Gateways = []netip.Addr{netip.MustParseAddr("10.0.2.1"), netip.MustParseAddr("2001:db8:200::1")}
	return n.addWeb(spec)
}
