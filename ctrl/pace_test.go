package ctrl

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnnouncementsAreKeptApartInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pacer
		begun := time.Now()
		var sent []string
		send := func(what string, interval time.Duration) {
			p.do(t.Context(), interval, func() { sent = append(sent, what+" "+time.Since(begun).String()) })
		}
		send("a", time.Second)
		send("b", time.Second)
		send("c", time.Second)
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		send("d", time.Second)
		if want := []string{"a 0s", "b 1s", "c 2s", "d 3.5s"}; !slices.Equal(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
		time.Sleep(time.Minute)
	})
}

func TestWithoutAnIntervalNothingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pacer
		n := 0
		for range 10 {
			p.do(t.Context(), 0, func() { n++ })
		}
		if n != 10 {
			t.Errorf("%d of 10 were sent at once", n)
		}
	})
}
