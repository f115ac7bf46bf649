package ctrl

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/suspect"
	"drover/dataplane"
)

func TestSlowStartGrowsByTenthsToTheWhole(t *testing.T) {
	for _, test := range []struct {
		after, slowStart time.Duration
		want             int // tenths
	}{
		{0, 9 * time.Second, 1},
		{time.Second - 1, 9 * time.Second, 1},
		{time.Second, 9 * time.Second, 2},
		{5 * time.Second, 9 * time.Second, 6},
		{9*time.Second - 1, 9 * time.Second, 9},
		{9 * time.Second, 9 * time.Second, 10},
		{time.Hour, 9 * time.Second, 10},
		{0, time.Second, 1},
		{500 * time.Millisecond, time.Second, 5},
		{12 * time.Hour, 24 * time.Hour, 5},
		{24 * time.Hour, 24 * time.Hour, 10},
	} {
		r := rating{risen: noon}
		next := r.rise(noon.Add(test.after), test.slowStart)
		if got := r.share() * slowSteps / wholeShare; got != test.want {
			t.Errorf("%s after the begin of %s the share is %d tenths, want %d", test.after, test.slowStart, got, test.want)
		}
		if next.IsZero() != (test.want == slowSteps) {
			t.Errorf("%s after the begin of %s the next step is at %s", test.after, test.slowStart, next)
		}
	}
}

// TestEverySlowStartTakesTenSteps, each when it was said that it would come.
func TestEverySlowStartTakesTenSteps(t *testing.T) {
	for _, slowStart := range []time.Duration{time.Second, 7 * time.Second, time.Minute, 24 * time.Hour} {
		r := rating{risen: noon}
		var shares []int
		now := noon
		for next := noon; !next.IsZero(); {
			now = next
			next = r.rise(now, slowStart)
			shares = append(shares, r.share()*slowSteps/wholeShare)
		}
		if !slices.Equal(shares, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) || now.Sub(noon) != slowStart {
			t.Errorf("in %s, until %s, the shares are %v", slowStart, now.Sub(noon), shares)
		}
	}
}

func TestASuspectedRealServerHasAnEighthOfItsShare(t *testing.T) {
	for _, test := range []struct {
		rating rating
		want   int
	}{
		{rating{}, wholeShare},
		{rating{suspicion: "silent"}, wholeShare / 8},
		{rating{step: 5}, wholeShare / 2},
		{rating{step: 5, suspicion: "silent"}, wholeShare / 16},
		{rating{step: 1, suspicion: "silent"}, wholeShare / 80},
	} {
		if got := test.rating.share(); got != test.want {
			t.Errorf("%+v has a share of %d, want %d", test.rating, got, test.want)
		}
	}
}

// slowConfig is threeServers with a slow start of 9 s: a step is a second.
func slowConfig(scheduler string) *config.Config {
	c := threeServers(scheduler)
	c.VirtualServers[0].SlowStart = 9 * time.Second
	return c
}

// TestWhatComesUpSlowly says what happens to the first real server.
func TestWhatComesUpSlowly(t *testing.T) {
	web0Key := realKey{web, web0}
	isUp := func(k *known) { *checkOf(k, web0Key) = verdict{told: true, up: true} }
	isDown := func(k *known) { *checkOf(k, web0Key) = verdict{told: true, reason: "status 500"} }
	hears := func(answers bool, reason string) func(*known) {
		return func(k *known) {
			n := neighbor{mac: macOf(web0.Addr()), resolved: answers, reason: reason}
			*k.neighbors[neighborKey{"enp1s0", web0.Addr()}] = n
		}
	}
	again := func(k *known) { k.settle(k.config, placesAgain(k)) }
	for name, test := range map[string]struct {
		begins []func(*known) // when the daemon starts, before anything is planned
		then   []func(*known) // a second apart
		slowly bool
	}{
		"one that is up from the start does not": {nil, []func(*known){isUp}, false},
		"one that becomes known at the start does not": {
			[]func(*known){func(k *known) {
				*checkOf(k, web0Key) = verdict{}
				*k.neighbors[neighborKey{"enp1s0", web0.Addr()}] = neighbor{}
			}},
			[]func(*known){hears(true, ""), isUp}, false,
		},
		"one whose check passes again does":         {nil, []func(*known){isUp, isDown, isUp}, true},
		"one that answers ARP again does":           {nil, []func(*known){isUp, hears(false, "no answer to ARP"), hears(true, "")}, true},
		"one that was found down at the start does": {[]func(*known){isDown}, []func(*known){isDown, isUp}, true},
		"one that has not answered yet does not": {
			[]func(*known){func(k *known) {
				*k.neighbors[neighborKey{"enp1s0", web0.Addr()}] = neighbor{reason: "no answer to ARP yet"}
			}},
			[]func(*known){isUp, hears(true, "")}, false,
		},
		"one that was down when a reload came does":              {nil, []func(*known){isDown, again, isUp}, true},
		"one that was up when a reload came does not":            {nil, []func(*known){isUp, again, isUp}, false},
		"one that an earlier daemon left up does not":            {[]func(*known){func(k *known) { k.recall(planned(t, k)) }}, []func(*known){isUp}, false},
		"one that an earlier daemon left down does when it's up": {[]func(*known){func(k *known) { isDown(k); k.recall(planned(t, k)) }}, []func(*known){isDown, isUp}, true},
	} {
		t.Run(name, func(t *testing.T) {
			k := allWell(slowConfig("rr"))
			for _, begin := range test.begins {
				begin(k)
			}
			now := noon
			k.rise(now)
			for _, then := range test.then {
				now = now.Add(time.Second)
				then(k)
				k.rise(now)
			}
			next := k.rise(now)
			if slowly := k.roster.pools[0].share(0) == wholeShare/10; slowly != test.slowly {
				t.Errorf("its share is %d of %d", k.roster.pools[0].share(0), wholeShare)
			}
			if test.slowly && !next.Equal(now.Add(time.Second)) || !test.slowly && !next.IsZero() {
				t.Errorf("the next step is in %s", next.Sub(now))
			}
		})
	}
}

