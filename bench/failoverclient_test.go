package main

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
)

// As they are on the wire, from 192.168.100.212, each with the priority 11.
func TestTheClientReadsAdvertsOfBothVersions(t *testing.T) {
	const header = "45c0002800010000ff700000c0a864d4e0000012"
	for name, payload := range map[string]string{
		"version 2": "216e0b010101ae3bc0a864dd6465663334350000",
		"version 3": "316e0b01000a97f5c0a864dd",
	} {
		t.Run(name, func(t *testing.T) {
			packet, err := hex.DecodeString(header + payload)
			if err != nil {
				t.Fatal(err)
			}
			c := newFailoverClient()
			if err := c.takeAdvert(packet, ms(7)); err != nil {
				t.Fatal(err)
			}
			want := advert{from: netip.MustParseAddr("192.168.100.212"), priority: 11, at: ms(7)}
			if heard := c.heard.all(); len(heard) != 1 || heard[0] != want {
				t.Errorf("got %+v, want %+v", heard, want)
			}
			if err := c.takeAdvert(packet[:22], 0); err == nil {
				t.Error("a packet without a priority is none")
			}
		})
	}
}

func TestAnAnswerToWhatWasNotAskedIsAnError(t *testing.T) {
	c := newFailoverClient()
	if err := c.sent.add(0); err != nil {
		t.Fatal(err)
	}
	if err := c.takeAnswer(make([]byte, 8), ms(1)); err != nil {
		t.Errorf("echo 0: %v", err)
	}
	for name, datagram := range map[string][]byte{"echo 1": {7: 1}, "too short": {1}} {
		if err := c.takeAnswer(datagram, ms(1)); err == nil {
			t.Errorf("%s is taken for an answer", name)
		}
	}
	if got := c.echoes(); len(got.sent) != 1 || len(got.answers) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestARecordThatIsFullSaysSo(t *testing.T) {
	r := newRecord[int](2)
	for i := range 2 {
		if err := r.add(i); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.add(2); err == nil || !strings.Contains(err.Error(), "more than 2") {
		t.Errorf("got %v", err)
	}
	if got := r.all(); len(got) != 2 || got[1] != 1 {
		t.Errorf("got %v", got)
	}
}

func TestALogTailKeepsTheEnd(t *testing.T) {
	var l logTail
	for range 3 {
		if _, err := l.Write([]byte(strings.Repeat("x", tailBytes-1) + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Write([]byte("the end")); err != nil {
		t.Fatal(err)
	}
	if got := l.String(); len(got) != tailBytes || !strings.HasSuffix(got, "x\nthe end") {
		t.Errorf("%d bytes, %q", len(got), got[max(0, len(got)-20):])
	}
}
