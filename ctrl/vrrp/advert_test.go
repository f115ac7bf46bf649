package vrrp

import (
	"bufio"
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

// capturedPayloads reads the messages that keepalived sent.
func capturedPayloads(t testing.TB) [][]byte {
	t.Helper()
	f, err := os.Open("testdata/keepalived-2.2.7-v2.hex")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var payloads [][]byte
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			payloads = append(payloads, mustHex(t, line))
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(payloads) == 0 {
		t.Fatal("no captured payloads")
	}
	return payloads
}

func tutorialAdvert(priority uint8) Advert {
	return Advert{
		Version: 2, VirtualRouterID: 110, Priority: priority,
		AuthType: AuthPass, AuthData: [8]byte{'d', 'e', 'f', '3', '4', '5'},
		Interval: time.Second, Addresses: addrs("192.168.100.221"),
	}
}

func TestGoldenPayloads(t *testing.T) {
	for _, test := range []struct {
		name   string
		advert Advert
		wire   string
	}{
		{"the tutorial's backup", tutorialAdvert(11), "216e0b010101ae3bc0a864dd6465663334350000"},
		{"the tutorial's master", tutorialAdvert(12), "216e0c010101ad3bc0a864dd6465663334350000"},
		{"a master that stops", tutorialAdvert(0), "216e00010101b93bc0a864dd6465663334350000"},
		{"no authentication and three addresses",
			Advert{Version: 2, VirtualRouterID: 7, Priority: 250, Interval: 2 * time.Second,
				Addresses: addrs("192.168.100.9", "10.1.2.3", "192.168.100.8")},
			"2107fa0300028f8bc0a864090a010203c0a864080000000000000000"},
		{"a password of eight bytes",
			Advert{Version: 2, VirtualRouterID: 255, Priority: 254, Interval: time.Second,
				AuthType: AuthPass, AuthData: [8]byte([]byte("12345678")), Addresses: addrs("192.168.100.77")},
			"21fffe010101e932c0a8644d3132333435363738"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.advert.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString(got) != test.wire {
				t.Errorf("Marshal\n got %x\nwant %s", got, test.wire)
			}
			parsed, err := Parse(mustHex(t, test.wire))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(parsed, test.advert) {
				t.Errorf("Parse\n got %+v\nwant %+v", parsed, test.advert)
			}
		})
	}
}

func TestEveryCapturedPayloadIsEncodedAsItWas(t *testing.T) {
	for _, payload := range capturedPayloads(t) {
		advert, err := Parse(payload)
		if err != nil {
			t.Errorf("Parse(%x): %v", payload, err)
			continue
		}
		again, err := advert.Marshal()
		if err != nil {
			t.Errorf("Marshal(%+v): %v", advert, err)
			continue
		}
		if !bytes.Equal(again, payload) {
			t.Errorf("encoded differently\n got %x\nwant %x", again, payload)
		}
	}
}

func TestMarshalRefusesWhatTheWireCannotCarry(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Advert)
		want   string
	}{
		{"another version", func(a *Advert) { a.Version = 3 }, "version 3 is not supported"},
		{"virtual router id 0", func(a *Advert) { a.VirtualRouterID = 0 }, "virtual router id 0"},
		{"an interval below a second", func(a *Advert) { a.Interval = 100 * time.Millisecond }, "interval 100ms"},
		{"an interval with a fraction", func(a *Advert) { a.Interval = 1500 * time.Millisecond }, "interval 1.5s"},
		{"an interval above 255 s", func(a *Advert) { a.Interval = 256 * time.Second }, "interval 4m16s"},
		{"too many addresses", func(a *Advert) { a.Addresses = make([]netip.Addr, 256) }, "256 addresses"},
		{"an IPv6 address", func(a *Advert) { a.Addresses = addrs("fe80::1") }, "fe80::1 is not IPv4"},
		{"an unset address", func(a *Advert) { a.Addresses = make([]netip.Addr, 1) }, "is not IPv4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			advert := tutorialAdvert(11)
			test.change(&advert)
			payload, err := advert.Marshal()
			if err == nil {
				t.Fatalf("marshaled to %x", payload)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
		})
	}
}

func TestParseDrops(t *testing.T) {
	const good = "216e0b010101ae3bc0a864dd6465663334350000"
	for _, test := range []struct {
		name, payload string
		want          DropReason
	}{
		{"an empty message", "", DropLength},
		{"a message that ends in the header", good[:14], DropLength},
		{"a message without its addresses", good[:16], DropLength},
		{"a message that lacks one byte", good[:38], DropLength},
		{"an address count beyond the message", "216e0b020101ae3ac0a864dd6465663334350000", DropLength},
		{"version 3", "316e0b01000a97f5c0a864dd", DropVersion},
		{"version 1", "116e0b010101be3bc0a864dd6465663334350000", DropVersion},
		{"a changed priority under the old checksum", "216e0c010101ae3bc0a864dd6465663334350000", DropChecksum},
		{"a changed password under the old checksum", "216e0b010101ae3bc0a864dd6465663334360000", DropChecksum},
		{"another type than advertisement", "226e0b010101ad3bc0a864dd6465663334350000", DropType},
		{"virtual router id 0", "21000b010101aea9c0a864dd6465663334350000", DropVirtualRouterID},
		{"an interval of zero", "216e0b010100ae3cc0a864dd6465663334350000", DropInterval},
	} {
		t.Run(test.name, func(t *testing.T) {
			advert, err := Parse(mustHex(t, test.payload))
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

func TestParseIgnoresBytesAfterTheMessage(t *testing.T) {
	message := mustHex(t, "216e0b010101ae3bc0a864dd6465663334350000")
	advert, err := Parse(append(message, 0xde, 0xad, 0xbe))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(advert, tutorialAdvert(11)) {
		t.Errorf("Parse = %+v", advert)
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

func FuzzParse(f *testing.F) {
	for _, payload := range capturedPayloads(f) {
		f.Add(payload)
	}
	f.Add([]byte{})
	f.Add(mustHex(f, "316e0b01000a97f5c0a864dd"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		advert, err := Parse(payload)
		if err != nil {
			if drop, ok := errors.AsType[*DropError](err); !ok || drop.Reason == "" {
				t.Fatalf("error without a drop reason: %v", err)
			}
			return
		}
		again, err := advert.Marshal()
		if err != nil {
			t.Fatalf("parsed %+v but cannot marshal it: %v", advert, err)
		}
		parsed, err := Parse(again)
		if err != nil {
			t.Fatalf("cannot parse our own %x: %v", again, err)
		}
		if !reflect.DeepEqual(parsed, advert) {
			t.Fatalf("changed on the way\n got %+v\nwant %+v", parsed, advert)
		}
	})
}
