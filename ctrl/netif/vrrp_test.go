package netif

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The adverts of keepalived 2.2.7 as virtual router 110, each with all that is on the wire.
var (
	// advert is a VRRPv2 message, priority 11.
	advert = []byte{0x21, 0x6e, 0x0b, 0x01, 0x01, 0x01, 0xae, 0x3b, 192, 168, 100, 221, 'd', 'e', 'f', '3', '4', '5', 0, 0}
	// advert6 is a VRRPv3 message, priority 12, from fe80::20d:b9ff:fe00:2.
	advert6 = append([]byte{0x31, 0x6e, 0x0c, 0x02, 0x00, 0x0a, 0xd8, 0xcb}, append(
		addr("fe80::221").AsSlice(), addr("2001:db8:100::221").AsSlice()...)...)
)

var multicast4 = VRRPPath{Source: addr("192.168.100.210"), Destination: VRRPGroup(false)}

// openVRRP opens VRRP that listens to both groups, and to some other addresses.
func (h *host) openVRRP(to ...netip.Addr) *VRRPConn {
	h.t.Helper()
	var conn *VRRPConn
	h.must(func() (err error) {
		conn, err = OpenVRRP(testInterface)
		return err
	})
	h.t.Cleanup(func() {
		if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrClosed) {
			h.t.Error(err)
		}
	})
	for _, address := range append(to, VRRPGroup(false), VRRPGroup(true)) {
		if err := conn.Listen(address); err != nil {
			h.t.Fatal(err)
		}
	}
	return conn
}

// write writes until the kernel lets it: a link-local address takes its time, and so does the route to a group.
func write(t *testing.T, conn *VRRPConn, payload []byte, path VRRPPath) {
	t.Helper()
	eventually(t, "the advert is sent", func() error { return conn.Write(payload, path) })
}

