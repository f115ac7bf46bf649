package vrrp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decode %q: %v", s, err)
	}
	return b
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// packet is a message and the two ends of its IP packet.
type packet struct {
	from, to netip.Addr
	payload  []byte
}

// captured reads the messages that keepalived sent.
func captured(t testing.TB) []packet {
	t.Helper()
	text, err := os.ReadFile("testdata/keepalived-2.2.7.hex")
	if err != nil {
		t.Fatal(err)
	}
	var packets []packet
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "#") || len(fields) == 0 {
			continue
		}
		if len(fields) != 3 {
			t.Fatalf("line %q has no three fields", line)
		}
		ends := addrs(fields[0], fields[1])
		packets = append(packets, packet{ends[0], ends[1], mustHex(t, fields[2])})
	}
	if len(packets) == 0 {
		t.Fatal("no captured messages")
	}
	return packets
}

func tutorialAdvert(priority uint8) Advert {
	return Advert{
		Version: 2, VirtualRouterID: 110, Priority: priority,
		AuthType: AuthPass, AuthData: [8]byte{'d', 'e', 'f', '3', '4', '5'},
		Interval: time.Second, Addresses: addrs("192.168.100.221"),
	}
}

// advert3 is a version 3 advert of the tutorial's virtual router.
func advert3(priority uint8, interval time.Duration, addresses ...string) Advert {
	if len(addresses) == 0 {
		addresses = []string{"192.168.100.221"}
	}
	return Advert{Version: 3, VirtualRouterID: 110, Priority: priority, Interval: interval, Addresses: addrs(addresses...)}
}

func asV2(a Advert) Advert {
	a.ChecksumAsV2 = true
	return a
}

const (
	multicast4 = "224.0.0.18"
	multicast6 = "ff02::12"
	linkLocal1 = "fe80::20d:b9ff:fe00:1"
	linkLocal2 = "fe80::20d:b9ff:fe00:2"
)

