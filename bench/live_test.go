package main

import (
	"context"
	"strings"
	"testing"
)

func TestLiveBenchmarkLosesNoFrame(t *testing.T) {
	needRoot(t)
	report, err := benchLive(context.Background(), liveOptions{family: IPv4, flows: []int{1, 300}, packets: 5000, rounds: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, flows := range []int{1, 300} {
		for _, program := range []string{"drover", "floor", "textbook"} {
			r, found := report.row(program, Established, IPv4, flows)
			if !found || r.Mpps == nil || r.Mpps.Min <= 0 || r.Mpps.Median < r.Mpps.Min || r.Mpps.Max < r.Mpps.Median {
				t.Errorf("%s, %d flows: %+v", program, flows, r)
			}
		}
	}
	if report.IPVS == "" || len(report.Bars) != 1 || !report.Bars[0].AtLeast {
		t.Errorf("IPVS %q, bars %+v", report.IPVS, report.Bars)
	}
}

// inLane runs do with floor at the end of a cable.
func inLane(t *testing.T, do func(ctx context.Context, l lane, c core) error) {
	t.Helper()
	ctx := context.Background()
	err := inPrivate(func() error {
		core, err := takeCore()
		if err != nil {
			return err
		}
		if err := silence(); err != nil {
			return err
		}
		floors, err := openOnlyFloor(IPv4, 1)
		if err != nil {
			return err
		}
		l, err := newLane(ctx, floors[0])
		if err != nil {
			return err
		}
		defer closeLanes([]lane{l})
		return do(ctx, l, core)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestALostFrameIsAnError(t *testing.T) {
	needRoot(t)
	inLane(t, func(ctx context.Context, l lane, _ core) error {
		err := l.awaitFrames(ctx, 1, 0)
		if err == nil || !strings.Contains(err.Error(), "1 frame did not come back") {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestAFrameThatTheBalancerDidNotSendIsAnError(t *testing.T) {
	needRoot(t)
	inLane(t, func(ctx context.Context, l lane, c core) error {
		player, err := newPlayer(IPv4, useEach(1))
		if err != nil {
			return err
		}
		defer player.close()
		drive := l.driver(ctx, c, player)
		if _, err := drive(0, 100); err != nil {
			return err
		}
		// from the far end, as the router sends them: to the balancer
		if err := player.send(l.cable.far.index, 0, 1); err != nil {
			return err
		}
		err = l.awaitFrames(ctx, 100, 0)
		if err == nil || !strings.Contains(err.Error(), "1 to nobody") {
			t.Errorf("got %v", err)
		}
		return nil
	})
}
