package ctrl

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"drover/ctrl/vrrp"
)

func TestASecondMasterIsLoggedOnceAMinuteAndShown(t *testing.T) {
	p := newPolls(t)
	r := p.take(p.add(plainInstance()), fitness{})
	other := netip.MustParseAddr("192.168.100.9")
	for range 3 {
		r.do(vrrp.Rival{Source: other, Priority: 5})
	}
	if n := strings.Count(p.log.String(), "split brain"); n != 1 || !strings.Contains(p.log.String(), "rival=192.168.100.9") {
		t.Errorf("logged %d times:\n%s", n, p.log.String())
	}
	if got := r.status().rivals[other].priority; got != 5 {
		t.Errorf("the status shows a rival of priority %d, want 5", got)
	}
}

func TestAMasterThatComesBackIsToldOfAsWhatItMayBe(t *testing.T) {
	p := newPolls(t)
	r := p.take(p.add(plainInstance()), fitness{})
	r.do(vrrp.Rival{Source: netip.MustParseAddr("192.168.100.212"), Priority: 12, Returned: true})
	if log := p.log.String(); !strings.Contains(log, "split brain, unless it was started anew") {
		t.Errorf("logged\n%s", log)
	}
}

// Whoever invents sources fills neither the memory nor the log, and hides nobody who goes on.
func TestInventedSourcesAreBounded(t *testing.T) {
	p := newPolls(t)
	r := p.take(p.add(plainInstance()), fitness{})
	real, invented := netip.MustParseAddr("192.168.100.9"), netip.MustParseAddr("10.0.0.1")
	for range 3000 {
		r.do(vrrp.Rival{Source: real, Priority: 5})
		r.do(vrrp.Rival{Source: invented, Priority: 5})
		invented = invented.Next()
	}
	s := r.status()
	if _, there := s.rivals[real]; len(s.rivals) > maxRivals || !there {
		t.Errorf("%d rivals are remembered, at most %d should be; the real one is: %v", len(s.rivals), maxRivals, there)
	}
	if n := strings.Count(p.log.String(), "split brain"); n != maxRivals {
		t.Errorf("%d lines are logged, want %d", n, maxRivals)
	}
	if n := len(r.warned); n > maxRivals {
		t.Errorf("%d warnings are remembered, at most %d should be", n, maxRivals)
	}
}

func TestRivalsThatFellSilentAreForgotten(t *testing.T) {
	first, second := netip.MustParseAddr("192.168.100.8"), netip.MustParseAddr("192.168.100.9")
	s := make(rivals)
	s.hear(noon, first, 5)
	s.hear(noon.Add(rivalTime-time.Second), second, 6)
	if len(s) != 2 {
		t.Errorf("%v are remembered within a minute, want both", s)
	}
	s.hear(noon.Add(rivalTime), second, 6)
	if _, there := s[first]; there || len(s) != 1 {
		t.Errorf("%v are remembered after a minute, want the second alone", s)
	}
}

func TestComplaintsThatOthersMakeUpAreBounded(t *testing.T) {
	c := make(complaints)
	for n, step := range []struct {
		after time.Duration
		kind  string
		want  bool
	}{
		{0, "a", true}, {0, "b", true}, {0, "c", false}, {time.Second, "a", false}, {time.Minute - 1, "c", false},
		{time.Minute, "c", true}, {time.Minute, "d", true}, {time.Minute, "a", false},
	} {
		if got := c.dueOf(noon.Add(step.after), step.kind, 2); got != step.want {
			t.Errorf("step %d: %s is due: %v, want %v", n, step.kind, got, step.want)
		}
	}
}
