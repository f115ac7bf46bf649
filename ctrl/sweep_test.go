package ctrl

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"drover/dataplane"
)

// TestACountIsTrueWithinASecond has a connection become idle at every hundredth of a second, at the end of a table that some
// sweeps go over in no time and others in a quarter of a second.
func TestACountIsTrueWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const step, slow = 10 * time.Millisecond, countsTrueWithin / 4
		begun, sweeps, forgotten, longest := time.Now(), 0, 0, time.Duration(0)
		s := &sweeper{tell: newTeller(slog.New(slog.DiscardHandler))}
		s.sweep = func() (dataplane.Swept, error) {
			if sweeps++; sweeps%2 == 0 {
				time.Sleep(slow)
			}
			for ; time.Duration(forgotten)*step <= time.Since(begun); forgotten++ {
				longest = max(longest, time.Since(begun)-time.Duration(forgotten)*step)
			}
			return dataplane.Swept{}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s.run(ctx)
		if longest > countsTrueWithin || sweeps < 60 {
			t.Errorf("a connection is counted for %s after it has expired, in %d sweeps; want %s at most", longest, sweeps, countsTrueWithin)
		}
	})
}
