package main

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// What a client tells, as it comes, is what the other end has.
func TestWhatAClientTellsIsWrittenDown(t *testing.T) {
	var wire bytes.Buffer
	var told clientNews
	from, to := newFailoverClient(), newFailoverClient()
	master := netip.MustParseAddr("192.0.2.12")
	for n := range 3 {
		at := ms(float64(n))
		err := from.sent.add(at)
		if n > 0 { // the first one is lost
			err = from.answers.add(answer{echo: n, at: at + ms(0.1)})
		}
		if err == nil {
			err = from.heard.add(advert{from: master, priority: uint8(n), at: at})
		}
		if err == nil {
			err = from.tell(&told, &wire)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := to.follow(bytes.NewReader(wire.Bytes())); err != nil {
		t.Fatal(err)
	}
	if got, want := to.echoes(), from.echoes(); !slices.Equal(got.sent, want.sent) || !slices.Equal(got.answers, want.answers) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := to.heard.all(), from.heard.all(); len(got) != 3 || !slices.Equal(got, want) {
		t.Errorf("heard %+v, want %+v", got, want)
	}
	if got := to.told(); got != ms(2) {
		t.Errorf("told until %s", got)
	}
	if err := to.follow(bytes.NewReader(wire.Bytes()[:5])); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("of half an item: %v", err)
	}
	wire.Bytes()[0] = 9
	if err := to.follow(&wire); err == nil || !strings.Contains(err.Error(), "kind 9") {
		t.Errorf("of another item: %v", err)
	}
}
