package suspect

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// noon is when every test begins.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// counts gives a watch of real servers, all usable, counts of its own making.
type counts struct {
	t       *testing.T
	watch   *Watch
	now     time.Time
	servers []Server
}

func newCounts(t *testing.T, servers int) *counts {
	c := &counts{t: t, watch: New(servers), now: noon, servers: make([]Server, servers)}
	for n := range c.servers {
		c.servers[n].Usable = true
	}
	c.mustNot(c.pass(Interval))
	return c
}

// add counts connections to a real server, and how many were completed.
func (c *counts) add(server int, opened, completed uint32) {
	c.servers[server].Opened += opened
	c.servers[server].Completed += completed
}

// pass has time pass, and returns what the watch says then.
func (c *counts) pass(by time.Duration) []Change {
	c.now = c.now.Add(by)
	return c.watch.Observe(c.now, c.servers, 0)
}

func (c *counts) mustNot(changes []Change) {
	c.t.Helper()
	if len(changes) > 0 {
		c.t.Fatalf("after %s: %+v", c.now.Sub(noon), changes)
	}
}

// must holds that the only change is one of a real server, with this in its reason.
func (c *counts) must(changes []Change, server int, suspected bool, reason string) {
	c.t.Helper()
	if len(changes) != 1 || changes[0].Server != server || changes[0].Suspected != suspected ||
		!strings.Contains(changes[0].Reason, reason) {
		c.t.Fatalf("after %s: %+v, want real server %d suspected %t: %s", c.now.Sub(noon), changes, server, suspected, reason)
	}
	if why, is := c.watch.Suspected(server); is != suspected || is && why != changes[0].Reason {
		c.t.Fatalf("real server %d is suspected %t: %s", server, is, why)
	}
}

// suspect has real server 0 suspected.
func (c *counts) suspect() {
	c.t.Helper()
	c.add(0, 10, 0)
	for n := 1; n < len(c.servers); n++ {
		c.add(n, 20, 20)
	}
	c.mustNot(c.pass(Interval)) // they may be about to be answered
	c.must(c.pass(Interval), 0, true, "none of 10 handshakes")
}

// TestEvidence is about the connections that a real server and all others were given in a while, and completed.
func TestEvidence(t *testing.T) {
	for name, test := range map[string]struct {
		opened, others, completed uint32
		want                      bool
	}{
		"six in a row while all of 20 go on":            {6, 20, 20, true},
		"five are too few for that":                     {5, 20, 20, false},
		"three in a row while all of 200 go on":         {3, 200, 200, true},
		"two are always too few":                        {2, 100000, 100000, false},
		"21 in a row while half of 100 go on":           {21, 100, 50, true},
		"20 are too few for that":                       {20, 100, 50, false},
		"a flood goes on nowhere":                       {100000, 300000, 0, false},
		"two that go on in it prove nothing":            {100000, 300000, 2, false},
		"in a flood others that go on prove it":         {20000, 60000, 100, true},
		"in the same flood a short while proves little": {2000, 6000, 10, false},
		"nobody comes":                                  {0, 0, 0, false},
		"more are completed than were opened":           {6, 20, 30, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounts(t, 2)
			c.add(0, test.opened, 0)
			c.add(1, test.others, test.completed)
			c.mustNot(c.pass(Interval))
			if got := c.pass(Interval); (len(got) == 1) != test.want {
				t.Errorf("the watch says %+v, want it suspected: %t", got, test.want)
			}
		})
	}
}

func TestConnectionsThatMayYetBeAnsweredProveNothing(t *testing.T) {
	c := newCounts(t, 2)
	c.add(0, 50, 0)
	c.add(1, 50, 50)
	c.mustNot(c.pass(Interval))
	c.add(0, 0, 1)
	c.mustNot(c.pass(Interval))
}

// TestSlowHandshakesAreWaitedFor: where they take 500 ms, 1.5 s are nothing yet.
func TestSlowHandshakesAreWaitedFor(t *testing.T) {
	c := newCounts(t, 2)
	for range 50 {
		c.add(0, 10, 10)
		c.add(1, 10, 10)
		c.now = c.now.Add(Interval)
		c.mustNot(c.watch.Observe(c.now, c.servers, 20*500*time.Millisecond))
	}
	died := c.now
	for {
		c.add(0, 10, 0)
		c.add(1, 10, 10)
		c.now = c.now.Add(Interval)
		if len(c.watch.Observe(c.now, c.servers, 10*500*time.Millisecond)) > 0 {
			break
		}
	}
	if took := c.now.Sub(died); took < 1500*time.Millisecond || took > 3500*time.Millisecond {
		t.Errorf("it is suspected after %s", took)
	}
}

func TestWhatDoesNotComeAboutInTenSecondsIsNoEvidence(t *testing.T) {
	c := newCounts(t, 2)
	for n := range 600 {
		if n%15 == 0 { // a connection each in three seconds
			c.add(0, 1, 0)
			c.add(1, 1, 1)
		}
		c.mustNot(c.pass(Interval))
	}
}

