package netif

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// advert is a VRRPv2 message of virtual router 110, priority 11.
var advert = []byte{0x21, 0x6e, 0x0b, 0x01, 0x01, 0x01, 0xae, 0x3b, 192, 168, 100, 221, 'd', 'e', 'f', '3', '4', '5', 0, 0}

func (h *host) openVRRP(source netip.Addr) *VRRPConn {
	h.t.Helper()
	var conn *VRRPConn
	h.must(func() (err error) {
		conn, err = OpenVRRP(testInterface, source)
		return err
	})
	h.t.Cleanup(func() {
		if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			h.t.Error(err)
		}
	})
	return conn
}

func read(t *testing.T, conn *VRRPConn) Packet {
	t.Helper()
	type result struct {
		packet Packet
		err    error
	}
	results := make(chan result, 1)
	go func() {
		p, err := conn.Read()
		results <- result{p, err}
	}()
	got := await(t, results, "a VRRP packet", func(result) bool { return true })
	if got.err != nil {
		t.Fatal(got.err)
	}
	return got.packet
}

func TestAnAdvertArrivesAsItWasSent(t *testing.T) {
	a, b := newLAN(t)
	sender, receiver := a.openVRRP(netip.Addr{}), b.openVRRP(netip.Addr{})
	if err := sender.Write(advert); err != nil {
		t.Fatal(err)
	}
	got := read(t, receiver)
	if !bytes.Equal(got.Payload, advert) {
		t.Errorf("payload %x, want %x", got.Payload, advert)
	}
	if got.Source != addr("192.168.100.210") || got.Source != sender.Source() {
		t.Errorf("source %s, sender says %s", got.Source, sender.Source())
	}
	if got.Destination != addr("224.0.0.18") || got.TTL != 255 {
		t.Errorf("to %s with TTL %d", got.Destination, got.TTL)
	}
}

func TestAnAdvertOnTheWireIsWhatKeepalivedSends(t *testing.T) {
	a, b := newLAN(t)
	wire := b.sniff(unix.ETH_P_ALL)
	if err := a.openVRRP(netip.Addr{}).Write(advert); err != nil {
		t.Fatal(err)
	}
	got := frame(t, wire, func(f []byte) bool { return len(f) >= 34 && f[12] == 0x08 && f[13] == 0x00 && f[23] == 112 })
	if destination := net.HardwareAddr(got[:6]).String(); destination != "01:00:5e:00:00:12" {
		t.Errorf("destination MAC %s", destination)
	}
	if source := net.HardwareAddr(got[6:12]).String(); source != "00:0d:b9:41:e5:40" {
		t.Errorf("source MAC %s", source)
	}
	header := got[14:34]
	if header[0] != 0x45 || header[1] != 0xc0 || header[8] != 255 {
		t.Errorf("IPv4 header %x: want no options, TOS c0, TTL ff", header)
	}
	if !bytes.Equal(header[12:20], []byte{192, 168, 100, 210, 224, 0, 0, 18}) {
		t.Errorf("addresses %x", header[12:20])
	}
	if !bytes.Equal(got[34:34+len(advert)], advert) {
		t.Errorf("payload %x", got[34:])
	}
}

func TestAHostDoesNotHearItsOwnAdverts(t *testing.T) {
	a, b := newLAN(t)
	own, neighborOnHost, other := a.openVRRP(netip.Addr{}), a.openVRRP(netip.Addr{}), b.openVRRP(netip.Addr{})
	if err := own.Write(advert); err != nil {
		t.Fatal(err)
	}
	if err := other.Write(advert); err != nil {
		t.Fatal(err)
	}
	for _, conn := range []*VRRPConn{own, neighborOnHost} {
		if got := read(t, conn); got.Source != other.Source() {
			t.Errorf("first heard %s, want %s", got.Source, other.Source())
		}
	}
}

func TestTheSourceOfAdvertsCanBeChosen(t *testing.T) {
	a, b := newLAN(t)
	a.addAddress("192.168.100.205/24")
	receiver := b.openVRRP(netip.Addr{})
	if err := a.openVRRP(addr("192.168.100.205")).Write(advert); err != nil {
		t.Fatal(err)
	}
	if got := read(t, receiver); got.Source != addr("192.168.100.205") {
		t.Errorf("source %s", got.Source)
	}
}

func TestOpeningVRRPSaysWhatIsMissing(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		if _, err := OpenVRRP("enp9s0", netip.Addr{}); !errors.Is(err, ErrNoInterface) {
			t.Errorf("absent interface: %v", err)
		}
		if _, err := OpenVRRP(testInterface, addr("fe80::1")); err == nil {
			t.Error("an IPv6 source was accepted")
		}
		if _, err := RemoveAddress(testInterface, prefix("192.168.100.210/24")); err != nil {
			return err
		}
		if _, err := OpenVRRP(testInterface, netip.Addr{}); !errors.Is(err, ErrNoIPv4) {
			t.Errorf("interface without IPv4: %v", err)
		}
		return nil
	})
}

func TestWritingFailsWithoutLinkOrSourceAndRecovers(t *testing.T) {
	a, b := newLAN(t)
	sender, receiver := a.openVRRP(netip.Addr{}), b.openVRRP(netip.Addr{})
	a.setUp(false)
	if err := sender.Write(advert); err == nil {
		t.Error("written on a link that is down")
	}
	a.setUp(true)
	a.must(func() error {
		_, err := RemoveAddress(testInterface, prefix("192.168.100.210/24"))
		return err
	})
	if err := sender.Write(advert); err == nil {
		t.Error("written from an address that is gone")
	}
	a.addAddress("192.168.100.210/24")
	if err := sender.Write(advert); err != nil {
		t.Fatal(err)
	}
	if got := read(t, receiver); got.Source != sender.Source() {
		t.Errorf("source %s", got.Source)
	}
}

func TestClosingVRRPEndsAWaitingRead(t *testing.T) {
	h, _ := newLAN(t)
	conn := h.openVRRP(netip.Addr{})
	ended := make(chan error, 1)
	go func() {
		_, err := conn.Read()
		ended <- err
	}()
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, ended, "the end of Read", func(err error) bool { return errors.Is(err, net.ErrClosed) })
}
