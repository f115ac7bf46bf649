package main

import (
	"net/netip"
	"testing"
	"time"
)

func TestTheSoleMasterIsTheOnlyOneHeardWithoutAFarewell(t *testing.T) {
	a, b, nobody := netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.12"), netip.Addr{}
	for _, c := range []struct {
		name  string
		heard []advert
		want  netip.Addr
	}{
		{"nobody", nil, nobody},
		{"one", []advert{{a, 11, ms(950)}}, a},
		{"one, too long ago", []advert{{a, 11, ms(850)}}, nobody},
		{"two", []advert{{a, 11, ms(950)}, {b, 12, ms(960)}}, nobody},
		{"two, but one of them long ago", []advert{{a, 11, ms(850)}, {b, 12, ms(960)}}, b},
		{"one that left for the other", []advert{{a, 11, ms(950)}, {a, 0, ms(955)}, {b, 12, ms(960)}}, b},
		{"one that left and came back", []advert{{a, 0, ms(955)}, {a, 11, ms(960)}}, a},
		{"one that has just left", []advert{{a, 11, ms(950)}, {a, 0, ms(955)}}, nobody},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, found := soleMaster(c.heard, ms(1000), ms(100))
			if got != c.want || found != (c.want != nobody) {
				t.Errorf("got %v, %t", got, found)
			}
		})
	}
}

func TestAFarewellIsNoAdvert(t *testing.T) {
	a := netip.MustParseAddr("192.0.2.11")
	heard := []advert{{a, 0, ms(1)}, {a, 11, ms(2)}, {a, 11, ms(3)}, {a, 0, ms(4)}}
	if at, found := lastOf(heard, a); at != ms(3) || !found {
		t.Errorf("last: %v, %t", at, found)
	}
	if at, found := firstOf(heard, a, 0); at != ms(2) || !found {
		t.Errorf("first: %v, %t", at, found)
	}
	if at, found := firstOf(heard, a, ms(3)); found {
		t.Errorf("first after the last: %v", at)
	}
}

func TestTheLatestAdvertIsTheOneBehindTheLongestPause(t *testing.T) {
	a, b := netip.MustParseAddr("192.0.2.11"), netip.MustParseAddr("192.0.2.12")
	for _, c := range []struct {
		name  string
		heard []advert
		want  time.Duration
	}{
		{"in time", []advert{{a, 11, ms(95)}, {a, 11, ms(105)}, {a, 11, ms(115)}, {a, 11, ms(125)}}, 0},
		{"one late", []advert{{a, 11, ms(95)}, {a, 11, ms(105)}, {a, 11, ms(118)}, {a, 11, ms(125)}}, ms(3)},
		{"another node does not count", []advert{{a, 11, ms(105)}, {b, 12, ms(110)}, {a, 11, ms(124)}}, ms(9)},
		{"the last one does not come", []advert{{a, 11, ms(105)}, {a, 11, ms(140)}}, ms(15)},
		{"none comes", nil, ms(20)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := latest(c.heard, a, ms(10), ms(100), ms(130)); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestTheNextBeatKeepsTheRhythm(t *testing.T) {
	for _, c := range []struct {
		phase, now float64
		want       time.Duration
	}{
		{0, 50, ms(100)}, {0, 100, ms(200)}, {0, 150, ms(200)}, {0, 299, ms(300)},
		{0.5, 140, ms(150)}, {0.5, 150, ms(250)}, {0.5, 990, ms(1050)},
	} {
		if got := nextBeat(ms(100), ms(100), c.phase, ms(c.now)); got != c.want {
			t.Errorf("phase %v, at %v ms: %v, want %v", c.phase, c.now, got, c.want)
		}
	}
}