func TestCountsThatBeginAnewAreNoConnections(t *testing.T) {
	c := newCounts(t, 2)
	c.add(0, 1000, 1000)
	c.add(1, 1000, 1000)
	c.mustNot(c.pass(Interval))
	c.servers[0].Opened, c.servers[0].Completed = 0, 0
	c.add(1, 20, 20)
	for range 5 {
		c.mustNot(c.pass(Interval))
	}
}

func TestCountsMayWrapAround(t *testing.T) {
	c := &counts{t: t, watch: New(2), now: noon, servers: slices.Repeat([]Server{{Usable: true, Opened: 1<<32 - 5, Completed: 1<<32 - 5}}, 2)}
	c.mustNot(c.pass(Interval))
	c.suspect()
	c.add(0, 1, 1)
	c.must(c.pass(Interval), 0, false, "has completed")
}

func TestASuspicionEnds(t *testing.T) {
	ticks := func(d time.Duration) int { return int(d / Interval) }
	for name, test := range map[string]func(*counts){
		"when a client completes a handshake": func(c *counts) {
			c.add(0, 5, 1)
			c.must(c.pass(Interval), 0, false, "a client has completed a handshake")
		},
		"when it takes no new connections": func(c *counts) {
			c.servers[0].Usable = false
			c.must(c.pass(Interval), 0, false, "takes no new connections")
		},
		"when its check passes and nobody is disappointed in the next three seconds": func(c *counts) {
			c.servers[0].Passed = c.now.Add(time.Millisecond)
			for range ticks(vouching) {
				c.mustNot(c.pass(Interval))
			}
			c.must(c.pass(Interval), 0, false, "its check passes")
		},
		"not by a check that passed before": func(c *counts) {
			c.servers[0].Passed = c.now.Add(-time.Millisecond)
			for range ticks(10 * time.Second) {
				c.mustNot(c.pass(Interval))
			}
		},
		"not by a check while handshakes fail on, but by the next one": func(c *counts) {
			c.servers[0].Passed = c.now.Add(time.Millisecond)
			c.mustNot(c.pass(Interval))
			c.add(0, 1, 0)
			for range ticks(2 * window) {
				c.mustNot(c.pass(Interval))
			}
			c.servers[0].Passed = c.now.Add(time.Millisecond)
			for range ticks(vouching) {
				c.mustNot(c.pass(Interval))
			}
			c.must(c.pass(Interval), 0, false, "its check passes")
		},
		"after a minute, whatever happens": func(c *counts) {
			for range ticks(longest) - 1 {
				c.add(0, 1, 0)
				c.add(1, 8, 8)
				c.mustNot(c.pass(Interval))
			}
			c.must(c.pass(Interval), 0, false, "is tried again")
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounts(t, 3)
			c.suspect()
			test(c)
		})
	}
}

func TestWhatWasSuspectedIsLeftInPeaceForTwoSeconds(t *testing.T) {
	c := newCounts(t, 3)
	c.suspect()
	c.add(0, 1, 1)
	c.must(c.pass(Interval), 0, false, "has completed")
	cleared := c.now
	for {
		c.add(0, 10, 0)
		c.add(1, 10, 10)
		if changes := c.pass(Interval); len(changes) > 0 {
			c.must(changes, 0, true, "they completed none")
			break
		}
	}
	if took := c.now.Sub(cleared); took != respite {
		t.Errorf("it is suspected again after %s, want %s", took, respite)
	}
}

// TestNoMoreThanHalfAreSuspected: all but the last of some real servers die at once.
func TestNoMoreThanHalfAreSuspected(t *testing.T) {
	for usable, want := range []int{0, 0, 1, 1, 2, 2, 3} {
		c := newCounts(t, max(usable, 2))
		for n := usable; n < len(c.servers); n++ {
			c.servers[n].Usable = false
		}
		for range 50 {
			for n := range c.servers {
				c.add(n, 100, 0)
			}
			c.add(len(c.servers)-1, 0, 100)
			c.pass(Interval)
		}
		if len(c.watch.suspected) != want {
			t.Errorf("of %d that take connections %d are suspected, want %d", usable, len(c.watch.suspected), want)
		}
	}
}

// A farm is simulated: clients come by chance, are spread evenly, and go on when they are answered.
type farm struct {
	counts
	rng       *rand.Rand
	tick      int
	rtt       int       // ticks that a handshake takes
	answers   []float64 // the share of clients of each real server that go on
	due       map[int][]int
	flood     int // SYNs in a tick
	waited    time.Duration
	changes   []Change
	perSecond float64
}

const tick = 10 * time.Millisecond

func newFarm(t *testing.T, seed uint64, servers int, perSecond float64, rtt time.Duration) *farm {
	f := &farm{
		counts: *newCounts(t, servers), rng: rand.New(rand.NewPCG(seed, 1)), rtt: int(rtt / tick), due: make(map[int][]int),
		perSecond: perSecond,
	}
	for range servers {
		f.answers = append(f.answers, 1)
	}
	return f
}

