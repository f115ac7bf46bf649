package vrrp

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestRivals(t *testing.T) {
	const holds = "rival .210; advert 100; announce .221 x5"
	for _, test := range []struct {
		name   string
		change func(*Settings)
		steps  []step
	}{
		{"a rival is told once a second", nil, asMaster(
			step{4, heard(lower, 99), holds}, step{4.6, heard(lower, 99), "advert 100; announce .221 x5"}, step{5.1, heard(lower, 99), holds})},
		{"each rival is told", nil, asMaster(
			step{4, heard(lower, 99), holds}, step{4.01, heard(higher, 99), "rival .212; announce .221 x5"})},
		{"answers are half an interval apart", nil, asMaster(
			step{4, heard(lower, 99), holds}, step{4.49, heard(lower, 99), "announce .221 x5"}, step{4.5, heard(lower, 99), "advert 100; announce .221 x5"})},
		{"a regular advert is no answer", nil, asMaster(
			step{4.61, Tick{}, "advert 100"}, step{4.62, heard(lower, 99), holds})},
		{"announcements beyond ten a second come when the second is over", nil, asMaster(slices.Concat(
			[]step{{4, heard(lower, 99), holds}},
			slices.Repeat([]step{{4.1, heard(lower, 99), announces}}, 9), slices.Repeat([]step{{4.2, heard(lower, 99), ""}}, 9),
			[]step{{4.99, Tick{}, ""}, {5, Tick{}, "advert 100; announce .221 x5"}, {5.1, heard(lower, 99), holds}})...)},
		{"the master that we preempt is no rival", nil, asBackup(
			step{1, heard(lower, 99), ""}, step{afterStart, Tick{}, takesOver}, step{3.62, heard(lower, 99), "advert 100; announce .221 x5"})},
		{"the master that we preempt is one if it goes on", nil, asBackup(
			step{1, heard(lower, 99), ""}, step{afterStart, Tick{}, takesOver}, step{4.62, heard(lower, 99), holds})},
		{"a master that was silent and comes back is one", nil, asBackup(
			step{1, heard(lower, 100), ""}, step{4.61, Tick{}, takesOver}, step{4.62, heard(lower, 99), holds})},
		{"the master that preempts us is none", nil, asMaster(step{4, heard(lower, 101), givesWay})},
		{"the master that fell silent and comes back is one that we give way to", nil, asBackup(
			step{1, heard(higher, 101), ""}, step{4.61, Tick{}, takesOver}, step{5.61, heard(higher, 101), "back .212; " + givesWay})},
		{"the master that was only late is none", nil, asBackup(
			step{1, heard(higher, 101), ""}, step{4.61, Tick{}, takesOver}, step{5.60, heard(higher, 101), givesWay})},
		{"the master that said goodbye and comes back preempts us", nil, asBackup(
			step{1, heard(higher, 101), ""}, step{2, heard(higher, 0), "note"}, step{2.7, Tick{}, takesOver},
			step{9, heard(higher, 101), givesWay})},
		{"another one than the master that fell silent preempts us", nil, asBackup(
			step{1, heard(higher, 101), ""}, step{4.61, Tick{}, takesOver}, step{9, heard(lower, 101), givesWay})},
		{"the master that preempts us is one where nobody preempts", func(s *Settings) { s.Preempt = false }, asMaster(
			step{4, heard(lower, 101), givesWay}, step{7.61, Tick{}, takesOver}, step{9, heard(higher, 101), "rival .212; " + givesWay})},
		{"lower_prio_no_advert tells, too", func(s *Settings) { s.LowerPrioNoAdvert = true }, asMaster(
			step{4, heard(lower, 99), "rival .210; announce .221 x5"})},
	} {
		t.Run(test.name, func(t *testing.T) { run(t, testSettings(test.change), test.steps) })
	}
}

// A deaf rival at 10 ms adverts for a minute: what it makes us send is bounded.
func TestADeafRivalCausesNoStorm(t *testing.T) {
	m := NewMachine(testSettings(both(v3, every(10*time.Millisecond))), epoch)
	m.Handle(epoch, Adopt{})
	count := make(map[string]int)
	for ms := range 60_000 {
		now := epoch.Add(time.Duration(ms) * time.Millisecond)
		events := []Event{Tick{}}
		if ms%5 == 0 {
			events = append(events, heard3(lower, 99, 10*time.Millisecond))
		}
		for _, ev := range events {
			for _, a := range m.Handle(now, ev) {
				count[fmt.Sprintf("%T", a)]++
			}
		}
	}
	for what, most := range map[string]int{"vrrp.SendAdvert": 2 * 6000, "vrrp.Announce": 11 * 60, "vrrp.Rival": 61, "vrrp.Note": 0} {
		if count[what] > most {
			t.Errorf("%d of %s in a minute, at most %d were expected", count[what], what, most)
		}
	}
	if count["vrrp.Rival"] < 59 {
		t.Errorf("the rival was told %d times in a minute", count["vrrp.Rival"])
	}
}

func TestInventedSourcesDoNotFillTheMemory(t *testing.T) {
	m := NewMachine(testSettings(nil), epoch)
	m.Handle(epoch, Adopt{})
	for i := range 5000 {
		m.Handle(epoch, heard(fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), 99))
	}
	if n := len(m.mastership.told); n > maxTold {
		t.Errorf("%d rivals are remembered, at most %d should be", n, maxTold)
	}
}
