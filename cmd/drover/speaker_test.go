package main

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"drover/bench/testbed"
)

// agreement is what the members of a virtual router have in common, beside its id 110.
type agreement struct {
	version  int
	interval time.Duration
	vips     []netip.Prefix // of one family; of IPv6 the first is link-local
	excluded []netip.Prefix // held and announced, not advertised; of any family
	unicast  bool           // the members are low and high
	vmac     bool
	more     []string // further settings of keepalived.conf
	beside   string   // other blocks of keepalived.conf
}

// addressOf is a host's address of the agreement's family, of more than the link.
func (a agreement) addressOf(h *testbed.Host) netip.Addr {
	interfaces, err := h.Interfaces()
	if err != nil {
		return netip.Addr{} // which no program takes
	}
	for _, i := range interfaces {
		for _, p := range i.Addresses {
			if i.Name == h.Interface() && p.Addr().Is6() == a.vips[0].Addr().Is6() && p.Addr().IsGlobalUnicast() {
				return p.Addr()
			}
		}
	}
	return netip.Addr{}
}

// keepalived is the vrrp_instance of a member.
func (a agreement) keepalived(own, peer *testbed.Host, priority int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nvrrp_instance SERVICE {\n  version %d\n  interface %s\n  virtual_router_id 110\n  priority %d\n  advert_int %g\n",
		a.version, own.Interface(), priority, a.interval.Seconds())
	if a.version == 2 {
		b.WriteString("  authentication {\n    auth_type PASS\n    auth_pass def345\n  }\n")
	}
	if a.unicast {
		fmt.Fprintf(&b, "  unicast_src_ip %s\n  unicast_peer {\n    %s\n  }\n", a.addressOf(own), a.addressOf(peer))
	}
	if a.vmac {
		b.WriteString("  use_vmac\n")
	}
	for _, setting := range a.more {
		fmt.Fprintf(&b, "  %s\n", setting)
	}
	writeAddresses(&b, "virtual_ipaddress", a.vips)
	if len(a.excluded) > 0 {
		writeAddresses(&b, "virtual_ipaddress_excluded", a.excluded)
	}
	return b.String() + "}\n" + a.beside
}

func writeAddresses(b *strings.Builder, block string, addresses []netip.Prefix) {
	fmt.Fprintf(b, "  %s {\n", block)
	for _, address := range addresses {
		fmt.Fprintf(b, "    %s\n", address)
	}
	b.WriteString("  }\n")
}

// frr is the configuration of FRR's vrrpd.
func (a agreement) frr(own *testbed.Host, priority int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "interface %s\n vrrp 110 version %d\n vrrp 110 priority %d\n vrrp 110 advertisement-interval %d\n",
		own.Interface(), a.version, priority, a.interval.Milliseconds())
	for _, address := range a.vips {
		family := "ip"
		if address.Addr().Is6() {
			family = "ipv6"
		}
		fmt.Fprintf(&b, " vrrp 110 %s %s\n", family, address.Addr())
	}
	return b.String()
}

// skew is what a backup waits beyond three intervals (RFC 3768 section 6.1, RFC 9568 section 6.1), or after a goodbye.
func (a agreement) skew(priority int) time.Duration {
	if a.version == 2 {
		return time.Duration(256-priority) * time.Second / 256
	}
	return time.Duration(256-priority) * a.interval / 256
}

// speaker is a program that speaks VRRP. It starts on a host, with the other one as its peer, and is ended by a signal.
type speaker func(n *network, own, peer *testbed.Host, a agreement, priority int) (end func(syscall.Signal))

func speakDrover(n *network, own, peer *testbed.Host, a agreement, priority int) func(syscall.Signal) {
	n.t.Helper()
	n.must(own.WriteFile(defaultConfig, a.keepalived(own, peer, priority)))
	d := n.start(own)
	return func(s syscall.Signal) { d.signal(s); d.Wait() }
}

func speakKeepalived(n *network, own, peer *testbed.Host, a agreement, priority int) func(syscall.Signal) {
	n.t.Helper()
	n.must(own.WriteFile(defaultConfig, a.keepalived(own, peer, priority)))
	k := n.startKeepalived(own)
	return func(s syscall.Signal) { n.endKeepalived(k, s) }
}

// speakFRR runs FRR's zebra and vrrpd. A virtual router of theirs is a macvlan that has its MAC address and its VIPs,
// which must be there before; they take it down while they are not master.
func speakFRR(n *network, own, _ *testbed.Host, a agreement, priority int) func(syscall.Signal) {
	n.t.Helper()
	n.prepareFRR(own, a)
	n.must(own.WriteFile("/etc/frr/vrrpd.conf", a.frr(own, priority)))
	n.must(own.WriteFile("/etc/frr/zebra.conf", ""))
	zebra := n.startFRR(own, "zebra")
	n.until("zebra answers", func() (bool, error) {
		return own.Command(n.t.Context(), "test", "-S", "/run/frr/zserv.api").Run() == nil, nil
	})
	vrrpd := n.startFRR(own, "vrrpd")
	return func(s syscall.Signal) {
		for _, cmd := range []*testbed.Cmd{vrrpd, zebra} {
			cmd.Process.Signal(s)
			cmd.Wait()
		}
		n.run(own, "rm -f /run/frr/zserv.api")
	}
}

// prepareFRR makes what FRR does not make, once on a host: places for its files, and the macvlan.
func (n *network) prepareFRR(h *testbed.Host, a agreement) {
	n.t.Helper()
	const virtualRouter = "vrrp"
	interfaces, err := h.Interfaces()
	n.must(err)
	if slices.ContainsFunc(interfaces, func(i testbed.Interface) bool { return i.Name == virtualRouter }) {
		return
	}
	n.run(h, "mkdir /run/frr", "chown frr:frr /run/frr", "mount -t tmpfs frr /var/tmp")
	number := 1
	if a.vips[0].Addr().Is6() {
		number = 2
	}
	n.run(h, "ip link add vrrp link "+h.Interface()+" type macvlan mode bridge",
		fmt.Sprintf("ip link set vrrp address 00:00:5e:00:%02d:6e", number))
	for _, address := range a.vips {
		n.run(h, "ip address add "+address.String()+" dev vrrp")
	}
	n.run(h, "ip link set vrrp up")
}

// startFRR runs one of FRR's programs in the foreground.
func (n *network) startFRR(h *testbed.Host, program string) *testbed.Cmd {
	n.t.Helper()
	path := "/usr/lib/frr/" + program
	if _, err := os.Stat(path); err != nil {
		skip(n.t, "FRR is not installed")
	}
	cmd, log := h.Command(n.t.Context(), path, "-u", "frr", "-g", "frr", "-f", "/etc/frr/"+program+".conf",
		"-i", "/run/frr/"+program+".pid", "-z", "/run/frr/zserv.api", "--vty_socket", "/run/frr", "-P", "0",
		"--log", "stdout", "--log-level", "debug"), new(logText)
	cmd.Stdout, cmd.Stderr = log, log
	n.must(cmd.Start())
	n.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if n.t.Failed() {
			n.t.Logf("log of %s on %s:\n%s", program, h.Name(), log)
		}
	})
	return cmd
}
