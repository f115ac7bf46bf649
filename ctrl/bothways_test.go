package ctrl

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"drover/ctrl/health"
	"drover/ctrl/netif"
)

// simulation is a balancer and real servers that it checks both ways, on a simulated clock.
type simulation struct {
	t       *testing.T
	lost    atomic.Bool // this host hears no answers through the VIP
	noWay   atomic.Bool // this host cannot ask through the VIP
	servers []*simServer
}

type simServer struct {
	vip, address atomic.Bool // what answers
	drops        atomic.Bool // it answers pings of the VIP all the same
	through, own atomic.Int64
	pings        atomic.Int64
	up           atomic.Bool
	downs        atomic.Int64
	sight        atomic.Pointer[sight]
}

const (
	simInterval = 5 * time.Second
	simTimeout  = time.Second
	simAnswer   = time.Millisecond
)

var errSim = fmt.Errorf("no answer: %w", context.DeadlineExceeded) // as silence is

// simulate starts so many real servers, each with a check of its own, that are all right but for what prepare does.
func simulate(t *testing.T, count int, prepare func(*simulation)) *simulation {
	s := &simulation{t: t}
	for range count {
		one := new(simServer)
		one.vip.Store(true)
		one.address.Store(true)
		one.up.Store(true)
		one.sight.Store(&sight{})
		s.servers = append(s.servers, one)
	}
	prepare(s)
	passage := newPassage()
	for i, one := range s.servers {
		s.check(checkKey{question: fmt.Sprint(i)}, one, passage, float64(i)/float64(count))
	}
	return s
}

func (s *simulation) check(key checkKey, one *simServer, passage *passage, spread float64) {
	b := &bothWays{
		key: key, timeout: simTimeout,
		ready: func() error {
			if s.noWay.Load() {
				return netif.ErrNoProbePath
			}
			return nil
		},
		diagnose: func(_, through health.Failure) health.Diagnosis { return health.Diagnosis{Cause: through.String()} },
		ping:     simProbe(&one.pings, one.drops.Load),
		saw:      func(seen sight) { one.sight.Store(&seen) },
		pages: []bothPages{{
			through: simProbe(&one.through, func() bool { return one.vip.Load() && !s.lost.Load() }),
			own:     simProbe(&one.own, one.address.Load), passage: passage,
		}},
	}
	checker, err := health.NewChecker(health.CheckerConfig{
		Target: health.Target{Address: web0}, Probes: b.probes(), Spread: spread,
		Settings: health.Settings{Kind: health.KindTCP, Interval: simInterval, Retry: 1, DelayBeforeRetry: time.Second, Warmup: simInterval},
		Report: func(v health.Verdict) {
			if one.up.Swap(v.Up) && !v.Up {
				one.downs.Add(1)
			}
		},
	})
	must(s.t, err)
	passage.join(key, checker.Nudge)
	go checker.Run(s.t.Context())
}

func simProbe(asked *atomic.Int64, answers func() bool) health.Probe {
	return func(ctx context.Context, _ health.Target) health.Answer {
		asked.Add(1)
		wait, err := simAnswer, error(nil)
		if !answers() {
			wait, err = simTimeout, errSim
		}
		select {
		case <-ctx.Done():
			return health.Answer{Err: ctx.Err()}
		case <-time.After(wait):
			return health.Answer{Err: err}
		}
	}
}

// expect wants exactly these real servers to be down, and so many never to have been.
func (s *simulation) expect(what string, down ...int) {
	s.t.Helper()
	synctest.Wait()
	for i, one := range s.servers {
		want := true
		for _, d := range down {
			want = want && d != i
		}
		if got := one.up.Load(); got != want {
			s.t.Errorf("%s: real server %d is up: %v", what, i, got)
		}
	}
}

// untilDown is how long it takes, a minute at most.
func (s *simulation) untilDown(one *simServer) time.Duration {
	begun := time.Now()
	for one.up.Load() && time.Since(begun) < time.Minute {
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begun)
}

// never wants real servers never to have been down.
func (s *simulation) never(what string, servers ...*simServer) {
	s.t.Helper()
	for i, one := range servers {
		if downs := one.downs.Load(); downs > 0 {
			s.t.Errorf("%s: %d was down %d times", what, i, downs)
		}
	}
}

// settled is long enough for a check to fail as often as it must, whatever it waits for.
const settled = 4 * simInterval

func TestChecksBothWaysFindWhoHasLostTheVIPAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, 3, func(*simulation) {})
		time.Sleep(settled)
		s.expect("all well")
		for i, one := range s.servers {
			if own := one.own.Load(); own > 0 {
				t.Errorf("while all is well the address of %d was asked %d times", i, own)
			}
		}
		s.servers[1].vip.Store(false)
		time.Sleep(settled)
		s.expect("one has lost the VIP", 1)
		if seen := s.servers[1].sight.Load(); seen.ruling != fails || !seen.insight.passes() {
			t.Errorf("seen is %+v", seen)
		}
		s.servers[1].vip.Store(true)
		time.Sleep(settled)
		s.expect("it has it back")
		if seen := s.servers[1].sight.Load(); *seen != (sight{}) {
			t.Errorf("seen is %+v", seen)
		}
		s.servers[2].vip.Store(false)
		s.servers[2].address.Store(false)
		time.Sleep(settled)
		s.expect("one is dead", 2)
		s.never("what has befallen others", s.servers[0])
	})
}