// read waits for a packet as whoever owns the connection does: in the kernel.
func read(t *testing.T, conn *VRRPConn) Packet {
	t.Helper()
	for end := time.Now().Add(deadline); time.Now().Before(end); {
		timeout := unix.NsecToTimespec(int64(time.Until(end)))
		_, err := unix.Ppoll([]unix.PollFd{{Fd: int32(conn.Descriptor()), Events: unix.POLLIN}}, &timeout, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
		p, ok, err := conn.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if ok && p.Source.IsValid() {
			return p
		}
	}
	t.Fatal("waited in vain for a VRRP packet")
	return Packet{}
}

// linkLocal gives the host's interface a MAC and returns the link-local address that the kernel makes of it.
func (h *host) linkLocal(address string) (own netip.Addr) {
	h.t.Helper()
	h.setUp(false)
	h.setMAC(address)
	h.setUp(true)
	eventually(h.t, "a link-local address", func() error {
		return <-h.start(func() (err error) {
			own, err = LinkLocalAddress(testInterface, nil)
			return err
		})
	})
	return own
}

func isVRRP4(f []byte) bool {
	return len(f) >= 34 && f[12] == 0x08 && f[13] == 0x00 && f[23] == vrrpProtocol
}
func isVRRP6(f []byte) bool {
	return len(f) >= 54 && f[12] == 0x86 && f[13] == 0xdd && f[20] == vrrpProtocol
}

func TestAnAdvertArrivesAsItWasSent(t *testing.T) {
	a, b := newLAN(t)
	own := a.linkLocal("00:0d:b9:00:00:02")
	sender, receiver := a.openVRRP(), b.openVRRP(addr("192.168.100.150"))
	for _, test := range []struct {
		name    string
		path    VRRPPath
		payload []byte
		ttl     uint8
	}{
		{"IPv4", multicast4, advert, 255},
		{"IPv6", VRRPPath{Source: own, Destination: addr("ff02::12")}, advert6, 255},
		{"unicast", VRRPPath{Source: addr("192.168.100.210"), Destination: addr("192.168.100.150"), TTL: 64}, advert, 64},
	} {
		t.Run(test.name, func(t *testing.T) {
			write(t, sender, test.payload, test.path)
			got := read(t, receiver)
			if !bytes.Equal(got.Payload, test.payload) {
				t.Errorf("payload %x, want %x", got.Payload, test.payload)
			}
			if got.Source != test.path.Source || got.Destination != test.path.Destination || got.TTL != test.ttl ||
				got.EthernetSource.String() != "00:0d:b9:00:00:02" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestAnIPv4AdvertOnTheWireIsWhatKeepalivedSends(t *testing.T) {
	a, b := newLAN(t)
	wire := b.sniff(unix.ETH_P_ALL)
	write(t, a.openVRRP(), advert, multicast4)
	want := unhex(t, "01005e000012 000db941e540 0800 45c0 0028 0001 0000 ff70 0000 c0a864d2 e0000012")
	sum := ^onesSum(0, want[14:])
	binary.BigEndian.PutUint16(want[24:], sum)
	want = append(want, advert...)
	if got := frame(t, wire, isVRRP4); !bytes.Equal(got[:len(want)], want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestAnIPv6AdvertOnTheWireIsWhatKeepalivedSends(t *testing.T) {
	a, b := newLAN(t)
	own := a.linkLocal("00:0d:b9:00:00:02")
	wire := b.sniff(unix.ETH_P_ALL)
	write(t, a.openVRRP(), advert6, VRRPPath{Source: own, Destination: VRRPGroup(true)})
	want := append(unhex(t, "333300000012 000db9000002 86dd 6c000000 0028 70ff"+
		"fe80000000000000020db9fffe000002 ff020000000000000000000000000012"), advert6...)
	got := frame(t, wire, isVRRP6)
	got[15], got[16], got[17] = got[15]&0xf0, 0, 0 // the flow label is the kernel's
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestAHostDoesNotHearItsOwnAdverts(t *testing.T) {
	a, b := newLAN(t)
	own, neighborOnHost, other := a.openVRRP(), a.openVRRP(), b.openVRRP()
	write(t, own, advert, multicast4)
	write(t, other, advert, VRRPPath{Source: addr("192.168.100.150"), Destination: VRRPGroup(false)})
	for _, conn := range []*VRRPConn{own, neighborOnHost} {
		if got := read(t, conn); got.Source != addr("192.168.100.150") {
			t.Errorf("first heard %s", got.Source)
		}
	}
}

func TestOnlyWhatIsSentToWhereItListensIsHeard(t *testing.T) {
	a, b := newLAN(t)
	b.addAddress("192.168.100.151/24")
	sender := a.openVRRP()
	var receiver *VRRPConn
	b.must(func() (err error) {
		receiver, err = OpenVRRP(testInterface)
		return errors.Join(err, receiver.Listen(addr("192.168.100.151")))
	})
	t.Cleanup(func() {
		if err := receiver.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, to := range []string{"224.0.0.18", "192.168.100.150", "192.168.100.151"} {
		write(t, sender, advert, VRRPPath{Source: addr("192.168.100.210"), Destination: addr(to)})
	}
	if got := read(t, receiver); got.Destination != addr("192.168.100.151") {
		t.Errorf("heard what was sent to %s", got.Destination)
	}
}

func TestAnotherVLANOnTheSameCableIsNotHeard(t *testing.T) {
	a, b := newLAN(t)
	wire, receiver := a.sniff(unix.ETH_P_ALL), b.openVRRP()
	untagged := append(unhex(t, "01005e000012 000db941e540 0800 45c0 0028 0001 0000 ff70"+
		"b1a3 c0a864d2 e0000012"), advert...)
	sum := binary.BigEndian.AppendUint16(nil, ^onesSum(0, append(bytes.Clone(untagged[14:24]), untagged[26:34]...)))
	copy(untagged[24:], sum)
	tagged := func(id byte) []byte {
		return append(append(bytes.Clone(untagged[:12]), 0x81, 0, 0xe0, id), untagged[12:]...)
	}
	for _, f := range [][]byte{tagged(10), tagged(0)} {
		f[len(f)-1] = f[15] // tells which
		if _, err := wire.WriteTo(f, &packet.Addr{HardwareAddr: ethernet.Broadcast}); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, receiver); got.Payload[len(got.Payload)-1] != 0 {
		t.Error("heard the advert of VLAN 10")
	}
}

func TestTheSourceOfAdvertsCanBeChosen(t *testing.T) {
	a, b := newLAN(t)
	a.addAddress("192.168.100.205/24")
	receiver := b.openVRRP()
	write(t, a.openVRRP(), advert, VRRPPath{Source: addr("192.168.100.205"), Destination: VRRPGroup(false)})
	if got := read(t, receiver); got.Source != addr("192.168.100.205") {
		t.Errorf("source %s", got.Source)
	}
}

func TestVRRPSaysWhatIsMissing(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		if _, err := OpenVRRP("enp9s0"); !errors.Is(err, ErrNoInterface) {
			t.Errorf("absent interface: %v", err)
		}
		return nil
	})
	conn := h.openVRRP()
	for _, path := range []VRRPPath{
		{},
		{Source: addr("fe80::1"), Destination: VRRPGroup(false)},
		{Source: addr("192.168.100.210"), Destination: VRRPGroup(true)},
	} {
		if err := conn.Write(advert, path); err == nil {
			t.Errorf("written from %s to %s", path.Source, path.Destination)
		}
	}
}

func TestWritingFailsWithoutLinkAndRecovers(t *testing.T) {
	a, b := newLAN(t)
	sender, receiver := a.openVRRP(), b.openVRRP()
	a.setUp(false)
	if err := sender.Write(advert, multicast4); err == nil {
		t.Error("written on a link that is down")
	}
	a.setUp(true)
	write(t, sender, advert, multicast4)
	if got := read(t, receiver); got.Source != multicast4.Source {
		t.Errorf("source %s", got.Source)
	}
}

func TestVRRPOutlivesDownAndUpAndAnotherName(t *testing.T) {
	a, b := newLAN(t)
	sender, receiver := a.openVRRP(), b.openVRRP()
	for _, h := range []*host{a, b} {
		h.withLink(func(link netlink.Link) error {
			return errors.Join(netlink.LinkSetDown(link), netlink.LinkSetName(link, "lan0"), netlink.LinkSetUp(link))
		})
	}
	a.awaitCarrier("lan0")
	b.awaitCarrier("lan0")
	write(t, sender, advert, multicast4)
	if got := read(t, receiver); got.Source != multicast4.Source {
		t.Errorf("source %s", got.Source)
	}
}

func TestListeningOnceMoreIsNoError(t *testing.T) {
	h, _ := newLAN(t)
	conn := h.openVRRP()
	for range 255 { // virtual routers, of which IP_ADD_MEMBERSHIP would serve 20
		if err := conn.Listen(VRRPGroup(false)); err != nil {
			t.Fatal(err)
		}
	}
}

// Whoever receives has timers to look at, and counts what is passed over.
func TestReceivingPassesOverOnePacketAtATime(t *testing.T) {
	a, b := newLAN(t)
	sender, receiver := a.openVRRP(), b.openVRRP()
	const others = 20 // sent to an address of the host that nobody listens to
	for range others {
		write(t, sender, advert, VRRPPath{Source: addr("192.168.100.210"), Destination: addr("192.168.100.150")})
	}
	write(t, sender, advert, multicast4)
	calls := 0
	eventually(t, "the advert behind them", func() error {
		calls++
		p, _, err := receiver.Receive()
		if err == nil && !p.Source.IsValid() {
			err = errors.New("not yet")
		}
		return err
	})
	if calls <= others {
		t.Errorf("received after %d calls, want one for each of the %d others before", calls, others)
	}
}

func TestWhatIsThrownAwayIsCounted(t *testing.T) {
	balancer, server := newLAN(t)
	conn, other := balancer.openVRRP(), server.openVRRP()
	source := netip.MustParseAddr("10.1.0.2")
	server.addAddress("10.1.0.2/24")
	to := VRRPGroup(false)
	const sent, small = 500, 4096
	for _, socket := range []*VRRPConn{conn, other} {
		if err := socket.Listen(to); err != nil {
			t.Fatal(err)
		}
	}
	// Room for a few, so that the kernel has none for the others.
	if err := unix.SetsockoptInt(conn.Descriptor(), unix.SOL_SOCKET, unix.SO_RCVBUF, small); err != nil {
		t.Fatal(err)
	}
	server.must(func() error {
		for range sent {
			if err := other.Write([]byte{0x21, 110}, VRRPPath{Source: source, Destination: to}); err != nil {
				return err
			}
		}
		return nil
	})
	var lost uint64
	eventually(t, "all are counted", func() error {
		some, err := conn.Discard()
		if lost += some; err == nil && lost != sent {
			return fmt.Errorf("%d of %d", lost, sent)
		}
		return err
	})
	if p, ok, err := conn.Receive(); ok || err != nil {
		t.Errorf("then it received %+v, %v", p, err)
	}
}

func TestReceivingDoesNotWaitAndSaysWhenTheConnectionIsClosed(t *testing.T) {
	h, _ := newLAN(t)
	conn := h.openVRRP()
	if p, ok, err := conn.Receive(); ok || err != nil {
		t.Errorf("with nothing there it received %+v, %v", p, err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.Receive(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close it says %v", err)
	}
	if err := conn.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the second Close says %v", err)
	}
}
