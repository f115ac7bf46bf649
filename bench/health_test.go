package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestHealthBenchmarkMeasuresChecksFlapsAndFalls(t *testing.T) {
	needRoot(t)
	o := healthOptions{servers: 20, seconds: 1, rounds: 1, flaps: 50, loop: 200 * time.Millisecond}
	report, err := benchHealth(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []Path{LateStart, Refused} {
		if _, found := report.row("drover", path, IPv4, 0); !found {
			t.Errorf("no row for %q", path)
		}
	}
	for _, c := range detectCases(o.loop) {
		row, found := report.row("drover", c.path, IPv4, 0)
		if took := time.Duration(row.Min); !found || took < c.schedule()-o.loop/2 || took > time.Minute {
			t.Errorf("%s: after %v, want %v and more", c.path, took, c.schedule())
		}
	}
	const flapped = "flapping: 10 real servers rose or fell 500 times"
	if !slices.ContainsFunc(report.Notes, func(note string) bool { return strings.HasPrefix(note, flapped) }) {
		t.Errorf("notes %q, want 50 transitions of each server that flaps", report.Notes)
	}
	var names []string
	for _, bar := range report.Bars {
		names = append(names, bar.Name)
	}
	if want := 7 + len(detectCases(o.loop)); len(report.Bars) != want {
		t.Errorf("bars %q, want %d", names, want)
	}
	if figure := healthFigure(report); len(figure.Panels) != 2+len(detectCases(o.loop)) || figure.Panels[0].Limit != 50 {
		t.Errorf("figure %+v", figure)
	}
}

func TestRoundsAreJudgedByTheirLatestChecks(t *testing.T) {
	const ms = time.Millisecond
	late := make([]time.Duration, 200)
	late[0], late[7], late[9] = 51*ms, 50*ms, time.Second
	if got, want := judgeRound(late), (healthRound{Checks: 200, OnTime: 198, Late99: 51 * ms}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := judgeRound(nil); got != (healthRound{}) {
		t.Errorf("a round without checks: %+v", got)
	}
}

func TestChecksThatAreNotMadeAreMissed(t *testing.T) {
	found := healthFindings{Rounds: []healthRound{
		{Checks: 50_000, OnTime: 50_000, Took: 10 * time.Second}, {Checks: 49_400, OnTime: 49_400, Took: 10 * time.Second},
	}, Refusals: []time.Duration{0}}
	if got := found.made(5000); got != 98.8 {
		t.Errorf("%v %% were made in the worst round, want 98.8", got)
	}
	if bar := found.bars(healthOptions{servers: 5000})[0]; bar.Held {
		t.Errorf("held: %v", bar)
	}
}

func TestPacketsAreCountedByTheProcessorThatReceivedThem(t *testing.T) {
	const line = "%08x 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 %08x 00000000\n"
	got, err := receivedBy([]byte(fmt.Sprintf(line+line, 0xfffffff0, 0, 0x20, 0x0a)))
	if want := map[int]uint64{0: 0xfffffff0, 10: 0x20}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := receivedBy([]byte("00000001 00000000\n")); err == nil {
		t.Error("a line that names no processor is taken")
	}
	before, after := wireCount{came: 5, received: 0xfffffff0}, wireCount{came: 25, received: 0x10}
	if got, want := after.since(before), (wireCount{20, 0x20}); got != want {
		t.Errorf("since: %v, want %v", got, want)
	}
}

func TestPacketsThatOthersReceiveAreNoticed(t *testing.T) {
	needRoot(t)
	wire, err := layHealthWire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := wire.remove(); err != nil {
			t.Error(err)
		}
	}()
	const asked = 2000
	ask := func() error {
		return wire.checker.do(func() error {
			for range asked {
				// Nobody listens.
				if _, err := net.Dial("tcp4", checkedAddress(1, answeringPort).String()); !errors.Is(err, unix.ECONNREFUSED) {
					return fmt.Errorf("asked a closed port: %w", err)
				}
			}
			return nil
		})
	}
	if received, err := wire.counted(ask); err != nil || received.came < asked {
		t.Errorf("%d came, want %d: %v", received.came, asked, err)
	}
	if wire.checker.processors[0] == wire.servers.processors[0] {
		t.Skip("a machine of one processor")
	}
	if err := wire.servers.processors.take(int(wire.checker.receiver), checkPriority); err != nil {
		t.Fatal(err)
	}
	// What else the machine receives meanwhile may hide it, but not each time.
	for range 20 {
		if _, err := wire.counted(ask); err != nil && strings.Contains(err.Error(), "others did it for them") {
			return
		}
	}
	t.Error("the servers' processors receive what comes to the checker, and nobody minds")
}

func TestServersThatGoDownAreHeldToTheirSchedule(t *testing.T) {
	closed, silent := detectCases(time.Second)[0], detectCases(time.Second)[2]
	report := func(drover, keepalived time.Duration) Report {
		found := detections{Took: map[string][][]time.Duration{
			"drover":     {{drover, drover, drover + 3*time.Second}},
			"keepalived": {{keepalived, keepalived, keepalived + 3*time.Second}},
		}}
		return Report{Rows: found.rows(time.Second)}
	}
	if closed.schedule() != 3*time.Second || silent.schedule() != 6*time.Second {
		t.Errorf("schedules %v and %v, want 3s and 6s", closed.schedule(), silent.schedule())
	}
	for name, test := range map[string]struct {
		drover, keepalived time.Duration
		missed             int
	}{
		"both in time":            {3010 * time.Millisecond, 3000 * time.Millisecond, 0},
		"earlier":                 {3010 * time.Millisecond, 3900 * time.Millisecond, 0},
		"later than keepalived":   {3300 * time.Millisecond, 3000 * time.Millisecond, 4}, // and one late for its bound
		"later than can be right": {4300 * time.Millisecond, 4400 * time.Millisecond, 3},
	} {
		t.Run(name, func(t *testing.T) {
			missed := 0
			for _, bar := range detectBars(report(test.drover, test.keepalived), time.Second) {
				if !bar.Held {
					missed++
				}
			}
			if missed != test.missed {
				t.Errorf("%d bars are not held, want %d", missed, test.missed)
			}
		})
	}
}

func TestWhatKeepalivedLogsOfServersIsHeeded(t *testing.T) {
	all := mortals(2, time.Second)
	log := strings.Join([]string{
		"Remote Web server [127.2.2.1]:tcp:80 succeed on service.",
		"TCP connection to [127.2.2.2]:tcp:80 success.",
		"HTTP status code success to [127.2.2.3]:tcp:80 url(/index.html).",
		"TCP_CHECK on service [127.2.2.2]:tcp:80 failed after 2 retries.",
		"Removing service [127.2.2.2]:tcp:80 from VS [192.0.2.1]:tcp:80",
	}, "\n")
	heed(strings.NewReader(log), all)
	var up []bool
	for _, m := range all {
		up = append(up, m.up)
	}
	if want := []bool{true, false, false}; !reflect.DeepEqual(up, want) {
		t.Errorf("up: %v, want %v", up, want)
	}
	if all[1].fell.IsZero() || !all[0].fell.IsZero() {
		t.Error("the fall of another server is noted")
	}
	if all[0].address != netip.MustParseAddrPort("127.2.2.1:80") {
		t.Errorf("the first server is %v", all[0].address)
	}
}
