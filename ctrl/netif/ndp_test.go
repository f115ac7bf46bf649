package netif

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

var server6 = netip.MustParseAddr("2001:db8::150")

// newLAN6 is newLAN with IPv6: 2001:db8::210/64 and 2001:db8::150/64, beside link-local addresses.
func newLAN6(t *testing.T) (balancer, server *host) {
	t.Helper()
	balancer, server = newLAN(t)
	balancer.addAddress("2001:db8::210/64")
	server.addAddress("2001:db8::150/64")
	return balancer, server
}

func isAnswer(o Observation) bool { return o.Op == OperationReply && o.SenderIP == server6 }

// askUntilAnswered repeats a solicitation for the server: the kernel takes its time until an address is in use.
func askUntilAnswered(t *testing.T, asker *NDP, heard <-chan Observation) Observation {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(deadline); time.Now().Before(end); {
		if err := asker.Solicit(addr("2001:db8::210"), server6); err != nil {
			t.Fatal(err)
		}
		for asked := true; asked; {
			select {
			case o := <-heard:
				if isAnswer(o) {
					return o
				}
			case <-again.C:
				asked = false
			}
		}
	}
	t.Fatal("waited in vain for an advertisement")
	return Observation{}
}

func TestASolicitationIsAnsweredByItsTarget(t *testing.T) {
	a, _ := newLAN6(t)
	asker := a.openNDP()
	heard := a.listen(asker)
	got := askUntilAnswered(t, asker, heard)
	if got.TargetIP != addr("2001:db8::210") || got.SenderMAC.String() != "b8:27:eb:b3:bb:e1" || got.Weak {
		t.Errorf("advertisement %+v", got)
	}
	if err := asker.requestFrom(addr("2001:db8::210"), server6, mac("b8:27:eb:b3:bb:e1")); err != nil {
		t.Fatal(err)
	}
	got = await(t, heard, "the answer to the question by unicast", func(o Observation) bool { return isAnswer(o) && o.Weak })
	if got.SenderMAC.String() != "b8:27:eb:b3:bb:e1" || got.EthernetSource.String() != "b8:27:eb:b3:bb:e1" {
		t.Errorf("advertisement %+v", got)
	}
}

func TestNobodyAnswersForAVIPThatARealServerHoldsOnItsLoopback(t *testing.T) {
	a, b := newLAN6(t)
	b.must(func() error {
		_, err := AddAddress("lo", Address{Prefix: prefix("2001:db8::221/128")})
		return err
	})
	asker := a.openNDP()
	heard := a.listen(asker)
	askUntilAnswered(t, asker, heard)
	for _, target := range []string{"2001:db8::221", "2001:db8::150"} {
		if err := asker.Solicit(addr("2001:db8::210"), addr(target)); err != nil {
			t.Fatal(err)
		}
	}
	// An answer for the VIP would have come before this one.
	await(t, heard, "the answer for its own address", func(o Observation) bool {
		if o.Op == OperationReply && o.SenderIP == addr("2001:db8::221") {
			t.Errorf("%s claims the VIP", o.SenderMAC)
		}
		return isAnswer(o)
	})
}

func TestOpeningNDPNeedsAnEthernetInterface(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		if _, err := OpenNDP("lo"); err == nil || err.Error() != "open NDP on lo: not an Ethernet interface" {
			t.Errorf("opened on the loopback interface: %v", err)
		}
		return nil
	})
}

func TestAResolverLearnsAnIPv6RealServerAndFollowsIt(t *testing.T) {
	t.Parallel()
	a, b := newLAN6(t)
	_, reports := a.resolveBy(a.openNDP(), ResolverOptions{Targets: []netip.Addr{server6}})
	await(t, reports, "the MAC", isResolved("b8:27:eb:b3:bb:e1"))

	b.setMAC("b8:27:eb:00:00:01") // as when the NIC is replaced; the host says nothing of it
	await(t, reports, "the new MAC", isResolved("b8:27:eb:00:00:01"))
}

func TestAResolverReportsAnIPv6RealServerThatIsLostAndBack(t *testing.T) {
	t.Parallel()
	a, b := newLAN6(t)
	_, reports := a.resolveBy(a.openNDP(), ResolverOptions{Targets: []netip.Addr{server6}})
	await(t, reports, "the MAC", isResolved("b8:27:eb:b3:bb:e1"))

	b.must(func() error {
		_, err := RemoveAddress(testInterface, prefix("2001:db8::150/64"))
		return err
	})
	lost := await(t, reports, "the loss", func(n Neighbor) bool { return !n.Resolved })
	if lost.MAC.String() != "b8:27:eb:b3:bb:e1" || lost.Reason != "no answer to NDP for 3s" {
		t.Errorf("lost: %+v", lost)
	}
	b.addAddress("2001:db8::150/64")
	back := await(t, reports, "the return", isResolved("b8:27:eb:b3:bb:e1"))
	if back.Reason != "" {
		t.Errorf("back: %+v", back)
	}
}

func TestAResolverNeverAsksInTheNameOfALinkLocalVIP(t *testing.T) {
	a, b := newLAN6(t)
	vip := addr("fe80::221")
	a.addAddress("fe80::221/64") // the kernel lists it before the host's own
	asked := b.listen(b.openNDP())
	a.resolveBy(a.openNDP(), ResolverOptions{
		Targets: []netip.Addr{server6},
		Exclude: func(a netip.Addr) bool { return a == vip },
	})
	await(t, asked, "a solicitation from the host's own address", func(o Observation) bool {
		if _, by, ok := ClaimedBy(o, []netip.Addr{vip}); ok {
			t.Errorf("%s asked in the name of the VIP", by)
		}
		return o.Op == OperationRequest && o.TargetIP == server6 && o.SenderIP.Is6() && !o.SenderIP.IsUnspecified()
	})
}

