package netif

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// resolve runs a resolver by ARP in a host until the test ends. It refreshes every half second rather than every ten.
func (h *host) resolve(options ResolverOptions) (*Resolver, <-chan Neighbor) {
	h.t.Helper()
	return h.resolveBy(h.openARP(), options)
}

func (h *host) resolveBy(lan Discovery, options ResolverOptions) (*Resolver, <-chan Neighbor) {
	h.t.Helper()
	reports := make(chan Neighbor, 64)
	options.Notify = func(n Neighbor) { reports <- n }
	var resolver *Resolver
	h.must(func() (err error) {
		resolver, err = NewResolver(lan, options)
		return err
	})
	resolver.tracker.refresh = 500 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	heard := h.start(func() error { return lan.Run(ctx, resolver.Observe) })
	resolved := make(chan struct{})
	go func() {
		defer close(resolved)
		resolver.Run(ctx)
	}()
	h.t.Cleanup(func() {
		cancel()
		<-resolved
		resolver.Close()
		if err := <-heard; err != nil {
			h.t.Errorf("listen: %v", err)
		}
	})
	return resolver, reports
}

func isResolved(mac string) func(Neighbor) bool {
	return func(n Neighbor) bool { return n.Resolved && n.MAC.String() == mac }
}

func TestAResolverLearnsARealServerAndFollowsIt(t *testing.T) {
	a, b := newLAN(t)
	_, reports := a.resolve(ResolverOptions{Targets: []netip.Addr{server}})
	await(t, reports, "the MAC", isResolved("b8:27:eb:b3:bb:e1"))

	b.setMAC("b8:27:eb:00:00:01") // as when the NIC is replaced; the host says nothing of it
	await(t, reports, "the new MAC", isResolved("b8:27:eb:00:00:01"))
}

func TestAResolverReportsARealServerThatIsLostAndBack(t *testing.T) {
	t.Parallel()
	a, b := newLAN(t)
	_, reports := a.resolve(ResolverOptions{Targets: []netip.Addr{server}})
	await(t, reports, "the MAC", isResolved("b8:27:eb:b3:bb:e1"))

	b.setSysctl("enp1s0/arp_ignore", "8") // the host is there, and silent
	lost := await(t, reports, "the loss", func(n Neighbor) bool { return !n.Resolved })
	if lost.MAC.String() != "b8:27:eb:b3:bb:e1" || lost.Reason != "no answer to ARP for 3s" {
		t.Errorf("lost: %+v", lost)
	}
	b.setSysctl("enp1s0/arp_ignore", "0")
	back := await(t, reports, "the return", isResolved("b8:27:eb:b3:bb:e1"))
	if back.Reason != "" {
		t.Errorf("back: %+v", back)
	}
}

func TestAResolverOutlivesALinkThatFlaps(t *testing.T) {
	t.Parallel()
	a, _ := newLAN(t)
	a.setUp(false)
	_, reports := a.resolve(ResolverOptions{Targets: []netip.Addr{server}})
	down := await(t, reports, "the failure", func(n Neighbor) bool { return !n.Resolved && n.Reason != "no answer to ARP yet" })
	if want := "ARP request for 192.168.100.150 on enp1s0: write packet 00:0d:b9:41:e5:40: sendto: network is down"; down.Reason != want {
		t.Errorf("reason %q, want %q", down.Reason, want)
	}
	a.setUp(true)
	await(t, reports, "the MAC", isResolved("b8:27:eb:b3:bb:e1"))
}

func TestAResolverNeverAsksInTheNameOfAVIP(t *testing.T) {
	a, b := newLAN(t)
	a.must(func() error { // the VIP is left over from an earlier run, before the host got its own address
		if _, err := RemoveAddress(testInterface, prefix("192.168.100.210/24")); err != nil {
			return err
		}
		for _, p := range []string{"192.168.100.221/24", "192.168.100.210/24"} {
			if _, err := AddAddress(testInterface, Address{Prefix: prefix(p)}); err != nil {
				return err
			}
		}
		return nil
	})
	asked := b.listen(b.openARP())
	a.resolve(ResolverOptions{
		Targets: []netip.Addr{server},
		Exclude: func(a netip.Addr) bool { return a == vip },
	})
	await(t, asked, "a request from the host's own address", func(o Observation) bool {
		if _, by, ok := ClaimedBy(o, []netip.Addr{vip}); ok {
			t.Errorf("%s asked in the name of the VIP", by)
		}
		return o.SenderIP == addr("192.168.100.210") && o.TargetIP == server
	})
}

func TestAResolverReportsTwoHostsWithOneAddress(t *testing.T) {
	a, b := newLAN(t)
	_, reports := a.resolve(ResolverOptions{Targets: []netip.Addr{server}})
	await(t, reports, "the MAC", isResolved("b8:27:eb:b3:bb:e1"))
	// A second host on the same cable: a macvlan with the same address and a MAC of its own.
	b.withLink(func(parent netlink.Link) error {
		twin := &netlink.Macvlan{
			LinkAttrs: netlink.LinkAttrs{Name: "twin", ParentIndex: parent.Attrs().Index, HardwareAddr: macB},
			Mode:      netlink.MACVLAN_MODE_BRIDGE,
		}
		if err := netlink.LinkAdd(twin); err != nil {
			return err
		}
		if err := netlink.LinkSetUp(twin); err != nil {
			return err
		}
		return announceOn("twin", server, nil)
	})
	await(t, reports, "the conflict", func(n Neighbor) bool { return n.Resolved && n.Reason != "" })
}

func TestTargetsCanBeReplacedWhileAResolverRuns(t *testing.T) {
	a, b := newLAN(t)
	b.addAddress("192.168.100.151/24")
	resolver, reports := a.resolve(ResolverOptions{})
	resolver.SetTargets([]netip.Addr{server, addr("192.168.100.151")})
	for _, target := range []netip.Addr{server, addr("192.168.100.151")} {
		await(t, reports, target.String(), func(n Neighbor) bool { return n.Resolved && n.Address == target })
	}
}
