package ctrl

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"drover/dataplane"
)

func TestWhatLastsIsLoggedOnceUntilItChanges(t *testing.T) {
	var log bytes.Buffer
	tell := newTeller(slog.New(slog.NewTextHandler(&log, nil)))
	full, gone := errors.New("full"), errors.New("gone")
	for _, step := range []struct {
		what string
		err  error
		want string // in the one line that is logged, if one is
	}{
		{"no space", nil, ""}, {"no space", full, "error=full"}, {"no space", full, ""}, {"no way", full, "error=full"},
		{"no space", gone, "error=gone"}, {"no space", nil, "over: no space"}, {"no space", nil, ""}, {"no space", gone, "error=gone"},
	} {
		log.Reset()
		tell.about(step.what, step.err)
		if lines := strings.Count(log.String(), "\n"); lines > 1 || (lines == 1) != (step.want != "") ||
			!strings.Contains(log.String(), step.want) {
			t.Errorf("%s: %v: logged %q, want %q", step.what, step.err, log.String(), step.want)
		}
	}
}

func TestTheSweeperSweepsAgainAndAgainAndKeepsWhatItFoundLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		swept := 0
		s := &sweeper{tell: newTeller(slog.New(slog.NewTextHandler(&log, nil)))}
		s.sweep = func() (dataplane.Swept, error) {
			if swept++; swept > 2 {
				return dataplane.Swept{}, errors.New("no such map")
			}
			return dataplane.Swept{IPv4: dataplane.FlowTable{Capacity: swept}}, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*sweepInterval+sweepInterval/2)
		defer cancel()
		s.run(ctx)
		if swept != 5 {
			t.Errorf("swept %d times in 4.5 intervals, want at once and then every interval", swept)
		}
		if got := s.found().IPv4.Capacity; got != 2 {
			t.Errorf("it keeps what sweep %d found, want 2, the last that went well", got)
		}
		if n := strings.Count(log.String(), "no such map"); n != 1 {
			t.Errorf("the error is logged %d times, want once:\n%s", n, log.String())
		}
	})
}
