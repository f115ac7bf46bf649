package suspect

import (
	"fmt"
	"math"
	"time"
)

const (
	// Interval is how often a Watch should be given counts.
	Interval = 200 * time.Millisecond

	// leastFailed is the least number of connections without an answer, and leastGone of those at the others that go on.
	leastFailed, leastGone = 3, 3
	// doubt is how probable it may be that all of them have failed by chance: the logarithm of one in a million.
	doubt = -13.8

	// Connections older than patience are expected to have been completed: so many times what a handshake takes, within
	// these bounds.
	handshakes    = 3
	leastPatience = Interval
	mostPatience  = 2 * time.Second

	// window is the time in which the evidence must come about.
	window = 10 * time.Second
	// vouching is how long handshakes must not fail after a check has passed, for the suspicion to end.
	vouching = 3 * time.Second
	// longest is the longest that a real server is suspected at a time.
	longest = time.Minute
	// respite is how long it is not suspected again after that.
	respite = 2 * time.Second
)

// Server is what is known of one real server at one time.
type Server struct {
	// Opened is how many connections it was given since some time, Completed how many clients have completed the handshake.
	// Both may wrap around.
	Opened, Completed uint32
	// Usable tells whether it takes new connections.
	Usable bool
	// Passed is when a check of it has passed last; zero if none has. It matters while it is suspected.
	Passed time.Time
}

// Change says that a real server is suspected now, or no more.
type Change struct {
	Server    int // its number
	Suspected bool
	Reason    string
}

// Watch watches the real servers of one virtual server. Make one with New. It has a single owner.
type Watch struct {
	servers   []server
	begun     time.Time // when it was given counts first
	opened    uint64    // connections to all of them since begun
	completed uint64
	handshake time.Duration // what one takes
	active    time.Time     // when something was opened or completed last
	marked    time.Time     // when the last mark was made, see run
	suspected map[int]*suspicion
	cleared   map[int]time.Time // when a suspicion ended, of late
}

// server is what is remembered of one real server. There may be very many, so this is kept small.
type server struct {
	opened, completed uint32 // as they were last
	run               run
}

// run is a time in which no client has completed a handshake with a real server.
type run struct {
	since             time.Duration // after Watch.begun
	others, completed uint64        // Watch.opened and completed at its beginning
	opened            uint32        // connections to the real server
	marked, aged      uint32        // of these: opened before the last mark, and before the one before it
	over              bool          // a client has
}

type suspicion struct {
	since   time.Time
	reason  string
	vouched time.Time // a check has passed since, and was seen to at this time
}

// New returns a watch of so many real servers, none of them suspected.
func New(servers int) *Watch {
	return &Watch{servers: make([]server, servers), suspected: make(map[int]*suspicion), cleared: make(map[int]time.Time)}
}

// Suspected tells whether a real server is suspected, and why.
func (w *Watch) Suspected(n int) (reason string, is bool) {
	s, is := w.suspected[n]
	if !is {
		return "", false
	}
	return s.reason, true
}

// Suspects tells whether any real server is suspected.
func (w *Watch) Suspects() bool { return len(w.suspected) > 0 }

// Observe takes in the counts of all real servers, and how long the clients waited, all together, that completed their
// handshakes since it was called last. The first call only begins.
func (w *Watch) Observe(now time.Time, servers []Server, waited time.Duration) []Change {
	if w.begun.IsZero() {
		w.begun, w.active, w.marked = now, now, now
		for n, is := range servers {
			w.servers[n] = server{opened: is.Opened, completed: is.Completed}
		}
		return nil
	}
	opened, completed := w.add(servers)
	if completed > 0 {
		w.handshake += (waited/time.Duration(completed) - w.handshake) / 4
	}
	if opened > 0 || completed > 0 {
		w.active = now
	}
	if !w.Suspects() && now.Sub(w.active) > window {
		return nil // nobody comes
	}
	return w.judge(now, servers)
}