func TestAResolverDoesNotAskFromAnAddressThatMayBeADuplicate(t *testing.T) {
	a, b := newLAN(t)
	b.addAddress("2001:db8::150/64")
	a.withLink(func(link netlink.Link) error { // with duplicate address detection, which the other host lets fail
		address, err := netlink.ParseAddr("2001:db8::150/64")
		if err != nil {
			return err
		}
		return netlink.AddrAdd(link, address)
	})
	failed := make(chan netlink.AddrUpdate, 64)
	stop := make(chan struct{})
	defer close(stop)
	a.must(func() error {
		return netlink.AddrSubscribeWithOptions(failed, stop, netlink.AddrSubscribeOptions{ListExisting: true})
	})
	await(t, failed, "the duplicate", func(u netlink.AddrUpdate) bool { return u.Flags&unix.IFA_F_DADFAILED != 0 })

	lan := a.openNDP()
	var resolver *Resolver
	a.must(func() (err error) {
		resolver, err = NewResolver(lan, ResolverOptions{})
		return err
	})
	defer resolver.Close()
	held, err := resolver.addresses()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range held {
		if p.Addr() == server6 {
			t.Errorf("%s is among %v", server6, held)
		}
	}
}

func TestAnAnnouncementOfAVIPOverridesWhatOtherHostsKnow(t *testing.T) {
	a, b := newLAN6(t)
	vip := addr("2001:db8::221")
	heard := b.listen(b.openNDP())
	b.withLink(func(link netlink.Link) error {
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: link.Attrs().Index, State: unix.NUD_REACHABLE, IP: vip.AsSlice(), HardwareAddr: mac("00:0d:b9:00:00:99"),
		})
	})
	a.announce(vip, nil)
	got := await(t, heard, "the announcement", func(o Observation) bool { return o.SenderIP == vip })
	if got.Op != OperationReply || got.Weak || got.SenderMAC.String() != got.EthernetSource.String() {
		t.Errorf("announcement %+v", got)
	}
	for end := time.Now().Add(deadline); b.neighborMAC(vip) != got.SenderMAC.String(); {
		if time.Now().After(end) {
			t.Fatalf("the other host still has %s at %s", vip, b.neighborMAC(vip))
		}
	}
}

// neighborMAC is what the host's kernel knows of a neighbor.
func (h *host) neighborMAC(address netip.Addr) (known string) {
	h.withLink(func(link netlink.Link) error {
		list, err := netlink.NeighList(link.Attrs().Index, netlink.FAMILY_V6)
		for _, n := range list {
			if n.IP.Equal(address.AsSlice()) {
				known = n.HardwareAddr.String()
			}
		}
		return err
	})
	return known
}

func TestAProbeFindsAnotherHostThatHasTheVIP(t *testing.T) {
	a, b := newLAN6(t)
	vip := addr("2001:db8::221")
	b.addAddress("2001:db8::221/64")
	prober, wire := a.openNDP(), b.sniff(unix.ETH_P_IPV6)
	heard := a.listen(prober)
	if by := probeUntilClaimed(t, prober.Probe, heard, vip); by.String() != "b8:27:eb:b3:bb:e1" {
		t.Errorf("claimed by %s", by)
	}
	got := frame(t, wire, func(f []byte) bool { return f[54] == neighborSolicitation && fromMAC(f, "00:0d:b9:41:e5:40") })
	want := unhex(t, "3333ff000221 000db941e540 86dd 60000000 0018 3aff 00000000000000000000000000000000"+
		"ff0200000000000000000001ff000221 8700") // RFC 4862, 5.4.2; no option
	if !bytes.Equal(got[:len(want)], want) || len(got) != len(want)+22 {
		t.Errorf("got  %x\nwant %x and 22 bytes", got, want)
	}
}

func TestAnAnnouncementIsARoutersWhereTheInterfaceForwards(t *testing.T) {
	a, b := newLAN6(t)
	wire := b.sniff(unix.ETH_P_IPV6)
	for _, test := range []struct {
		forwarding string
		flags      byte
	}{{"0", overrideFlag}, {"1", overrideFlag | routerFlag}} {
		a.must(func() error { return writeSysctl("ipv6", testInterface, "forwarding", test.forwarding) })
		a.announce(addr("2001:db8::221"), nil)
		got := frame(t, wire, func(f []byte) bool { return f[54] == neighborAdvertisement && fromMAC(f, "00:0d:b9:41:e5:40") })
		if got[58] != test.flags {
			t.Errorf("forwarding %s: flags %#x, want %#x", test.forwarding, got[58], test.flags)
		}
	}
}

// probeUntilClaimed repeats a probe, because the kernel takes its time until an address is in use, and returns the MAC of
// the first answer.
func probeUntilClaimed(t *testing.T, probe func(netip.Addr) error, heard <-chan Observation, vip netip.Addr) (by net.HardwareAddr) {
	t.Helper()
	eventually(t, "an answer to a probe", func() error {
		if err := probe(vip); err != nil {
			t.Fatal(err)
		}
		for {
			select {
			case o := <-heard:
				if _, mac, ok := ClaimedBy(o, []netip.Addr{vip}); ok {
					by = mac
					return nil
				}
			default:
				return errors.New("none yet")
			}
		}
	})
	return by
}
