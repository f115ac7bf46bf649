package netif

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
)

// announcement is a gratuitous ARP request for 192.168.100.221 by 00:0d:b9:41:e5:40, in the parts that tests change.
const (
	ethernetHeader = "ffffffffffff 000db941e540 0806"
	arpHeader      = "0001 0800 06 04 0001"
	arpBody        = "000db941e540 c0a864dd ffffffffffff c0a864dd"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestOnlyARPOfIPv4OverEthernetIsObserved(t *testing.T) {
	for _, test := range []struct {
		name  string
		frame string
		want  bool
	}{
		{"an announcement", ethernetHeader + arpHeader + arpBody, true},
		{"an announcement with padding", ethernetHeader + arpHeader + arpBody + strings.Repeat("00", 18), true},
		{"a reply", ethernetHeader + "0001 0800 06 04 0002" + arpBody, true},
		{"an empty frame", "", false},
		{"a frame cut in its addresses", ethernetHeader + arpHeader + "000db941e540 c0a864dd", false},
		{"a frame cut in its header", ethernetHeader + "0001 08", false},
		{"another EtherType", "ffffffffffff 000db941e540 0800" + arpHeader + arpBody, false},
		{"another hardware type", ethernetHeader + "0006 0800 06 04 0001" + arpBody, false},
		{"another protocol type", ethernetHeader + "0001 86dd 06 04 0001" + arpBody, false},
		{"IPv6 sized addresses", ethernetHeader + "0001 0800 06 10 0001" + arpBody + strings.Repeat("00", 24), false},
		{"long hardware addresses", ethernetHeader + "0001 0800 08 04 0001" + arpBody + strings.Repeat("00", 4), false},
		{"reverse ARP", ethernetHeader + "0001 0800 06 04 0003" + arpBody, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := parseARP(unhex(t, test.frame))
			if ok != test.want {
				t.Fatalf("observed = %v, want %v: %+v", ok, test.want, got)
			}
			if ok && (got.SenderIP != addr("192.168.100.221") || got.SenderMAC.String() != "00:0d:b9:41:e5:40" ||
				got.TargetIP != addr("192.168.100.221") || got.EthernetSource.String() != "00:0d:b9:41:e5:40") {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func FuzzParseARP(f *testing.F) {
	f.Add(unhex(f, ethernetHeader+arpHeader+arpBody))
	f.Add(unhex(f, "ffffffffffff 000db941e540 8100 0001 0806"+arpHeader+arpBody))
	f.Add(unhex(f, ethernetHeader+"0001 0800 ff ff 0001"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := parseARP(data)
		if !ok {
			return
		}
		if len(got.SenderMAC) != 6 || len(got.EthernetSource) != 6 || !got.SenderIP.Is4() || !got.TargetIP.Is4() {
			t.Errorf("half an observation: %+v", got)
		}
	})
}

func TestAClaimIsTheVIPInTheSenderField(t *testing.T) {
	const foreign = "b8:27:eb:b3:bb:e1"
	vips := []netip.Addr{addr("192.168.100.220"), addr("192.168.100.221")}
	for _, test := range []struct {
		name        string
		observation Observation
		want        bool
	}{
		{"a reply", Observation{Op: OperationReply, SenderMAC: mac(foreign), SenderIP: vips[1], TargetIP: addr("192.168.100.1")}, true},
		{"a gratuitous ARP", Observation{Op: OperationRequest, SenderMAC: mac(foreign), SenderIP: vips[1], TargetIP: vips[1]}, true},
		{"a request in the VIP's name", Observation{Op: OperationRequest, SenderMAC: mac(foreign), SenderIP: vips[1], TargetIP: addr("192.168.100.1")}, true},
		{"a request for the VIP is none", Observation{Op: OperationRequest, SenderMAC: mac(foreign), SenderIP: addr("192.168.100.1"), TargetIP: vips[1]}, false},
		{"a probe for the VIP is none", Observation{Op: OperationRequest, SenderMAC: mac(foreign), SenderIP: addr("0.0.0.0"), TargetIP: vips[1]}, false},
		{"a broadcast MAC is nobody's", Observation{Op: OperationReply, SenderMAC: mac("ff:ff:ff:ff:ff:ff"), SenderIP: vips[1]}, false},
		{"a multicast MAC is nobody's", Observation{Op: OperationReply, SenderMAC: mac("01:00:5e:00:00:12"), SenderIP: vips[1]}, false},
		{"a zero MAC is nobody's", Observation{Op: OperationReply, SenderMAC: mac("00:00:00:00:00:00"), SenderIP: vips[1]}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			claimed, by, ok := ClaimedBy(test.observation, vips)
			if ok != test.want {
				t.Fatalf("claimed = %v, want %v", ok, test.want)
			}
			if ok && (claimed != vips[1] || by.String() != foreign) {
				t.Errorf("%s by %s", claimed, by)
			}
		})
	}
}
