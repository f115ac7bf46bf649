package dataplane

import (
	"fmt"
	"slices"
	"testing"

	"drover/bpf"
)

// farm gives the web service a scheduler and real servers with these weights, which are 1, 2 and so on; the schedule
// has each as often as it says.
func (p *plane) farm(f family, scheduler Scheduler, schedule []RealID, weights ...uint16) {
	p.t.Helper()
	key := tcpService(f.web)
	p.want = f.tables()
	p.change(func(want *Tables) {
		want.Services[key] = Service{Gate: webGate, Scheduler: scheduler, Schedule: schedule}
		for n, weight := range weights {
			id := farmID(n)
			want.Reals.Set(id, newReal(id, key))
			want.Reals[id].Weight = weight
		}
	})
	p.wipe()
	must(p.t, p.objects.Cursors.Put(uint32(p.held.ids[key]), uint64(0)))
}

// farmID is the id of the nth real server of a farm: 1 and 2 are the web service's already, and 3 to 5 others'.
func farmID(n int) RealID {
	if n < 2 {
		return RealID(1 + n)
	}
	return RealID(10 + n)
}

// turns is a schedule of farm ids.
func turns(numbers ...int) (schedule []RealID) {
	for _, n := range numbers {
		schedule = append(schedule, farmID(n))
	}
	return schedule
}

// reschedule changes the service of the farm and nothing else.
func (p *plane) reschedule(f family, edit func(*Service)) {
	p.t.Helper()
	p.change(func(want *Tables) {
		service := want.Services[tcpService(f.web)]
		edit(&service)
		want.Services[tcpService(f.web)] = service
	})
}

// open opens connections of the clients [from, to) and counts them by real server.
func (p *plane) open(f family, from, to int) map[RealID]int {
	p.t.Helper()
	served := make(map[RealID]int)
	for n := from; n < to; n++ {
		served[p.realOf(f.syn(n))]++
	}
	return served
}

// TestEachServerHasItsShare states how far from its share each real server may be after so many connections, none of
// which ends.
func TestEachServerHasItsShare(t *testing.T) {
	const connections = 1200
	hashed := func(entries ...int) []RealID { return slices.Repeat(turns(entries...), 128) }
	cases := []struct {
		name      string
		scheduler Scheduler
		schedule  []RealID
		weights   []uint16
		shares    []int
		error     int
	}{
		{"rr", ByTurns, turns(0, 1, 2), []uint16{1, 1, 1}, []int{400, 400, 400}, 0},
		{"wrr", ByTurns, turns(0, 1, 0, 2, 1, 0), []uint16{3, 2, 1}, []int{600, 400, 200}, 0},
		{"lc", LeastConnections, turns(0, 1, 2), []uint16{9, 5, 1}, []int{400, 400, 400}, 0},
		{"wlc", LeastWeighted, turns(0, 1, 2), []uint16{3, 2, 1}, []int{600, 400, 200}, 1},
		{"wlc, with the largest weight", LeastWeighted, turns(0, 1), []uint16{65535, 1}, []int{1200, 0}, 1},
		{"sed", LeastDelay, turns(0, 1, 2), []uint16{3, 2, 1}, []int{600, 400, 200}, 2},
		{"nq", NeverQueue, turns(0, 1, 2), []uint16{3, 2, 1}, []int{600, 400, 200}, 2},
		{"sh and mh", ByHash, hashed(0, 1, 2), []uint16{1, 1, 1}, []int{400, 400, 400}, 50},
		{"sh and mh with weights", ByHash, hashed(0, 1, 0, 2, 1, 0), []uint16{3, 2, 1}, []int{600, 400, 200}, 50},
		{"dh", ByHash, turns(1), []uint16{1, 1}, []int{0, 1200}, 0},
		{"fo", First, turns(2, 0, 1), []uint16{2, 1, 3}, []int{0, 0, 1200}, 0},
		{"ovf", Overflow, turns(1, 0, 2), []uint16{300, 500, 5000}, []int{301, 501, 398}, 0},
		{"twos", ByTwo, turns(0, 1, 2, 3), []uint16{1, 1, 1, 1}, []int{300, 300, 300, 300}, 4},
		{"twos with weights", ByTwo, turns(0, 1, 0), []uint16{2, 1}, []int{800, 400}, 4},
	}
	inEither(t, Sizes{Flows: 4 * connections}, func(p *plane, f family) {
		for _, c := range cases {
			p.t.Run(c.name, func(t *testing.T) {
				p := *p
				p.t = t
				p.farm(f, c.scheduler, c.schedule, c.weights...)
				served := p.open(f, 0, connections)
				for n, share := range c.shares {
					got := served[farmID(n)]
					if got < share-c.error || got > share+c.error {
						t.Errorf("server %d has %d connections, want %d with an error of %d", n, got, share, c.error)
					}
					if load, err := p.Load(farmID(n)); err != nil || load != (Load{Active: got}) {
						t.Errorf("server %d, which has %d connections, bears %+v, %v", n, got, load, err)
					}
				}
			})
		}
	})
}

