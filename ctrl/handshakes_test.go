package ctrl

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/suspect"
	"drover/dataplane"
)

// watching feeds the watch of a virtual server with handshakes of a test's making.
type watching struct {
	*Controller
	t   *testing.T
	now time.Time
	log *bytes.Buffer
}

func newWatching(t *testing.T, c *config.Config) *watching {
	w := &watching{t: t, now: noon, log: new(bytes.Buffer)}
	w.Controller = New(Options{Log: slog.New(slog.NewTextHandler(w.log, nil))})
	w.known = *allWell(c)
	w.ids = identify(t, &w.known)
	last := 0
	for _, id := range w.ids.reals {
		last = max(last, int(id))
	}
	w.handshakes.now = make([]dataplane.Handshakes, last+1)
	return w
}

// pool is the only one.
func (w *watching) pool() *pool { return w.known.roster.pools[0] }

// pass has an interval pass in which the real servers with these ids were given connections, of which some were completed.
func (w *watching) pass(opened, completed uint32, ids ...dataplane.RealID) {
	w.t.Helper()
	for _, id := range ids {
		w.handshakes.now[id].Opened += opened
		w.handshakes.now[id].Completed += completed
	}
}

func (w *watching) look() {
	w.now = w.now.Add(suspect.Interval)
	w.planner.plan(&w.known, w.ids)
	w.heed(w.pool(), w.handshakes.observe(w.pool(), &w.planner.parts[0], w.now, func(*member) time.Time { return time.Time{} }))
}

func TestARealServerWhoseClientsGetNoAnswerIsSuspected(t *testing.T) {
	w := newWatching(t, threeServers("rr"))
	w.look()
	w.stale = false
	for range 2 {
		w.pass(20, 20, 1, 3)
		w.pass(20, 0, 2)
		w.look()
	}
	its := &w.pool().members[1]
	if !w.stale || its.rating.share() != wholeShare/8 || !strings.Contains(its.rating.suspicion, "none of 20 handshakes") {
		t.Fatalf("stale %t, %+v", w.stale, its.rating)
	}
	s := w.virtualServers()[0].RealServers[1]
	if !s.Up || !s.Suspected || s.Share != 0.125 || s.Reason != its.rating.suspicion {
		t.Errorf("the status shows %+v", s)
	}
	w.stale = false
	w.pass(1, 1, 2)
	if w.look(); !w.stale || its.rating.share() != wholeShare {
		t.Errorf("after an answer: stale %t, %+v", w.stale, its.rating)
	}
	for n, want := range []string{"level=WARN", "level=INFO"} {
		line := strings.Split(w.log.String(), "\n")[n]
		for _, words := range []string{want, "suspected", "real_server=192.168.100.151:80", `virtual_server="TCP 192.168.100.221:80"`} {
			if !strings.Contains(line, words) {
				t.Errorf("the log has %s, want %s in it", line, words)
			}
		}
	}
}

// TestTheServicesOfAGroupAreWatchedTogether: an answer in one of them is an answer.
func TestTheServicesOfAGroupAreWatchedTogether(t *testing.T) {
	for name, test := range map[string]struct {
		completed uint32
		want      bool
	}{
		"a port where it does not answer is no reason": {20, false},
		"none where it does is":                        {0, true},
	} {
		c := tutorialConfig()
		v := &c.VirtualServers[0]
		v.Group, v.Members = "webs", []netip.AddrPort{v.Endpoints()[0], netip.MustParseAddrPort("192.168.100.222:443")}
		v.Address, v.Port = netip.Addr{}, 0
		w := newWatching(t, c) // ids 1 and 3 are those of the first real server
		w.look()
		for range 3 {
			w.pass(20, 0, 1)
			w.pass(20, test.completed, 3)
			w.pass(20, 20, 2, 4)
			w.look()
		}
		if got := w.pool().members[0].rating.suspicion != ""; got != test.want {
			t.Errorf("%s: suspected %t", name, got)
		}
	}
}

func TestWhoTakesNoConnectionsIsNotSuspected(t *testing.T) {
	for name, change := range map[string]func(*watching){
		"its check fails": func(w *watching) { w.pool().members[1].checks[0].up = false },
		"it is drained":   func(w *watching) { w.pool().members[1].configured = 0 },
	} {
		w := newWatching(t, threeServers("rr"))
		change(w)
		w.look()
		for range 5 {
			w.pass(20, 20, 1, 3)
			w.pass(20, 0, 2)
			w.look()
		}
		if its := w.pool().members[1].rating; its.suspicion != "" {
			t.Errorf("%s: %s", name, its.suspicion)
		}
	}
}

func TestOnlyWhatHasHandshakesAndAChoiceIsWatched(t *testing.T) {
	udp, alone := threeServers("rr"), threeServers("rr")
	udp.VirtualServers[0].Protocol = config.UDP
	alone.VirtualServers[0].RealServers = alone.VirtualServers[0].RealServers[:1]
	for name, test := range map[string]struct {
		config *config.Config
		want   bool
	}{"three real servers of TCP": {threeServers("rr"), true}, "UDP": {udp, false}, "only one": {alone, false}} {
		if got := allWell(test.config).roster.pools[0].isWatched(); got != test.want {
			t.Errorf("%s: watched %t", name, got)
		}
	}
}
