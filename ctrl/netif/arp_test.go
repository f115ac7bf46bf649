package netif

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

var vip = netip.MustParseAddr("192.168.100.221")

func fromMAC(f []byte, source string) bool { return bytes.Equal(f[6:12], mac(source)) }

func TestAnAnnouncementIsAGratuitousRequestByteForByte(t *testing.T) {
	a, b := newLAN(t)
	wire := b.sniff(unix.ETH_P_ARP)
	a.announce(vip, nil)
	got := frame(t, wire, func(f []byte) bool { return fromMAC(f, "00:0d:b9:41:e5:40") })
	want := []byte{
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x0d, 0xb9, 0x41, 0xe5, 0x40, 0x08, 0x06, // Ethernet
		0, 1, 8, 0, 6, 4, 0, 1, // IPv4 over Ethernet, request
		0x00, 0x0d, 0xb9, 0x41, 0xe5, 0x40, 192, 168, 100, 221, // sender
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 192, 168, 100, 221, // target
	}
	want = append(want, make([]byte, 60-len(want))...) // padding to the shortest Ethernet frame
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestAnAnnouncementCarriesTheInterfacesPresentMAC(t *testing.T) {
	a, b := newLAN(t)
	wire := b.sniff(unix.ETH_P_ARP)
	a.setMAC("00:0d:b9:00:00:01")
	a.announce(vip, nil)
	got := frame(t, wire, func(f []byte) bool { return fromMAC(f, "00:0d:b9:00:00:01") })
	if !bytes.Equal(got[22:28], mac("00:0d:b9:00:00:01")) {
		t.Errorf("sender MAC %x", got[22:28])
	}
}

func TestARequestIsAnsweredByItsTarget(t *testing.T) {
	a, _ := newLAN(t)
	asker := a.openARP()
	heard := a.listen(asker)
	if err := asker.Request(addr("192.168.100.210"), addr("192.168.100.150")); err != nil {
		t.Fatal(err)
	}
	got := await(t, heard, "the reply", func(o Observation) bool { return o.Op == OperationReply })
	if got.SenderIP != addr("192.168.100.150") || got.TargetIP != addr("192.168.100.210") ||
		got.SenderMAC.String() != "b8:27:eb:b3:bb:e1" || got.EthernetSource.String() != "b8:27:eb:b3:bb:e1" {
		t.Errorf("reply %+v", got)
	}
}

func TestAProbeFindsARealServerThatAnswersForTheVIP(t *testing.T) {
	a, b := newLAN(t)
	b.addAddress("192.168.100.221/24") // as in the tutorial's section 6.1, where arp_ignore=1 does not help
	b.setSysctl("enp1s0/arp_ignore", "1")
	prober := a.openARP()
	heard := a.listen(prober)
	if err := prober.Probe(vip); err != nil {
		t.Fatal(err)
	}
	await(t, heard, "the claim", func(o Observation) bool {
		claimed, by, ok := ClaimedBy(o, []netip.Addr{vip})
		return ok && claimed == vip && by.String() == "b8:27:eb:b3:bb:e1"
	})
}

func TestAProbeHearsNothingOfARealServerThatIsSetUpWell(t *testing.T) {
	a, b := newLAN(t)
	b.must(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(lo); err != nil {
			return err
		}
		_, err = AddAddress("lo", Address{Prefix: prefix("192.168.100.221/32")})
		return err
	})
	b.setSysctl("enp1s0/arp_ignore", "1")
	prober := a.openARP()
	heard := a.listen(prober)
	if err := prober.Probe(vip); err != nil {
		t.Fatal(err)
	}
	// The answer to a later request bounds the wait: one to the probe would have come before it.
	if err := prober.Request(addr("192.168.100.210"), addr("192.168.100.150")); err != nil {
		t.Fatal(err)
	}
	await(t, heard, "the answer to the request", func(o Observation) bool {
		if _, by, ok := ClaimedBy(o, []netip.Addr{vip}); ok {
			t.Errorf("%s claims the VIP", by)
		}
		return o.SenderIP == addr("192.168.100.150")
	})
}

func TestWhatAHubBringsBackIsNotObserved(t *testing.T) {
	a, b := newLAN(t)
	heard := a.listen(a.openARP())
	hub := b.sniff(unix.ETH_P_ARP)
	own := unhex(t, ethernetHeader+arpHeader+arpBody) // from the MAC of host a
	if _, err := hub.WriteTo(own, &packet.Addr{HardwareAddr: ethernet.Broadcast}); err != nil {
		t.Fatal(err)
	}
	b.announce(server, nil)
	await(t, heard, "the other host's announcement", func(o Observation) bool {
		if o.EthernetSource.String() == "00:0d:b9:41:e5:40" {
			t.Errorf("observed its own %+v", o)
		}
		return o.SenderIP == server
	})
}

func TestARPOutlivesALinkThatFlaps(t *testing.T) {
	a, b := newLAN(t)
	flapping := a.openARP()
	heard, wire := a.listen(flapping), b.sniff(unix.ETH_P_ARP)
	a.setUp(false)
	if err := flapping.Probe(vip); !errors.Is(err, unix.ENETDOWN) {
		t.Errorf("sent while the link is down: %v", err)
	}
	a.setUp(true)
	if err := flapping.Probe(vip); err != nil {
		t.Fatal(err)
	}
	frame(t, wire, func(f []byte) bool { return fromMAC(f, "00:0d:b9:41:e5:40") && bytes.Equal(f[38:42], vip.AsSlice()) })
	b.announce(addr("192.168.100.150"), nil)
	await(t, heard, "an announcement", func(o Observation) bool { return o.SenderIP == addr("192.168.100.150") })
}

func TestARPWithNoOneReadingSendsAtOnceAfterTheLinkIsBack(t *testing.T) {
	a, b := newLAN(t)
	asker, wire := a.openARP(), b.sniff(unix.ETH_P_ARP)
	a.setUp(false)
	a.setUp(true)
	if err := asker.Probe(vip); err != nil {
		t.Fatal(err)
	}
	frame(t, wire, func(f []byte) bool { return fromMAC(f, "00:0d:b9:41:e5:40") && bytes.Equal(f[38:42], vip.AsSlice()) })
}

func TestARPOfARemovedInterfaceSaysSo(t *testing.T) {
	a, _ := newLAN(t)
	asker := a.openARP()
	a.withLink(netlink.LinkDel)
	if err := asker.Probe(vip); !errors.Is(err, ErrNoInterface) {
		t.Errorf("probe: %v", err)
	}
}

func TestOpeningARPNeedsAnEthernetInterface(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		if _, err := OpenARP("enp9s0"); !errors.Is(err, ErrNoInterface) {
			t.Errorf("absent interface: %v", err)
		}
		if _, err := OpenARP("lo"); err == nil {
			t.Error("opened on the loopback interface")
		}
		return nil
	})
}

func TestClosingARPEndsItsRun(t *testing.T) {
	h, _ := newLAN(t)
	a := h.openARP()
	ended := h.start(func() error { return a.Run(context.Background(), func(Observation) {}) })
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, ended, "the end of Run", func(err error) bool { return errors.Is(err, net.ErrClosed) })
}

func TestRunOfARPEndsWithItsContext(t *testing.T) {
	h, _ := newLAN(t)
	a := h.openARP()
	ctx, cancel := context.WithCancel(context.Background())
	ended := h.start(func() error { return a.Run(ctx, func(Observation) {}) })
	cancel()
	await(t, ended, "the end of Run", func(err error) bool { return err == nil })
}
