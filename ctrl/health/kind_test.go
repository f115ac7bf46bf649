package health

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// Each kind beside keepalived's source: tcp_epilog, udp_epilog, icmp_epilog, dns_final, smtp_final and
// misc_check_child_thread. Timers of three different lengths, so that no wait can be mistaken for another.
func TestEachKindRisesAndFallsInItsOwnWay(t *testing.T) {
	const loop, retry = 5 * second, 2 * second
	of := func(kind Kind) Settings {
		return Settings{Kind: kind, Interval: loop, Retry: 2, DelayBeforeRetry: retry}
	}
	alpha := func(kind Kind) Settings {
		s := of(kind)
		s.Alpha = true
		return s
	}
	firstPass := step{passes: true, up: true, changed: true, wait: loop}
	forgiven, fall := step{up: true, wait: retry}, step{changed: true, wait: loop}
	tests := []struct {
		name  string
		kinds []Kind
		start func(Kind) *Tracker
		steps []step
	}{
		{"retry 2 allows three failures in a row", []Kind{KindTCP, KindUDP, KindDNS, KindSMTP, KindPing, KindMisc},
			func(k Kind) *Tracker { return NewTracker(of(k), 1) },
			[]step{firstPass, forgiven, forgiven, fall}},
		{"a pass between failures makes the count start again", []Kind{KindTCP, KindUDP, KindDNS, KindSMTP, KindPing, KindMisc},
			func(k Kind) *Tracker { return NewTracker(of(k), 1) },
			[]step{firstPass, forgiven, forgiven, {passes: true, up: true, wait: loop}, forgiven, forgiven, fall}},
		{"a new server's first failure is enough", []Kind{KindTCP, KindUDP, KindDNS, KindPing, KindMisc, KindFile},
			func(k Kind) *Tracker { return NewTracker(of(k), 1) }, []step{fall}},
		{"of SMTP a new server's first failures are forgiven, too", []Kind{KindSMTP},
			func(k Kind) *Tracker { return NewTracker(of(k), 1) }, []step{forgiven, forgiven, fall}},
		{"one pass is enough to rise", []Kind{KindTCP, KindUDP, KindDNS, KindSMTP, KindPing, KindMisc, KindFile},
			func(k Kind) *Tracker { return ResumeTracker(of(k), 1, Initial{}) },
			[]step{firstPass, {passes: true, up: true, wait: loop}}},
		{"a server that is down is asked every interval", []Kind{KindUDP, KindDNS, KindPing, KindMisc},
			func(k Kind) *Tracker { return NewTracker(of(k), 1) },
			[]step{firstPass, forgiven, forgiven, fall, {wait: loop}, {wait: loop}}},
		{"of TCP and SMTP a server that is down is retried as well", []Kind{KindTCP, KindSMTP},
			func(k Kind) *Tracker { return NewTracker(of(k), 1) },
			[]step{firstPass, forgiven, forgiven, fall, {wait: retry}, {wait: retry}, {wait: loop}, {wait: retry}}},
		{"after a rise the retries are whole again", []Kind{KindTCP, KindUDP, KindDNS, KindSMTP, KindPing, KindMisc},
			func(k Kind) *Tracker { return NewTracker(of(k), 1) },
			[]step{firstPass, forgiven, forgiven, fall, firstPass, forgiven, forgiven, fall}},
		{"alpha is down until the first pass", []Kind{KindTCP, KindUDP, KindDNS, KindSMTP, KindPing, KindMisc},
			func(k Kind) *Tracker { return NewTracker(alpha(k), 1) }, []step{firstPass}},
		{"alpha that fails says so once", []Kind{KindUDP, KindDNS, KindPing, KindMisc},
			func(k Kind) *Tracker { return NewTracker(alpha(k), 1) }, []step{fall, {wait: loop}}},
		{"of TCP alpha's first failure is told, and then retried", []Kind{KindTCP},
			func(k Kind) *Tracker { return NewTracker(alpha(k), 1) }, []step{fall, {wait: retry}, {wait: retry}, {wait: loop}}},
		{"of SMTP alpha's failure is told after its retries", []Kind{KindSMTP},
			func(k Kind) *Tracker { return NewTracker(alpha(k), 1) }, []step{{wait: retry}, {wait: retry}, fall}},
		{"an adopted server that is up has its retries", []Kind{KindTCP, KindUDP, KindDNS, KindSMTP, KindPing, KindMisc},
			func(k Kind) *Tracker { return ResumeTracker(of(k), 1, Initial{Up: true}) }, []step{forgiven, forgiven, fall}},
		{"an adopted server that stays down says so once", []Kind{KindUDP, KindDNS, KindPing, KindMisc},
			func(k Kind) *Tracker { return ResumeTracker(of(k), 1, Initial{}) }, []step{fall, {wait: loop}}},
	}
	for _, test := range tests {
		for _, kind := range test.kinds {
			t.Run(fmt.Sprintf("%s, kind %d", test.name, kind), func(t *testing.T) {
				follow(t, test.start(kind), test.steps)
			})
		}
	}
}