func TestGoldenMessages(t *testing.T) {
	both6 := []string{"fe80::221", "2001:db8:100::221"}
	const tenth = 100 * time.Millisecond
	for _, test := range []struct {
		section, name string
		advert        Advert
		from, to      string
		wire          string
	}{
		{"3768 5.1", "the tutorial's backup", tutorialAdvert(11), "192.168.100.211", multicast4, "216e0b010101ae3bc0a864dd6465663334350000"},
		{"3768 5.1", "the tutorial's master", tutorialAdvert(12), "192.168.100.212", multicast4, "216e0c010101ad3bc0a864dd6465663334350000"},
		{"3768 5.3.4", "a master that stops", tutorialAdvert(0), "192.168.100.212", multicast4, "216e00010101b93bc0a864dd6465663334350000"},
		{"3768 5.3.8", "no pseudo-header: unicast changes nothing", tutorialAdvert(11), "192.168.100.211", "192.168.100.212",
			"216e0b010101ae3bc0a864dd6465663334350000"},
		{"3768 5.3.6", "no authentication and three addresses",
			Advert{Version: 2, VirtualRouterID: 7, Priority: 250, Interval: 2 * time.Second,
				Addresses: addrs("192.168.100.9", "10.1.2.3", "192.168.100.8")},
			"192.168.100.211", multicast4, "2107fa0300028f8bc0a864090a010203c0a864080000000000000000"},
		{"2338 5.3.6", "a password of eight bytes",
			Advert{Version: 2, VirtualRouterID: 255, Priority: 254, Interval: time.Second,
				AuthType: AuthPass, AuthData: [8]byte([]byte("12345678")), Addresses: addrs("192.168.100.77")},
			"192.168.100.211", multicast4, "21fffe010101e932c0a8644d3132333435363738"},
		{"5798 5.2.8", "IPv4 with the pseudo-header", advert3(11, tenth), "192.168.100.211", multicast4, "316e0b01000a97f5c0a864dd"},
		{"5798 5.2.8", "IPv4 by unicast has another checksum", advert3(11, tenth), "192.168.100.211", "192.168.100.212", "316e0b01000a528bc0a864dd"},
		{"9568 5.2.8", "IPv4 without the pseudo-header", asV2(advert3(11, tenth)), "192.168.100.211", multicast4, "316e0b01000a9e00c0a864dd"},
		{"9568 5.2.4", "a version 3 master that stops", advert3(0, tenth), "192.168.100.212", multicast4, "316e0001000aa2f4c0a864dd"},
		{"9568 5.2.7", "the shortest interval", asV2(advert3(11, 10*time.Millisecond)), "192.168.100.211", multicast4, "316e0b0100019e09c0a864dd"},
		{"9568 5.2.7", "the longest interval", asV2(advert3(11, 40950*time.Millisecond)), "192.168.100.211", multicast4, "316e0b010fff8e0bc0a864dd"},
		{"9568 5.2.9", "IPv6, the link-local address first", advert3(12, tenth, both6...), linkLocal2, multicast6,
			"316e0c02000ad8cbfe80000000000000000000000000022120010db8010000000000000000000221"},
		{"9568 5.2.8", "an IPv6 master that stops", advert3(0, tenth, both6...), linkLocal1, multicast6,
			"316e0002000ae4ccfe80000000000000000000000000022120010db8010000000000000000000221"},
		{"4007 11", "a zone is not on the wire", advert3(12, tenth, both6...), linkLocal2 + "%enp1s0", multicast6 + "%enp1s0",
			"316e0c02000ad8cbfe80000000000000000000000000022120010db8010000000000000000000221"},
	} {
		t.Run("RFC "+test.section+" "+test.name, func(t *testing.T) {
			ends := addrs(test.from, test.to)
			got, err := test.advert.Marshal(ends[0], ends[1])
			if err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString(got) != test.wire {
				t.Errorf("Marshal\n got %x\nwant %s", got, test.wire)
			}
			parsed, err := Parse(mustHex(t, test.wire), ends[0], ends[1])
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(parsed, test.advert) {
				t.Errorf("Parse\n got %+v\nwant %+v", parsed, test.advert)
			}
		})
	}
}

func TestEveryCapturedMessageIsEncodedAsItWas(t *testing.T) {
	for _, p := range captured(t) {
		advert, err := Parse(p.payload, p.from, p.to)
		if err != nil {
			t.Errorf("Parse(%x): %v", p.payload, err)
			continue
		}
		again, err := advert.Marshal(p.from, p.to)
		if err != nil {
			t.Errorf("Marshal(%+v): %v", advert, err)
			continue
		}
		if !bytes.Equal(again, p.payload) {
			t.Errorf("encoded differently\n got %x\nwant %x", again, p.payload)
		}
	}
}

