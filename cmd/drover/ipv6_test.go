package main

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// newNetwork6 boots a balancer of an instance whose second address is of IPv6, two web servers and a client.
func newNetwork6(t *testing.T) *network {
	t.Helper()
	n := newLAN(t)
	spec := aloneSpec(t, with6(instance(12, vip.String()))+service6(vip6)+service6(otherVIP6))
	spec.Addresses = prefixes("192.168.100.212/24", "2001:db8:100::212/64")
	n.high = n.addHost(spec)
	// Deprecated, so that the balancer itself does not speak in the name of what the web servers hold too.
	n.must(n.high.Command(t.Context(), "ip", "address", "add", otherVIP6.String()+"/128", "dev", n.high.Interface(),
		"nodad", "preferred_lft", "0").Run())
	n.client = n.addHost(testbed.HostSpec{Name: "client", Interface: "eth0", Addresses: prefixes("2001:db8:100::4/64")})
	n.addWeb(webSpec(t, "web150", "b8:27:eb:b3:bb:e1", "2001:db8:100::150/64"))
	n.addWeb(webSpec(t, "web151", "b8:27:eb:92:a5:e2", "2001:db8:100::151/64"))
	return n
}

// with6 gives an instance an address of IPv6.
func with6(instance string) string {
	end := len(instance) - len("}\n")
	return instance[:end] + "  virtual_ipaddress_excluded {\n    2001:db8:100::221/64\n  }\n}\n"
}

func service6(address netip.Addr) string {
	return virtualServer(address.String()+" 80", "rr", "TCP",
		realServer("2001:db8:100::150 80", 1), realServer("2001:db8:100::151 80", 1))
}

func TestServicesOfIPv6WithAndWithoutVRRP(t *testing.T) {
	t.Parallel()
	n := newNetwork6(t)
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	for _, address := range []netip.Addr{vip6, otherVIP6} {
		n.mustAlternate(address, 6)
	}
	held, who := n.hold(vip6)

	n.must(n.webs[0].Pull())
	n.untilStatus(n.high, "one real server up in each service", func(s api.Status) bool {
		return upIn(s, 0) == 1 && upIn(s, 1) == 1
	})
	for _, address := range []netip.Addr{vip6, otherVIP6} {
		if answers := n.count(10, address); answers["web151"] != 10 {
			t.Errorf("with web150 unplugged %s is answered by %v", address, answers)
		}
	}
	n.must(n.webs[0].Plug())
	n.untilUp(n.high, 2)
	n.mustStay(held, who)

	d.stop()
	if n.holds(n.high, vip6) || !n.holds(n.high, otherVIP6) {
		t.Errorf("after the stop the host holds %v, of the VIPs it must hold only %s", n.addressesOf(n.high), otherVIP6)
	}
}

// mustAlternate holds new connections to a strict order: each goes to the other web server than the one before.
func (n *network) mustAlternate(address netip.Addr, connections int) {
	n.t.Helper()
	var answers []string
	for range connections {
		who, err := n.getFrom(n.client, address)
		n.must(err)
		answers = append(answers, who)
	}
	for i := 1; i < len(answers); i++ {
		if answers[i] == answers[i-1] {
			n.t.Fatalf("%s is not answered in turn: %v", address, answers)
		}
	}
}

func TestAVIPOfIPv6MovesToTheBackupOfAMasterThat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		lose func(master *runningDaemon)
	}{
		{"was killed with -9", func(master *runningDaemon) { master.kill() }},
		{"is stopped with SIGTERM", func(master *runningDaemon) { master.signal(syscall.SIGTERM) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork6(t)
			n.low = n.addHost(testbed.HostSpec{
				Name: "low", Interface: "enp1s0", MAC: mac(t, "00:0d:b9:41:e0:7c"),
				Addresses: prefixes("192.168.100.211/24", "2001:db8:100::211/64"),
				Files:     map[string]string{defaultConfig: with6(instance(11, vip.String())) + service6(vip6)},
			})
			_, high := n.startPair()
			adverts := n.watchAdverts()
			client := n.steadily(n.client, vip6, 50*time.Millisecond)
			adverts.next(n.high)
			c.lose(high)
			taken := adverts.next(n.low)
			sent := n.watchSent(n.client, vip6)
			n.mustServe(client, taken.at.Add(200*time.Millisecond), 2*time.Second)
			n.mustSendTo(sent, n.low, taken.at.Add(200*time.Millisecond))
		})
	}
}