// run has time pass until something is suspected or no more, or for as long as is said.
func (f *farm) run(during time.Duration) (changes []Change) {
	for range during / tick {
		f.tick++
		for range f.flood {
			f.add(f.rng.IntN(len(f.servers)), 1, 0)
		}
		for p := f.perSecond * tick.Seconds(); f.rng.Float64() < p; p-- {
			to := f.rng.IntN(len(f.servers))
			f.add(to, 1, 0)
			f.due[f.tick+f.rtt] = append(f.due[f.tick+f.rtt], to)
		}
		for _, to := range f.due[f.tick] {
			if f.rng.Float64() < f.answers[to] {
				f.add(to, 0, 1)
				f.waited += time.Duration(f.rtt) * tick
			}
		}
		delete(f.due, f.tick)
		f.now = f.now.Add(tick)
		if f.tick%int(Interval/tick) != 0 {
			continue
		}
		changes = f.watch.Observe(f.now, f.servers, f.waited)
		f.waited = 0
		if len(changes) > 0 {
			return changes
		}
	}
	return nil
}

// TestADeadServerIsSuspectedWithinASecond at so many connections in a second.
func TestADeadServerIsSuspectedWithinASecond(t *testing.T) {
	for name, test := range map[string]struct {
		servers   int
		perSecond float64
		flood     int
		within    time.Duration
	}{
		"two real servers, 40 in a second":   {2, 40, 0, time.Second},
		"four real servers, 100 in a second": {4, 100, 0, time.Second},
		"ten real servers, 200 in a second":  {10, 200, 0, time.Second},
		"200 real servers, 5000 in a second": {200, 5000, 0, time.Second},
		"four in a flood ten times as much":  {4, 1000, 100, time.Second},
		"four real servers, 10 in a second":  {4, 10, 0, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			late := 0
			for seed := range uint64(50) {
				f := newFarm(t, seed, test.servers, test.perSecond, 20*time.Millisecond)
				f.flood = test.flood
				f.mustNot(f.run(3 * time.Second))
				f.answers[0] = 0
				died := f.now
				changes := f.run(20 * time.Second)
				f.must(changes, 0, true, "they completed none")
				if took := f.now.Sub(died); took > test.within {
					late++
				}
			}
			if late > 2 {
				t.Errorf("%d of 50 times it took more than %s", late, test.within)
			}
		})
	}
}

// TestNobodyIsSuspectedWithoutReason in an hour of each.
func TestNobodyIsSuspectedWithoutReason(t *testing.T) {
	for name, test := range map[string]struct {
		perSecond float64
		flood     int
		answers   float64
		rtt       time.Duration
	}{
		"few clients":                           {0.5, 0, 1, 20 * time.Millisecond},
		"some clients":                          {20, 0, 1, 20 * time.Millisecond},
		"one in five clients never goes on":     {50, 0, 0.8, 50 * time.Millisecond},
		"clients that are far away":             {100, 0, 1, 600 * time.Millisecond},
		"a flood and few clients":               {5, 20, 1, 50 * time.Millisecond},
		"a flood and no clients":                {0, 50, 1, 50 * time.Millisecond},
		"a flood, and real servers that suffer": {50, 20, 0.5, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, 7, 4, test.perSecond, test.rtt)
			f.flood = test.flood
			for n := range f.answers {
				f.answers[n] = test.answers
			}
			f.mustNot(f.run(time.Hour))
		})
	}
}

// TestARealServerThatComesUpIsWaitedFor, although its first clients are far away.
func TestARealServerThatComesUpIsWaitedFor(t *testing.T) {
	f := newFarm(t, 3, 3, 300, 600*time.Millisecond)
	f.mustNot(f.run(10 * time.Second))
	fresh := newFarm(t, 3, 4, 300, 600*time.Millisecond)
	fresh.watch.handshake = f.watch.handshake
	fresh.mustNot(fresh.run(10 * time.Second))
}

// TestWhoAnswersIsNeverSuspected: whatever dies, those that answer are not suspected.
func TestWhoAnswersIsNeverSuspected(t *testing.T) {
	for dead := range 6 {
		f := newFarm(t, uint64(dead), 6, 300, 20*time.Millisecond)
		f.mustNot(f.run(2 * time.Second))
		for n := range dead {
			f.answers[n] = 0
		}
		for range 100 {
			for _, change := range f.run(2 * time.Second) {
				if change.Suspected && change.Server >= dead {
					t.Fatalf("with %d dead: %+v", dead, change)
				}
			}
		}
		if want := min(dead, 3); len(f.watch.suspected) > want {
			t.Errorf("with %d dead %d are suspected", dead, len(f.watch.suspected))
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	const services, reals = 1000, 200
	watches, servers := make([]*Watch, services), make([]Server, reals)
	for n := range watches {
		watches[n] = New(reals)
	}
	now := noon
	for b.Loop() {
		now = now.Add(Interval)
		for n := range servers {
			servers[n].Opened, servers[n].Completed, servers[n].Usable = servers[n].Opened+10, servers[n].Completed+9, true
		}
		for _, w := range watches {
			w.Observe(now, servers, 0)
		}
	}
}