func TestMarshalRefusesWhatTheWireCannotCarry(t *testing.T) {
	v2 := tutorialAdvert(11)
	v3 := advert3(11, 100*time.Millisecond)
	for _, test := range []struct {
		section, name string
		advert        Advert
		change        func(*Advert)
		from, to      string
		want          string
	}{
		{"9568 5.2.1", "another version", v2, func(a *Advert) { a.Version = 4 }, self, multicast4, "version 4 is not supported"},
		{"9568 5.2.3", "virtual router id 0", v2, func(a *Advert) { a.VirtualRouterID = 0 }, self, multicast4, "virtual router id 0"},
		{"3768 5.3.7", "an interval below a second", v2, func(a *Advert) { a.Interval = 100 * time.Millisecond }, self, multicast4, "interval 100ms"},
		{"3768 5.3.7", "an interval with a fraction", v2, func(a *Advert) { a.Interval = 1500 * time.Millisecond }, self, multicast4, "interval 1.5s"},
		{"3768 5.3.7", "an interval above 255 s", v2, func(a *Advert) { a.Interval = 256 * time.Second }, self, multicast4, "interval 4m16s"},
		{"3768 5.3.5", "too many addresses", v2, func(a *Advert) { a.Addresses = make([]netip.Addr, 256) }, self, multicast4, "256 addresses"},
		{"3768 5.3.9", "an IPv6 address", v2, func(a *Advert) { a.Addresses = addrs("fe80::1") }, self, multicast4, "fe80::1 is not IPv4"},
		{"3768 5.3.9", "an unset address", v2, func(a *Advert) { a.Addresses = make([]netip.Addr, 1) }, self, multicast4, "is not IPv4"},
		{"9568 5.2.7", "an interval of zero", v3, func(a *Advert) { a.Interval = 0 }, self, multicast4, "interval 0s"},
		{"9568 5.2.7", "an interval with a fraction of a centisecond", v3, func(a *Advert) { a.Interval = 15 * time.Millisecond }, self, multicast4, "interval 15ms"},
		{"9568 5.2.7", "an interval above 40.95 s", v3, func(a *Advert) { a.Interval = 40960 * time.Millisecond }, self, multicast4, "interval 40.96s"},
		{"9568 5.2.5", "no address", v3, func(a *Advert) { a.Addresses = nil }, self, multicast4, "demands an address"},
		{"9568 5.2.9", "an address of another family than the packet", v3, func(*Advert) {}, linkLocal1, multicast6, "192.168.100.221 is not IPv6"},
		{"9568 5.2.8", "ends of two families", v3, func(*Advert) {}, self, multicast6, "destination ff02::12 is not IPv4"},
		{"9568 9", "a password", v3, func(a *Advert) { a.AuthType = AuthPass }, self, multicast4, "no authentication PASS"},
	} {
		t.Run("RFC "+test.section+" "+test.name, func(t *testing.T) {
			test.change(&test.advert)
			ends := addrs(test.from, test.to)
			payload, err := test.advert.Marshal(ends[0], ends[1])
			if err == nil {
				t.Fatalf("marshaled to %x", payload)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
		})
	}
	if payload, err := v3.Marshal(netip.Addr{}, netip.Addr{}); err == nil {
		t.Errorf("version 3 marshaled without addresses to %x", payload)
	}
}

func TestParseDrops(t *testing.T) {
	const good = "216e0b010101ae3bc0a864dd6465663334350000"
	const good6 = "316e0c02000ad8cbfe80000000000000000000000000022120010db8010000000000000000000221"
	for _, test := range []struct {
		section, name, from, payload string
		want                         DropReason
	}{
		{"9568 7.1", "an empty message", self, "", DropLength},
		{"9568 7.1", "a message that ends in the header", self, good[:14], DropLength},
		{"9568 7.1", "a message without its addresses", self, good[:16], DropLength},
		{"9568 7.1", "a message that lacks one byte", self, good[:38], DropLength},
		{"9568 7.1", "a version 3 message that lacks one byte", self, "316e0b01000a97f5c0a864", DropLength},
		{"9568 7.1", "an IPv6 message that lacks one byte", linkLocal2, good6[:len(good6)-2], DropLength},
		{"9568 7.1", "an address count beyond the message", self, "216e0b020101ae3ac0a864dd6465663334350000", DropLength},
		{"9568 7.1", "addresses of IPv4 size in IPv6", linkLocal1, "316e0b01000a97f5c0a864dd", DropLength},
		{"9568 5.2.1", "version 4", self, "416e0b01000a8e00c0a864dd", DropVersion},
		{"9568 5.2.1", "version 1", self, "116e0b010101be3bc0a864dd6465663334350000", DropVersion},
		{"3768 5.3.9", "version 2 over IPv6", linkLocal1, good, DropVersion},
		{"3768 5.3.8", "a changed priority under the old checksum", self, "216e0c010101ae3bc0a864dd6465663334350000", DropChecksum},
		{"3768 5.3.8", "a changed password under the old checksum", self, "216e0b010101ae3bc0a864dd6465663334360000", DropChecksum},
		{"9568 5.2.8", "a changed priority in version 3", self, "316e0c01000a97f5c0a864dd", DropChecksum},
		{"9568 5.2.8", "the checksum of another source", other, "316e0b01000a97f5c0a864dd", DropChecksum},
		{"9568 5.2.8", "the checksum of another IPv6 source", linkLocal1, good6, DropChecksum},
		{"9568 5.2.8", "IPv6 without the pseudo-header", linkLocal1, "316e0c01000ac1e4fe800000000000000000000000000221", DropChecksum},
		{"9568 5.2.2", "another type than advertisement", self, "226e0b010101ad3bc0a864dd6465663334350000", DropType},
		{"9568 5.2.2", "another type in version 3", self, "326e0b01000a9d00c0a864dd", DropType},
		{"9568 5.2.3", "virtual router id 0", self, "21000b010101aea9c0a864dd6465663334350000", DropVirtualRouterID},
		{"9568 5.2.5", "no address in version 3", self, "316e0b00000ac387", DropAddressCount},
		{"3768 5.3.7", "an interval of zero", self, "216e0b010100ae3cc0a864dd6465663334350000", DropInterval},
		{"9568 5.2.7", "an interval of zero in version 3", self, "316e0b0100009e0ac0a864dd", DropInterval},
	} {
		t.Run("RFC "+test.section+" "+test.name, func(t *testing.T) {
			from := netip.MustParseAddr(test.from)
			to := group4
			if from.Is6() {
				to = group6
			}
			advert, err := Parse(mustHex(t, test.payload), from, to)
			drop, ok := errors.AsType[*DropError](err)
			if !ok {
				t.Fatalf("Parse = %+v, %v; want a drop for %s", advert, err, test.want)
			}
			if drop.Reason != test.want {
				t.Errorf("dropped for %s, want %s", drop, test.want)
			}
			if drop.Detail == "" {
				t.Error("no detail for the operator")
			}
		})
	}
}

func TestParseIgnores(t *testing.T) {
	for _, test := range []struct {
		section, name, payload string
		want                   Advert
	}{
		{"9568 7.1", "bytes after the message", "216e0b010101ae3bc0a864dd6465663334350000deadbe", tutorialAdvert(11)},
		{"9568 7.1", "bytes after a version 3 message", "316e0b01000a97f5c0a864dddeadbe", advert3(11, 100*time.Millisecond)},
		{"9568 5.2.6", "the reserved bits", "316e0b01f00aadffc0a864dd", asV2(advert3(11, 100*time.Millisecond))},
	} {
		t.Run("RFC "+test.section+" "+test.name, func(t *testing.T) {
			advert, err := Parse(mustHex(t, test.payload), netip.MustParseAddr(self), group4)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(advert, test.want) {
				t.Errorf("Parse = %+v, want %+v", advert, test.want)
			}
		})
	}
}

func TestVersion3NeedsBothEndsOfThePacket(t *testing.T) {
	message := mustHex(t, "316e0b01000a97f5c0a864dd")
	for _, ends := range [][2]netip.Addr{{}, {netip.MustParseAddr(self), {}}, {netip.MustParseAddr(self), group6}} {
		if advert, err := Parse(message, ends[0], ends[1]); err == nil {
			t.Errorf("from %v to %v: %+v", ends[0], ends[1], advert)
		}
	}
	if _, err := Parse(mustHex(t, "216e0b010101ae3bc0a864dd6465663334350000"), netip.Addr{}, netip.Addr{}); err != nil {
		t.Errorf("version 2 without addresses: %v", err)
	}
}

func TestVirtualRouterIDIsReadWithoutJudging(t *testing.T) {
	if id, ok := VirtualRouterID([]byte{0xff, 110}); id != 110 || !ok {
		t.Errorf("VirtualRouterID = %d, %v", id, ok)
	}
	if id, ok := VirtualRouterID([]byte{0x21}); ok {
		t.Errorf("a message of one byte has virtual router id %d", id)
	}
}
