package vrrp

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// fuzzedEnd makes an address out of anything: 16 bytes and more are IPv6.
func fuzzedEnd(b []byte) netip.Addr {
	var a [16]byte
	copy(a[:], b)
	if len(b) >= len(a) {
		return netip.AddrFrom16(a).Unmap()
	}
	return netip.AddrFrom4([4]byte(a[:4]))
}

func FuzzParse(f *testing.F) {
	for _, p := range captured(f) {
		f.Add(p.from.AsSlice(), p.to.AsSlice(), p.payload)
	}
	four, six := netip.MustParseAddr(self).AsSlice(), netip.MustParseAddr(linkLocal1).AsSlice()
	f.Add(four, group4.AsSlice(), []byte{})
	f.Add(four, group4.AsSlice(), mustHex(f, "316e0b01000a9e00c0a864dd")) // as version 2
	f.Add(four, group4.AsSlice(), mustHex(f, "316e0bff000a9e00c0a864dd")) // more addresses than there are
	f.Add(four, group6.AsSlice(), mustHex(f, "316e0b01000a97f5c0a864dd"))
	f.Add(six, group6.AsSlice(), mustHex(f, "316e0c01000a96f4c0a864dd"))
	f.Add(six, group6.AsSlice(), mustHex(f, "316e0b01000ad9cc00000000000000000000ffffc0a864dd")) // a mapped address
	f.Fuzz(func(t *testing.T, source, destination, payload []byte) {
		from, to := fuzzedEnd(source), fuzzedEnd(destination)
		advert, err := Parse(payload, from, to)
		if err != nil {
			if drop, ok := errors.AsType[*DropError](err); !ok || drop.Reason == "" {
				t.Fatalf("error without a drop reason: %v", err)
			}
			return
		}
		again, err := advert.Marshal(from, to)
		if err != nil {
			t.Fatalf("parsed %+v but cannot marshal it: %v", advert, err)
		}
		parsed, err := Parse(again, from, to)
		if err != nil {
			t.Fatalf("cannot parse our own %x: %v", again, err)
		}
		if !reflect.DeepEqual(parsed, advert) {
			t.Fatalf("changed on the way\n got %+v\nwant %+v", parsed, advert)
		}
	})
}

// FuzzReceived holds the machine's promise for anything that arrives: a drop with
// a reason, or the rules that checkInvariants knows.
func FuzzReceived(f *testing.F) {
	for _, p := range captured(f) {
		f.Add(p.from.AsSlice(), p.to.AsSlice(), uint8(255), p.payload)
	}
	f.Add(netip.MustParseAddr(self).AsSlice(), group4.AsSlice(), uint8(1), []byte{0x31})
	f.Fuzz(func(t *testing.T, source, destination []byte, ttl uint8, payload []byte) {
		d := Datagram{Source: fuzzedEnd(source), Destination: fuzzedEnd(destination), TTL: ttl, Payload: payload}
		for _, s := range []Settings{testSettings(nil), testSettings(v3), testSettings(v6)} {
			m := NewMachine(s, epoch)
			m.Handle(epoch, Start{})
			for second := range 9 {
				for _, ev := range []Event{Received{Datagram: d}, Tick{}} {
					before, now := m.State(), epoch.Add(time.Duration(second)*time.Second)
					checkInvariants(t, m, before, now, m.Handle(now, ev))
				}
			}
		}
	})
}