func TestFastRecoveryLeavesNoTimeOnTheWayUp(t *testing.T) {
	fast := Settings{Interval: 5 * second, Retry: 1, DelayBeforeRetry: 2 * second, FastRecovery: true}
	tests := []struct {
		name  string
		steps []step
	}{
		{"at the start", []step{
			{passes: true, probe: 0, up: true},
			{passes: true, probe: 1, up: true},
			{passes: true, probe: 2, up: true, changed: true, wait: 5 * second},
			{passes: true, probe: 0, up: true, wait: 5 * second},
		}},
		{"after a failure", []step{
			{probe: 0, changed: true, wait: 5 * second},
			{passes: true, probe: 0},
			{passes: true, probe: 0},
			{passes: true, probe: 1},
			{passes: true, probe: 2, up: true, changed: true, wait: 5 * second},
		}},
		{"but after one that fails on the way", []step{
			{probe: 0, changed: true, wait: 5 * second},
			{passes: true, probe: 0},
			{passes: true, probe: 0},
			{probe: 1, wait: 2 * second},
			{passes: true, probe: 1},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { follow(t, NewTracker(fast, 3), test.steps) })
	}
}

func TestWaitsOfAProgramCountFromItsStart(t *testing.T) {
	settings := Settings{Kind: KindMisc, Interval: 5 * second, Retry: 1, DelayBeforeRetry: 2 * second}
	begun := time.Unix(1000, 0)
	tests := []struct {
		name string
		took time.Duration
		err  error
		next time.Duration // from begun
	}{
		{"a program that passes", second, nil, 5 * second},
		{"a program that fails", second, errors.New("broken"), 2 * second},
		{"a program that takes longer than the interval", 9 * second, nil, 9 * second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tracker := ResumeTracker(settings, 1, Initial{Up: true})
			_, next := tracker.Observe(begun, begun.Add(test.took), failed(test.err))
			if got := next.Sub(begun); got != test.next {
				t.Errorf("next check %v after the start, want %v", got, test.next)
			}
		})
	}
}

func TestACheckThatWasNotMadeSaysNothing(t *testing.T) {
	for _, kind := range []Kind{KindHTTP, KindTCP, KindUDP, KindDNS, KindSMTP, KindPing, KindMisc} {
		for _, up := range []bool{true, false} {
			settings := Settings{Kind: kind, Interval: 5 * second, DelayBeforeRetry: 2 * second}
			tracker := ResumeTracker(settings, 1, Initial{Up: up})
			now := time.Unix(1000, 0)
			for range 3 {
				verdict, next := tracker.Observe(now, now, failed(fmt.Errorf("%w: too many open files", ErrNotAsked)))
				if want := (Verdict{Up: up, Reason: "not asked: too many open files"}); verdict != want || next.Sub(now) != 5*second {
					t.Errorf("kind %d gives %+v and waits %v, want %+v and 5s", kind, verdict, next.Sub(now), want)
				}
			}
		}
	}
}

func TestWeightsAreToldWhenTheyChange(t *testing.T) {
	tracker := NewTracker(Settings{Kind: KindMisc, Interval: second}, 1)
	now := time.Unix(1000, 0)
	ten, twenty := Weight{SetWeight, 10}, Weight{SetWeight, 20}
	for i, check := range []struct {
		answer     Answer
		weight     Weight
		reweighted bool
	}{
		{Answer{Weight: ten}, ten, true},
		{Answer{Weight: ten}, ten, false},
		{Answer{Weight: twenty}, twenty, true},
		{failed(errors.New("broken")), twenty, false},
		{Answer{Weight: twenty}, twenty, false},
		{Answer{}, Weight{}, true},
	} {
		verdict, _ := tracker.Observe(now, now, check.answer)
		if verdict.Weight != check.weight || verdict.Reweighted != check.reweighted {
			t.Errorf("check %d gives %+v, want weight %+v, news: %v", i, verdict, check.weight, check.reweighted)
		}
	}
}

func TestWeigh(t *testing.T) {
	set := func(n int) Weight { return Weight{SetWeight, n} }
	add := func(n int) Weight { return Weight{AddWeight, n} }
	tests := []struct {
		name       string
		configured int
		said       []Weight
		want       int
	}{
		{"nothing is said", 5, nil, 5},
		{"a check that leaves it alone", 5, []Weight{{}}, 5},
		{"one that sets it", 5, []Weight{set(17)}, 17},
		{"one that sets it to nothing", 5, []Weight{set(0)}, 0},
		{"one that adds", 5, []Weight{add(3)}, 8},
		{"one that takes more than there is", 5, []Weight{add(-30)}, 0},
		{"more than a weight can be", 5, []Weight{add(1 << 31)}, 65535},
		{"one that sets and one that adds", 5, []Weight{set(10), add(3)}, 13},
		{"in the other order", 5, []Weight{add(3), set(10)}, 13},
		{"two that set add up how far they are off, as in keepalived", 5, []Weight{set(10), set(6)}, 11},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Weigh(test.configured, test.said...); got != test.want {
				t.Errorf("weight %d, want %d", got, test.want)
			}
		})
	}
}
