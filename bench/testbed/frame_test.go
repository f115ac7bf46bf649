package testbed

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

var (
	clientMAC   = MAC{2, 0, 0, 0, 0, 1}
	balancerMAC = MAC{2, 0, 0, 0, 0, 2}
	serverMAC   = MAC{2, 0, 0, 0, 0, 3}
)

// segment is a TCP segment to a virtual address in a frame.
func segment(t *testing.T, from, to MAC, ttl uint8, payload string) Frame {
	t.Helper()
	ip := &layers.IPv4{
		Version: 4, TTL: ttl, Protocol: layers.IPProtocolTCP, SrcIP: net.IP{192, 0, 2, 4}, DstIP: net.IP{192, 0, 2, 100},
	}
	tcp := &layers.TCP{SrcPort: 49878, DstPort: 80, Seq: 7, SYN: true, Window: 1000}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	return frame(t,
		&layers.Ethernet{SrcMAC: from.HardwareAddr(), DstMAC: to.HardwareAddr(), EthernetType: layers.EthernetTypeIPv4},
		ip, tcp, gopacket.Payload(payload))
}

func frame(t *testing.T, parts ...gopacket.SerializableLayer) Frame {
	t.Helper()
	buffer := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buffer, options, parts...); err != nil {
		t.Fatal(err)
	}
	return newFrame(time.Date(2023, 1, 26, 3, 34, 36, 650572000, time.UTC), "client", buffer.Bytes())
}

func TestAFrameTellsItsAddressesAndSegment(t *testing.T) {
	f := segment(t, clientMAC, balancerMAC, 64, "GET /")
	if f.Source() != clientMAC || f.Destination() != balancerMAC {
		t.Errorf("MAC addresses: %s > %s", f.Source(), f.Destination())
	}
	ip, ok := f.IP()
	if !ok || ip.Source != netip.MustParseAddr("192.0.2.4") || ip.Destination != netip.MustParseAddr("192.0.2.100") || ip.TTL != 64 {
		t.Errorf("IP: %+v, %t", ip, ok)
	}
	tcp, ok := f.TCP()
	if !ok || tcp.SrcPort != 49878 || tcp.Seq != 7 || string(tcp.Payload) != "GET /" {
		t.Errorf("TCP: %+v, %t", tcp, ok)
	}
	want := "03:34:36.650572 02:00:00:00:00:01 > 02:00:00:00:00:02 TCP 192.0.2.4:49878 > 192.0.2.100:80 [S] 5 bytes"
	if f.String() != want {
		t.Errorf("text: %s", f)
	}
	for kind, ok := range map[string]bool{
		"ARP": second(f.ARP()), "UDP": second(f.UDP()), "VRRP": second(f.VRRP()),
	} {
		if ok {
			t.Errorf("it passes for %s", kind)
		}
	}
}

func second[T any](_ T, ok bool) bool { return ok }

func TestAFrameSentOnIsTheSamePacket(t *testing.T) {
	received := segment(t, clientMAC, balancerMAC, 64, "x")
	for name, c := range map[string]struct {
		other Frame
		want  bool
	}{
		"with other MAC addresses":  {segment(t, balancerMAC, serverMAC, 64, "x"), true},
		"not when it was routed":    {segment(t, balancerMAC, serverMAC, 63, "x"), false},
		"not with another payload":  {segment(t, balancerMAC, serverMAC, 64, "y"), false},
		"not when it has no packet": {newFrame(time.Time{}, "client", nil), false},
	} {
		if got := received.SameIP(c.other); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAFrameTellsItsARPPacket(t *testing.T) {
	vip := []byte{192, 0, 2, 100}
	f := frame(t,
		&layers.Ethernet{SrcMAC: balancerMAC.HardwareAddr(), DstMAC: Broadcast.HardwareAddr(), EthernetType: layers.EthernetTypeARP},
		&layers.ARP{
			AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: layers.ARPRequest, SourceHwAddress: balancerMAC[:], SourceProtAddress: vip,
			DstHwAddress: Broadcast[:], DstProtAddress: vip,
		})
	arp, ok := f.ARP()
	address := netip.MustParseAddr("192.0.2.100")
	want := ARP{Request: true, SenderMAC: balancerMAC, Sender: address, TargetMAC: Broadcast, Target: address}
	if !ok || arp != want || !arp.Gratuitous() {
		t.Errorf("%+v, %t", arp, ok)
	}
}

func TestAFrameCutShortIsReadWithoutHarm(t *testing.T) {
	whole := segment(t, clientMAC, balancerMAC, 64, "x").Data
	for n := range whole {
		f := newFrame(time.Time{}, "client", whole[:n])
		_ = f.String()
		if second(f.IP()) != (n >= 14+20) {
			t.Errorf("%d bytes: IP %t", n, second(f.IP()))
		}
		if second(f.TCP()) != (n >= 14+20+20) {
			t.Errorf("%d bytes: TCP %t", n, second(f.TCP()))
		}
	}
}
