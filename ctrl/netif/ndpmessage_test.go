package netif

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// A neighbor solicitation for 2001:db8::150 by fe80::210 at 00:0d:b9:41:e5:40, and the answer of b8:27:eb:b3:bb:e1. The
// checksums are zero here; sum fills them in.
const (
	toAllHere     = "3333ff000150 000db941e540 86dd"
	toBalancer    = "000db941e540 b827ebb3bbe1 86dd"
	target150     = "20010db8000000000000000000000150"
	balancer210   = "fe800000000000000000000000000210"
	groupOf150    = "ff0200000000000000000001ff000150"
	allNodes      = "ff020000000000000000000000000001"
	header32      = "60000000 0020 3a ff"
	header24      = "60000000 0018 3a ff"
	solicits150   = "87 00 0000 00000000" + target150
	advertises150 = "88 00 0000 60000000" + target150
	optionSource  = "01 01 000db941e540"
	optionTarget  = "02 01 b827ebb3bbe1"

	asks150    = toAllHere + header32 + balancer210 + groupOf150 + solicits150 + optionSource
	answers150 = toBalancer + header32 + target150 + balancer210 + advertises150 + optionTarget
)

// sum fills in the checksum of a frame, as far as it has one.
func sum(frame []byte) []byte {
	const checksum = ethernetHeaderLength + ipv6HeaderLength + 2
	if len(frame) < checksum+2 {
		return frame
	}
	end := min(len(frame), ethernetHeaderLength+ipv6HeaderLength+int(binary.BigEndian.Uint16(frame[18:])))
	if end >= checksum+2 {
		binary.BigEndian.PutUint16(frame[checksum:], ^icmpv6Sum(frame[ethernetHeaderLength:end]))
	}
	return frame
}

func TestASolicitationIsByteForByteWhatRFC4861Says(t *testing.T) {
	target := addr("2001:db8::150")
	to := solicitedNode(target)
	got := slices.Concat([]byte(multicastMAC(to)), unhex(t, "000db941e540 86dd"),
		solicitation(mac("00:0d:b9:41:e5:40"), addr("fe80::210"), to, target))
	want := unhex(t, strings.Replace(asks150, "87 00 0000", "87 00 aa25", 1))
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestNeighborDiscoveryIsObserved(t *testing.T) {
	const balancer, server = "00:0d:b9:41:e5:40", "b8:27:eb:b3:bb:e1"
	for _, test := range []struct {
		name  string
		frame string
		want  string // operation, sender at MAC, target, and whether weak
	}{
		{"a solicitation", asks150, "request fe80::210 at " + balancer + " 2001:db8::150 false"},
		{"a solicitation with padding", asks150 + "0000", "request fe80::210 at " + balancer + " 2001:db8::150 false"},
		{"a solicitation without option is from the frame's source",
			toAllHere + header24 + balancer210 + groupOf150 + solicits150, "request fe80::210 at " + balancer + " 2001:db8::150 false"},
		{"a probe for a duplicate has no sender",
			toAllHere + header24 + strings.Repeat("00", 16) + groupOf150 + solicits150, "request :: at " + balancer + " 2001:db8::150 false"},
		{"an advertisement", answers150, "reply 2001:db8::150 at " + server + " fe80::210 false"},
		{"an unsolicited advertisement", strings.Replace(answers150, target150+balancer210, target150+allNodes, 1),
			"reply 2001:db8::150 at " + server + " ff02::1 false"},
		{"an advertisement without option is from the frame's source",
			toBalancer + header24 + target150 + balancer210 + advertises150, "reply 2001:db8::150 at " + server + " fe80::210 false"},
		{"an advertisement without the Override flag is weak",
			strings.Replace(answers150, "60000000"+target150, "40000000"+target150, 1), "reply 2001:db8::150 at " + server + " fe80::210 true"},
		{"an option of another kind is passed over", toBalancer + "60000000 0028 3a ff" + target150 + balancer210 + advertises150 +
			"0e 01 010203040506" + optionTarget, "reply 2001:db8::150 at " + server + " fe80::210 false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, ok := parseNDP(sum(unhex(t, test.frame)))
			if !ok {
				t.Fatal("not observed")
			}
			got := strings.Join([]string{o.Op.String(), o.SenderIP.String(), "at", o.SenderMAC.String(), o.TargetIP.String(),
				map[bool]string{true: "true", false: "false"}[o.Weak]}, " ")
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestWhatIsNoSoundNeighborDiscoveryIsNotObserved(t *testing.T) {
	change := func(from, to string) string {
		if !strings.Contains(answers150, from) {
			t.Fatalf("%s is not in the answer", from)
		}
		return strings.Replace(answers150, from, to, 1)
	}
	for name, frame := range map[string]string{
		"an empty frame":                        "",
		"another EtherType":                     change("86dd", "0800"),
		"another IP version":                    change("60000000 0020", "40000000 0020"),
		"another protocol":                      change("3a ff", "11 ff"),
		"a packet that a router has forwarded":  change("3a ff", "3a fe"),
		"another ICMPv6 type":                   change("88 00", "80 00"),
		"another ICMPv6 code":                   change("88 00", "88 01"),
		"a multicast target":                    change("60000000"+target150, "60000000"+allNodes),
		"a length past the frame":               change("0020 3a", "0028 3a"),
		"a length too short for a target":       change("0020 3a", "0010 3a"),
		"an option of length zero":              change("02 01", "02 00"),
		"an option longer than the message":     change("02 01", "02 02"),
		"a frame that is cut in the addresses":  answers150[:len(toBalancer+header32+target150)],
		"a frame that is cut in the target":     answers150[:len(answers150)-len(optionTarget)-8],
		"an option that is cut within 8 bytes":  strings.Replace(answers150[:len(answers150)-4], "0020 3a", "001e 3a", 1),
		"an extension header before the ICMPv6": change("3a ff"+target150+balancer210, "00 ff"+target150+balancer210+"3a00000000000000"),
	} {
		t.Run(name, func(t *testing.T) {
			if o, ok := parseNDP(sum(unhex(t, frame))); ok {
				t.Errorf("observed %+v", o)
			}
		})
	}
	if o, ok := parseNDP(unhex(t, answers150)); ok {
		t.Errorf("observed with a wrong checksum: %+v", o)
	}
}

func TestTheFilterLetsOnlyNeighborDiscoveryThrough(t *testing.T) {
	vm, err := bpf.NewVM(onlyNeighborDiscovery)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		frame string
		want  bool
	}{
		{"a solicitation", asks150, true},
		{"an advertisement", answers150, true},
		{"a router advertisement", strings.Replace(answers150, "88 00", "86 00", 1), false},
		{"an echo request", strings.Replace(answers150, "88 00", "80 00", 1), false},
		{"a redirect", strings.Replace(answers150, "88 00", "89 00", 1), false},
		{"UDP from port 34816", strings.Replace(answers150, "3a ff", "11 ff", 1), false},
		{"a short frame", toBalancer, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			length, err := vm.Run(unhex(t, test.frame))
			if err != nil || length > 0 != test.want {
				t.Errorf("%d bytes, %v", length, err)
			}
		})
	}
}

func FuzzParseNDP(f *testing.F) {
	for _, seed := range []string{asks150, answers150, answers150[:len(answers150)-8], toBalancer} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := parseNDP(sum(bytes.Clone(data)))
		if !ok {
			return
		}
		if len(got.SenderMAC) != 6 || len(got.EthernetSource) != 6 || !got.SenderIP.Is6() || !got.TargetIP.Is6() {
			t.Errorf("half an observation of %s: %+v", hex.EncodeToString(data), got)
		}
	})
}