func TestWhetherTheVIPAnswersAPingIsPartOfTheDiagnosis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, 2, func(*simulation) {})
		time.Sleep(settled)
		if pings := s.servers[0].pings.Load(); pings > 0 {
			t.Errorf("while all is well there were %d pings", pings)
		}
		for drops, want := range map[bool]health.Failure{false: health.Silent, true: health.Dropped} {
			s.servers[0].vip.Store(false)
			s.servers[0].drops.Store(drops)
			time.Sleep(settled)
			s.expect("silence at the VIP", 0)
			if got := s.servers[0].sight.Load().insight.diagnosis.Cause; got != want.String() {
				t.Errorf("it answers pings: %t; the VIP %s, want that it %s", drops, got, want)
			}
		}
	})
}

// It is found in the time of its own check, though the others' come later: they are called.
func TestWhoHasLostTheVIPIsFoundWithoutWaitingForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, 2, func(*simulation) {})
		time.Sleep(settled)
		s.servers[0].vip.Store(false)
		if took, most := s.untilDown(s.servers[0]), simInterval+2*simTimeout+time.Second+100*time.Millisecond; took > most {
			t.Errorf("it took %v, at most %v", took, most)
		}
	})
}

// Nor is a dead real server found later than by its address alone, but for the little that the address was asked later.
func TestADeadRealServerIsFoundInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, 2, func(*simulation) {})
		time.Sleep(settled)
		s.servers[0].vip.Store(false)
		s.servers[0].address.Store(false)
		if took, most := s.untilDown(s.servers[0]), simInterval+2*simTimeout+time.Second+simTimeout/soonPart+20*time.Millisecond; took > most {
			t.Errorf("it took %v, at most %v", took, most)
		}
	})
}

func TestNobodyIsDownBecauseThisHostHearsNoAnswers(t *testing.T) {
	for name, begin := range map[string]func(*simulation){
		"from the start": func(s *simulation) { s.lost.Store(true) },
		"in the middle":  func(*simulation) {},
	} {
		for _, count := range []int{1, 2, 7, 300} {
			t.Run(fmt.Sprintf("%s, %d real servers", name, count), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := simulate(t, count, begin)
					time.Sleep(settled)
					s.lost.Store(true)
					time.Sleep(10 * settled)
					s.expect("answers are lost")
					for i, one := range s.servers {
						if seen := one.sight.Load(); seen.ruling != doubted || seen.through != errSim.Error() {
							t.Fatalf("of %d it is seen %+v", i, seen)
						}
					}
					one := s.servers[count-1]
					one.address.Store(false)
					time.Sleep(settled)
					s.expect("one is dead", count-1)
					one.address.Store(true)
					s.lost.Store(false)
					time.Sleep(settled)
					s.expect("answers come again")
					s.never("what was lost", s.servers[:count-1]...)
					if count > 1 {
						s.servers[0].vip.Store(false)
						time.Sleep(settled)
						s.expect("one has lost the VIP", 0)
					}
				})
			})
		}
	}
}

func TestWithoutAWayThroughTheVIPTheAddressesCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, 3, func(s *simulation) { s.noWay.Store(true) })
		s.servers[0].address.Store(false)
		s.servers[1].vip.Store(false)
		time.Sleep(settled)
		s.expect("no way", 0)
		for i, one := range s.servers {
			if asked := one.through.Load(); asked > 0 || *one.sight.Load() != (sight{}) {
				t.Errorf("%d was asked through the VIP %d times, seen %+v", i, asked, one.sight.Load())
			}
		}
		s.servers[0].address.Store(true)
		s.noWay.Store(false)
		time.Sleep(settled)
		s.expect("there is a way", 1)
		s.noWay.Store(true)
		time.Sleep(settled)
		s.expect("there is none any more")
	})
}

// Who has lost the VIP stays down when the only other one dies: that it is his own fault was shown.
func TestWhoHasLostTheVIPIsNotUpAgainBecauseNobodyElseIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, 2, func(*simulation) {})
		time.Sleep(settled)
		s.servers[0].vip.Store(false)
		time.Sleep(settled)
		s.servers[1].vip.Store(false)
		s.servers[1].address.Store(false)
		time.Sleep(settled)
		s.expect("one without the VIP, one dead", 0, 1)
	})
}

// However many fail, what they ask of the others stays bounded.
func TestManyThatHaveLostTheVIPAreNoBurdenToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count = 200
		s := simulate(t, count, func(*simulation) {})
		time.Sleep(settled)
		for _, one := range s.servers[:count/2] {
			one.vip.Store(false)
		}
		var before [count]int64
		for i, one := range s.servers {
			before[i] = one.through.Load()
		}
		time.Sleep(10 * simInterval)
		for i, one := range s.servers {
			if got := one.up.Load(); got != (i >= count/2) {
				t.Errorf("%d is up: %v", i, got)
			}
			if asked := one.through.Load() - before[i]; i >= count/2 && asked > 15 {
				t.Errorf("%d was asked %d times in the time of 10 checks", i, asked)
			}
		}
	})
}