// add takes in the counts and returns how many connections were opened and completed since it did so last.
func (w *Watch) add(servers []Server) (opened, completed uint64) {
	for n := range servers {
		s, is := &w.servers[n], &servers[n]
		o, c := is.Opened-s.opened, is.Completed-s.completed
		s.opened, s.completed = is.Opened, is.Completed
		if o > math.MaxInt32 || c > math.MaxInt32 { // counts that have begun anew
			continue
		}
		s.run.opened += o
		s.run.over = s.run.over || c > 0
		opened, completed = opened+uint64(o), completed+uint64(c)
	}
	w.opened, w.completed = w.opened+opened, w.completed+completed
	return opened, completed
}

func (w *Watch) newRun(now time.Time) run {
	return run{since: now.Sub(w.begun), others: w.opened, completed: w.completed}
}

// judge goes over all real servers.
func (w *Watch) judge(now time.Time, servers []Server) (changes []Change) {
	mark := now.Sub(w.marked) >= w.patience()
	if mark {
		w.marked = now
	}
	fresh, usable := w.newRun(now), 0
	for n := range servers {
		if servers[n].Usable {
			usable++
		}
	}
	for n := range servers {
		s := &w.servers[n]
		why, ends, doubted := "", false, w.suspected[n]
		if doubted != nil {
			why, ends = w.clears(now, s, doubted, &servers[n])
		}
		if s.run.over || ends || doubted == nil && fresh.since-s.run.since > window {
			s.run = fresh
		}
		if mark {
			s.run.aged, s.run.marked = s.run.marked, s.run.opened
		}
		switch {
		case ends:
			delete(w.suspected, n)
			w.cleared[n] = now
			changes = append(changes, Change{Server: n, Reason: why})
		case servers[n].Usable && 2*(len(w.suspected)+1) <= usable && w.fails(s) && !w.spares(now, n):
			reason := w.reason(s)
			w.suspected[n] = &suspicion{since: now, reason: reason}
			s.run = fresh
			changes = append(changes, Change{Server: n, Suspected: true, Reason: reason})
		}
	}
	return changes
}

// patience is how old a connection must be to be expected to have been completed.
func (w *Watch) patience() time.Duration {
	return min(max(handshakes*w.handshake, leastPatience), mostPatience)
}

// atOthers are the connections that the other real servers were given in a server's run, and how many were completed. Some
// of those completed may have been opened before.
func (w *Watch) atOthers(s *server) (opened, completed uint64) {
	opened = w.opened - s.run.others - uint64(s.run.opened)
	return opened, min(opened, w.completed-s.run.completed)
}

// fails tells whether a real server does not answer, and it is neither chance nor the clients.
func (w *Watch) fails(s *server) bool {
	if s.run.aged < leastFailed || s.run.over {
		return false
	}
	opened, completed := w.atOthers(s)
	if completed < leastGone {
		return false
	}
	share := float64(completed-1) / float64(opened+1) // one less and one more, so that few connections say less
	return float64(s.run.aged)*math.Log1p(-share) <= doubt
}

func (w *Watch) reason(s *server) string {
	opened, completed := w.atOthers(s)
	return fmt.Sprintf("clients get no answer from it: they completed none of %d handshakes, but %d of %d with the other real servers",
		s.run.aged, completed, opened)
}

// spares tells whether a suspicion of a real server has ended only just now, or is still there.
func (w *Watch) spares(now time.Time, n int) bool {
	if cleared, was := w.cleared[n]; was {
		if now.Sub(cleared) < respite {
			return true
		}
		delete(w.cleared, n)
	}
	_, is := w.suspected[n]
	return is
}

// clears tells whether the suspicion of a real server is over, and why.
func (w *Watch) clears(now time.Time, s *server, doubted *suspicion, is *Server) (why string, over bool) {
	switch {
	case s.run.over:
		return "a client has completed a handshake", true
	case !is.Usable:
		return "it takes no new connections", true
	case now.Sub(doubted.since) >= longest:
		return fmt.Sprintf("it was suspected for %s and is tried again", longest), true
	case is.Passed.After(doubted.since) && is.Passed.After(doubted.vouched):
		doubted.vouched, s.run = now, w.newRun(now)
	case doubted.vouched.IsZero() || s.run.aged > 0:
	case now.Sub(doubted.vouched) >= max(vouching, 2*w.patience()):
		return "its check passes", true
	}
	return "", false
}
