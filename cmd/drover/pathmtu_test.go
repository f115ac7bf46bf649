package main

import (
	"net/netip"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"drover/bench/testbed"
)

const (
	// narrow is the MTU of the link behind the router, in bytes. IPv6 wants at least 1280.
	narrow         = 1300
	ethernetHeader = 14
)

// The real servers hold the VIP, so the router's complaint about their long segments goes to the VIP: to the balancer.
func TestTheComplaintOfARouterReachesTheRealServerThatItIsAbout(t *testing.T) {
	t.Parallel()
	n := newAlone(t, virtualServer(vip.String()+" 80", "rr", "TCP", bothWebs("80", 1, 1)...)+
		virtualServer(vip6.String()+" 80", "rr", "TCP", bothWebs6("80")...))
	router, far := n.addRouter(narrow)
	n.startAlone()
	n.untilUpIn(n.high, 1, 2)
	for _, c := range []struct {
		name     string
		address  netip.Addr
		protocol layers.IPProtocol
		icmp     [2]byte // type and code
	}{
		{"fragmentation needed", vip, layers.IPProtocolICMPv4, [2]byte{3, 4}},
		{"packet too big", vip6, layers.IPProtocolICMPv6, [2]byte{2, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.t = t
			complaints := n.watch(func(f testbed.Frame) bool {
				ip, is := f.IP()
				return is && ip.Destination == c.address && ip.Protocol == uint8(c.protocol) && [2]byte(ip.Payload) == c.icmp
			})
			long := n.watch(func(f testbed.Frame) bool {
				ip, is := f.IP()
				return is && ip.Source == c.address && len(f.Data) > ethernetHeader+narrow
			})
			for range 2 { // for each real server one
				conn, err := n.dial(far, c.address)
				n.must(err)
				defer conn.Close()
				n.must(conn.download(1<<20, func() {}))
			}
			n.must(complaints.Close())
			n.must(long.Close())
			n.mustReachAll(complaints.Seen(), router)
			// What was on its way when the complaint came: far less than the download.
			if segments := len(long.Seen()); segments == 0 || segments > 100 {
				t.Errorf("%d segments were too long for the router", segments)
			}
		})
	}
}

// mustReachAll holds that the balancer sent every packet of a host on as it came, and that each web server got one.
func (n *network) mustReachAll(frames []testbed.Frame, from *testbed.Host) {
	n.t.Helper()
	reached := make(map[string]bool)
	var waiting []testbed.Frame
	for _, f := range frames {
		switch {
		case f.Port == from.Name():
			waiting = append(waiting, f)
		case len(waiting) == 0 || !f.SameIP(waiting[0]) || f.Source() != n.high.MAC():
			n.t.Errorf("%s sends %s, which nobody sent it", f.Port, f)
		default:
			waiting = waiting[1:]
			reached[n.lab.HostByMAC(f.Destination())] = true
		}
	}
	if len(waiting) > 0 || !reached["web150"] || !reached["web151"] {
		n.t.Errorf("of %d frames %d are not sent on; they reach %v", len(frames), len(waiting), reached)
	}
}