func TestARealServerThatAReloadAddsComesUpSlowly(t *testing.T) {
	k := allWell(slowConfig("rr"))
	k.rise(noon)
	c := slowConfig("rr")
	c.VirtualServers[0].RealServers = append(c.VirtualServers[0].RealServers, realServer("192.168.100.153:80"))
	k.settle(c, allOn("enp1s0", c))
	beWell(k)
	k.rise(noon.Add(time.Hour))
	for i, want := range []int{wholeShare, wholeShare, wholeShare, wholeShare / 10} {
		if got := k.roster.pools[0].share(i); got != want {
			t.Errorf("real server %d has a share of %d, want %d", i, got, want)
		}
	}
}

func TestAReloadWithoutSlowStartEndsIt(t *testing.T) {
	k := allWell(slowConfig("rr"))
	k.roster.pools[0].members[0].rating = rating{up: true, returning: true, risen: noon, step: 3}
	for _, test := range []struct {
		slowStart time.Duration
		want      int
	}{{90 * time.Second, 2}, {0, slowSteps}} {
		c := slowConfig("rr")
		c.VirtualServers[0].SlowStart = test.slowStart
		k.settle(c, placesAgain(k))
		k.rise(noon.Add(15 * time.Second))
		if got := k.roster.pools[0].share(0) * slowSteps / wholeShare; got != test.want {
			t.Errorf("with a slow start of %s the share is %d tenths, want %d", test.slowStart, got, test.want)
		}
	}
}

// TestSharesArePlanned has the second of three real servers, with weights 1, 3 and 2, suspected.
func TestSharesArePlanned(t *testing.T) {
	for scheduler, want := range map[string]struct {
		scheduler dataplane.Scheduler
		turns     [3]int             // that each has in the schedule
		order     []dataplane.RealID // of the schedule, where it is short
		weights   []uint16
	}{
		"rr":   {dataplane.ByTurns, [3]int{8, 1, 8}, nil, []uint16{80, 10, 80}},
		"wrr":  {dataplane.ByTurns, [3]int{8, 3, 16}, nil, []uint16{80, 30, 160}},
		"twos": {dataplane.ByTwo, [3]int{8, 3, 16}, nil, []uint16{80, 30, 160}},
		"lc":   {dataplane.LeastWeighted, [3]int{1, 1, 1}, scheduled(1, 3, 2), []uint16{80, 10, 80}},
		"wlc":  {dataplane.LeastWeighted, [3]int{1, 1, 1}, scheduled(1, 3, 2), []uint16{80, 30, 160}},
		"sed":  {dataplane.LeastDelay, [3]int{1, 1, 1}, scheduled(1, 3, 2), []uint16{80, 30, 160}},
		"nq":   {dataplane.NeverQueue, [3]int{1, 1, 1}, scheduled(1, 3, 2), []uint16{80, 30, 160}},
		"fo":   {dataplane.First, [3]int{1, 1, 1}, scheduled(3, 1, 2), []uint16{80, 30, 160}},
		"ovf":  {dataplane.Overflow, [3]int{1, 1, 1}, scheduled(2, 3, 1), []uint16{1, 1, 2}},
	} {
		k := allWell(threeServers(scheduler))
		k.roster.pools[0].members[1].rating.suspicion = "silent"
		tables := planned(t, k)
		got := tables.Services[web]
		var turns [3]int
		for _, id := range got.Schedule {
			turns[id-1]++
		}
		if got.Scheduler != want.scheduler || turns != want.turns || want.order != nil && !slices.Equal(got.Schedule, want.order) {
			t.Errorf("%s: planned as %d with %v turns, in the order %v", scheduler, got.Scheduler, turns, got.Schedule)
		}
		for n, weight := range want.weights {
			if got := tables.Reals[n+1].Weight; got != weight {
				t.Errorf("%s: real server %d has weight %d, want %d", scheduler, n+1, got, weight)
			}
		}
	}
}

