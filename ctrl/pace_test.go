package ctrl

import (
	"slices"
	"testing"
	"time"
)

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
				for _, one := range p.take(now, test.interval, 3) {
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