func TestALongScheduleIsFollowedAcrossItsLines(t *testing.T) {
	var schedule []RealID
	for n := range 3*int(realsPerLine) + 7 {
		schedule = append(schedule, RealID(1+n%7/4))
	}
	p := newPlane(t, Options{Sizes: Sizes{Flows: 4096}})
	p.setSchedule(tcpService(web), schedule...)
	for n := range 2 * len(schedule) {
		p.expect(families[0].syn(n), opened(schedule[n%len(schedule)]))
	}
}

func TestASearchGoesOverTheWholeSchedule(t *testing.T) {
	p := newPlane(t, Options{Sizes: Sizes{Flows: 1, Flows6: 1, Reals: 2 * MaxSearched}})
	f := families[0]
	var schedule []int
	weights := make([]uint16, MaxSearched)
	for n := range weights {
		weights[n] = 1
		schedule = append(schedule, n)
	}
	p.farm(f, LeastConnections, turns(schedule...), weights...)
	for n := range weights { // all but the last have something to do
		if id := farmID(n); n < len(weights)-1 {
			must(t, p.objects.RealLoads.Put(uint32(id), bpf.DroverRealLoad{Inactive: 1}))
		}
	}
	p.expect(f.syn(1), opened(farmID(len(weights)-1)))
}

// TestSchedulersThatLookAtLoadsLookAgain closes connections of one real server: it gets the next ones.
func TestSchedulersThatLookAtLoadsLookAgain(t *testing.T) {
	p := newPlane(t, Options{Sizes: Sizes{Flows: 4096}})
	f := families[0]
	for name, scheduler := range map[string]Scheduler{
		"lc": LeastConnections, "wlc": LeastWeighted, "sed": LeastDelay, "nq": NeverQueue,
	} {
		t.Run(name, func(t *testing.T) {
			p.t = t
			p.farm(f, scheduler, turns(0, 1), 1, 1)
			of := make(map[RealID][]int)
			for n := range 20 {
				real := p.realOf(f.syn(n))
				of[real] = append(of[real], n)
			}
			for _, n := range of[2] {
				p.run(f.ack(n))
				p.run(f.segment(n, fin|ack))
			}
			p.expectTrueLoads()
			if got := p.open(f, 100, 109); got[2] != 9 {
				t.Errorf("server 2 closed its ten connections and then got %d of 9", got[2])
			}
		})
	}
}

// TestInactiveConnectionsWeighLittle: 256 of them are one active one, for lc and wlc; sed and nq look at active ones only.
func TestInactiveConnectionsWeighLittle(t *testing.T) {
	p := newPlane(t, Options{Sizes: Sizes{Flows: 4096}})
	f := families[0]
	for _, c := range []struct {
		scheduler Scheduler
		one, two  Load
		want      RealID
	}{
		{LeastConnections, Load{Active: 1}, Load{Inactive: 255}, 2},
		{LeastConnections, Load{Active: 1}, Load{Inactive: 257}, 1},
		{LeastConnections, Load{}, Load{Inactive: 1}, 1},
		{LeastWeighted, Load{Active: 2}, Load{Active: 1, Inactive: 255}, 2},
		{LeastWeighted, Load{Active: 2}, Load{Active: 1, Inactive: 257}, 1},
		{LeastDelay, Load{Active: 1}, Load{Inactive: 1000}, 2},
		{LeastDelay, Load{Inactive: 1000}, Load{Active: 1}, 1},
		{NeverQueue, Load{Active: 1}, Load{Inactive: 1000}, 2},
	} {
		t.Run(fmt.Sprintf("%d under %+v and %+v", c.scheduler, c.one, c.two), func(t *testing.T) {
			p.t = t
			p.farm(f, c.scheduler, turns(0, 1), 1, 1)
			for id, load := range map[uint32]Load{1: c.one, 2: c.two} {
				must(t, p.objects.RealLoads.Put(id, bpf.DroverRealLoad{Active: uint32(load.Active), Inactive: uint32(load.Inactive)}))
			}
			p.expect(f.syn(1), opened(c.want))
		})
	}
}

