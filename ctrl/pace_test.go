package ctrl

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestAnnouncementsOfEitherIPVersionKeepTheirOrder(t *testing.T) {
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	var p pacer
	for _, vip := range []netip.Addr{six, four, six, four} {
		p.put(announcement{vip: vip})
	}
	take := func(after time.Duration) (made []netip.Addr) {
		for _, one := range p.take(time.Unix(1, 0).Add(after), time.Second, 0, 4) {
			made = append(made, one.vip)
		}
		return made
	}
	if made, want := take(0), []netip.Addr{six, four, six}; !slices.Equal(made, want) {
		t.Errorf("at first %s are announced, want %s", made, want)
	}
	if next := p.next(); !next.Equal(time.Unix(2, 0)) {
		t.Errorf("the next is due at %s", next)
	}
	if made, want := take(time.Second), []netip.Addr{four}; !slices.Equal(made, want) || !p.next().IsZero() {
		t.Errorf("after a second %s are announced, want %s", made, want)
	}
}

func TestAnnouncementsAreKeptApartInTheirOrder(t *testing.T) {
	begun := time.Now()
	for name, test := range map[string]struct {
		interval time.Duration
		want     []string
	}{
		"a second apart":      {time.Second, []string{"a 0s", "b 1s", "c 2s", "d 3.5s"}},
		"without an interval": {0, []string{"a 0s", "b 0s", "c 0s", "d 3.5s"}},
	} {
		t.Run(name, func(t *testing.T) {
			var p pacer
			var made []string
			for elapsed := time.Duration(0); elapsed < time.Minute; elapsed += 500 * time.Millisecond {
				switch elapsed {
				case 0:
					for _, ifname := range []string{"a", "b", "c"} {
						p.put(announcement{ifname: ifname})
					}
				case 3500 * time.Millisecond:
					p.put(announcement{ifname: "d"})
				}
				now := begun.Add(elapsed)
				for _, one := range p.take(now, test.interval, 0, 3) {
					made = append(made, one.ifname+" "+elapsed.String())
				}
				if next := p.next(); !next.IsZero() && !next.After(now) {
					t.Errorf("after %s the next is due %s ago, and was not made", elapsed, now.Sub(next))
				}
			}
			if !slices.Equal(made, test.want) {
				t.Errorf("made %q, want %q", made, test.want)
			}
		})
	}
}