// TestHashedSchedulesHaveNoShares: their clients stay.
func TestHashedSchedulesHaveNoShares(t *testing.T) {
	for _, scheduler := range []string{"sh", "mh", "dh"} {
		for _, fallback := range []bool{false, true} {
			c := threeServers(scheduler)
			c.VirtualServers[0].Fallback = fallback
			k := allWell(c)
			before := cloneTables(planned(t, k))
			k.roster.pools[0].members[1].rating.suspicion = "silent"
			if after := planned(t, k); !reflect.DeepEqual(after, before) {
				t.Errorf("%s: planned as\n%+v, want\n%+v", scheduler, after, before)
			}
		}
	}
}

// TestWhatIsWholeAgainIsPlannedAsBefore whatever was in between.
func TestWhatIsWholeAgainIsPlannedAsBefore(t *testing.T) {
	for scheduler := range schedulers {
		k, p := allWell(threeServers(scheduler)), new(planner)
		ids := identify(t, k)
		before := cloneTables(p.plan(k, ids))
		its := &k.roster.pools[0].members[1].rating
		for _, rating := range []rating{{step: 1}, {step: 7}, {step: 7, suspicion: "silent"}, {}} {
			*its = rating
			p.plan(k, ids)
		}
		if after := p.plan(k, ids); !reflect.DeepEqual(after, before) {
			t.Errorf("%s: planned as\n%+v, want\n%+v", scheduler, after, before)
		}
	}
}

func TestWeightsWithSharesFitIntoTheTables(t *testing.T) {
	c := threeServers("wlc")
	c.VirtualServers[0].RealServers[0].Weight, c.VirtualServers[0].RealServers[1].Weight = 65535, 1
	k := allWell(c)
	k.roster.pools[0].members[2].rating.step = 5
	for n, want := range []uint16{65535, 1, 1} {
		if got := planned(t, k).Reals[n+1].Weight; got != want {
			t.Errorf("real server %d has weight %d, want %d", n+1, got, want)
		}
	}
}

// TestTheTablesHaveRoomForSchedulesWithShares, whatever the shares are.
func TestTheTablesHaveRoomForSchedulesWithShares(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	for range 300 {
		c, places := randomConfig(rng)
		slow := rng.IntN(2) == 0
		for n := range c.VirtualServers {
			if slow {
				c.VirtualServers[n].SlowStart = time.Minute
			}
		}
		k := newKnown()
		k.links = lanLinks()
		k.settle(c, places)
		beWell(&k)
		for _, p := range k.roster.pools {
			for i := range p.members {
				if slow {
					p.members[i].rating.step = rng.IntN(slowSteps)
				}
				if p.isWatched() && rng.IntN(2) == 0 {
					p.members[i].rating.suspicion = "silent"
				}
			}
		}
		tables := planned(t, &k)
		for _, p := range k.roster.pools {
			for _, key := range p.services {
				if got, most := len(tables.Services[key].Schedule), mostEntries(p.config); got > most {
					t.Fatalf("%s with %d real servers: %d entries, room for %d", p.config.Scheduler, len(p.members), got, most)
				}
			}
		}
	}
}

// TestAReloadKeepsSuspicions of virtual servers whose real servers stay; with others they are watched anew.
func TestAReloadKeepsSuspicions(t *testing.T) {
	added := threeServers("rr")
	added.VirtualServers[0].RealServers = append(added.VirtualServers[0].RealServers, realServer("192.168.100.153:80"))
	reweighted := threeServers("rr")
	reweighted.VirtualServers[0].RealServers[1].Weight = 7
	moved := threeServers("rr")
	moved.VirtualServers[0].Address = netip.MustParseAddr("192.168.100.222")
	for name, test := range map[string]struct {
		next *config.Config
		want bool
	}{
		"the same":               {threeServers("rr"), true},
		"another weight":         {reweighted, true},
		"one more real server":   {added, false},
		"another virtual server": {moved, false},
	} {
		k := allWell(threeServers("rr"))
		watch := suspect.New(3)
		k.roster.pools[0].watch, k.roster.pools[0].members[1].rating.suspicion = watch, "silent"
		k.settle(test.next, allOn("enp1s0", test.next))
		p := k.roster.pools[0]
		if kept := p.members[1].rating.suspicion != ""; kept != test.want || (p.watch == watch) != test.want {
			t.Errorf("%s: the suspicion is kept: %t, want %t", name, kept, test.want)
		}
	}
}