func TestAnIdleServerGetsTheConnectionWhateverItsWeight(t *testing.T) {
	p := newPlane(t, Options{})
	f := families[0]
	p.farm(f, NeverQueue, turns(0, 1), 100, 1)
	p.expect(f.syn(1), opened(1))
	p.expect(f.syn(2), opened(2)) // sed would go on with 1
	p.expect(f.syn(3), opened(1))
	p.farm(f, LeastDelay, turns(0, 1), 100, 1)
	p.expect(f.syn(1), opened(1))
	p.expect(f.syn(2), opened(1))
}

func TestOverflowEndsWhenAllAreFull(t *testing.T) {
	p := newPlane(t, Options{})
	f := families[0]
	p.farm(f, Overflow, turns(1, 0), 1, 2)
	for n, want := range []outcome{opened(2), opened(2), opened(2), opened(1), opened(1), ends(PassNoReal)} {
		p.expect(f.syn(n), want)
	}
	p.run(f.ack(0))
	p.run(f.segment(0, rst))
	p.expect(f.syn(9), opened(2))
}

// TestFailOverGoesDownTheList is fo: the next one when the first is down, and back.
func TestFailOverGoesDownTheList(t *testing.T) {
	p := newPlane(t, Options{})
	f := families[0]
	p.farm(f, First, turns(1, 0, 2), 2, 3, 1)
	p.expect(f.syn(1), opened(2))
	p.setState(2, RealDown)
	p.expect(f.syn(2), opened(1))
	p.setState(1, RealDown)
	p.expect(f.syn(3), opened(farmID(2)))
	p.setState(2, RealUp)
	p.expect(f.syn(4), opened(2))
	p.expect(f.ack(2), kept(1))
}

// TestAScheduleChangeNeverMovesAFlow goes from every scheduler to every other, and to one without the flows' servers.
func TestAScheduleChangeNeverMovesAFlow(t *testing.T) {
	const connections = 60
	schedules := map[Scheduler][]RealID{
		ByTurns: turns(0, 1, 0, 2), ByHash: slices.Repeat(turns(0, 1, 2, 1), 64), ByTwo: turns(0, 1, 2),
		LeastConnections: turns(2, 1, 0), LeastWeighted: turns(0, 1, 2), LeastDelay: turns(1, 0, 2),
		NeverQueue: turns(0, 2, 1), First: turns(2, 1, 0), Overflow: turns(1, 2, 0),
	}
	inEither(t, Sizes{Flows: 4096}, func(p *plane, f family) {
		for from, schedule := range schedules {
			p.farm(f, from, schedule, 100, 100, 100)
			served := make(map[int]RealID)
			for n := range connections {
				served[n] = p.realOf(f.syn(n))
				p.run(f.ack(n))
			}
			stays := func(now string) {
				for n, real := range served {
					if got := p.realOf(f.ack(n)); got != real {
						p.t.Fatalf("under scheduler %d, and then %s, connection %d went from %d to %d", from, now, n, real, got)
					}
				}
			}
			for to, schedule := range schedules {
				p.reschedule(f, func(s *Service) { s.Scheduler, s.Schedule = to, schedule })
				stays(fmt.Sprintf("under %d", to))
			}
			p.reschedule(f, func(s *Service) { s.Schedule = turns(3) })
			stays("without its server")
			p.reschedule(f, func(s *Service) { s.Schedule = nil })
			stays("without any server")
		}
	})
}
