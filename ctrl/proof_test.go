package ctrl

import (
	"slices"
	"testing"
	"time"
)

func TestWhatTheAnswersOfBothWaysMean(t *testing.T) {
	for name, test := range map[string]struct {
		through, own outcome
		since        showing
		want         ruling
	}{
		"it passes through the VIP":                                 {answered, notAsked, unshown, serves},
		"it passes through the VIP, and not at its address":         {answered, refused, unshown, serves},
		"it fails both ways":                                        {refused, refused, unshown, fails},
		"it fails both ways, and others pass":                       {refused, refused, shown, fails},
		"it fails through the VIP, and another has passed since":    {refused, answered, shown, fails},
		"it fails through the VIP, and nobody has passed since":     {refused, answered, unshown, doubted},
		"it fails through the VIP, and nobody has passed in time":   {refused, answered, open, doubted},
		"it fails through the VIP, and could not be asked":          {refused, notAsked, unshown, unasked},
		"it fails, could not be asked, and another has passed":      {refused, notAsked, shown, fails},
		"there is no asking through the VIP, and the address fails": {notAsked, refused, shown, fails},
		"there is no asking through the VIP, the address passes":    {notAsked, answered, unshown, serves},
		"there is no asking at all":                                 {notAsked, notAsked, shown, unasked},
	} {
		if got := rule(test.through, test.own, test.since); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// proving is a proof of three checks, a, b and c, on a clock of seconds.
type proving struct {
	*proof
	called []string
}

func newProving() *proving {
	p := &proving{proof: &proof{askers: make(map[checkKey]*asker)}}
	for _, name := range []string{"a", "b", "c"} {
		p.join(checkKey{question: name}, func() { p.called = append(p.called, name) })
	}
	return p
}

func second(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

func TestAFailureIsARealServersOwnWhenAnotherHasPassedSince(t *testing.T) {
	type heard struct {
		who    string
		passed bool
		at     int
	}
	for name, test := range map[string]struct {
		heard []heard
		leave string
		of    string
		at    int
		want  showing
	}{
		"nobody was asked yet, others may pass":           {[]heard{{"a", false, 1}}, "", "a", 1, open},
		"another passes after it":                         {[]heard{{"a", false, 1}, {"b", true, 2}}, "", "a", 1, shown},
		"another has passed before it, and may again":     {[]heard{{"b", true, 1}, {"a", false, 2}}, "", "a", 2, open},
		"all others fail":                                 {[]heard{{"b", true, 1}, {"a", false, 2}, {"b", false, 3}, {"c", false, 3}}, "", "a", 2, unshown},
		"all others fail and one comes back":              {[]heard{{"a", false, 2}, {"b", false, 3}, {"c", false, 3}, {"c", true, 4}}, "", "a", 2, shown},
		"the last who had not failed is not asked longer": {[]heard{{"a", false, 1}, {"b", false, 1}}, "c", "a", 1, unshown},
		"one that is not asked longer":                    {[]heard{{"b", true, 1}}, "a", "a", 1, unshown},
		"who is not asked shows nothing":                  {[]heard{{"a", false, 1}, {"stranger", true, 2}}, "", "a", 1, open},
		"failing twice is failing once":                   {[]heard{{"a", false, 1}, {"b", false, 1}, {"b", false, 2}}, "", "a", 1, open},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProving()
			for _, h := range test.heard {
				p.hear(checkKey{question: h.who}, h.passed, second(h.at))
			}
			p.leave(checkKey{question: test.leave})
			if got := p.since(checkKey{question: test.of}, second(test.at)); got != test.want {
				t.Errorf("shown is %v, want %v", got, test.want)
			}
		})
	}
}

func TestAFailureThatIsKnownToBeARealServersOwnStaysSoUntilItPasses(t *testing.T) {
	p := newProving()
	a, b, c := checkKey{question: "a"}, checkKey{question: "b"}, checkKey{question: "c"}
	p.hear(a, false, second(1))
	p.hear(b, true, second(2))
	if got := p.since(a, second(1)); got != shown {
		t.Fatalf("shown is %v", got)
	}
	for _, key := range []checkKey{a, b, c} {
		p.hear(key, false, second(3))
	}
	if own, other := p.since(a, second(3)), p.since(b, second(3)); own != shown || other != unshown {
		t.Errorf("now that all fail it is %v of the first, and %v of another", own, other)
	}
	p.hear(a, true, second(4))
	p.hear(a, false, second(5))
	if got := p.since(a, second(5)); got != unshown {
		t.Errorf("after it has passed and failed it is %v", got)
	}
}

func TestThoseWhoMayPassAreCalledInTurnAndFewAtATime(t *testing.T) {
	p := newProving()
	p.hear(checkKey{question: "a"}, false, noon)
	call := func(at time.Duration) []string {
		p.called = nil
		for _, call := range p.call(noon.Add(at)) {
			call()
		}
		slices.Sort(p.called)
		return p.called
	}
	if got := call(0); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("called are %v", got)
	}
	if got := call(callInterval - 1); len(got) > 0 {
		t.Errorf("too early %v are called", got)
	}
	p.join(checkKey{question: "d"}, func() { p.called = append(p.called, "d") })
	p.hear(checkKey{question: "c"}, false, noon)
	if got := call(callInterval); !slices.Equal(got, []string{"b", "d"}) {
		t.Errorf("called are %v", got)
	}
	p.join(checkKey{question: "e"}, func() { p.called = append(p.called, "e") })
	p.join(checkKey{question: "f"}, func() { p.called = append(p.called, "f") })
	if got := call(2 * callInterval); !slices.Equal(got, []string{"e", "f"}) {
		t.Errorf("called are %v, not those who were never called", got)
	}
}

func TestNewsIsWhatMayEndAWait(t *testing.T) {
	p := newProving()
	for _, step := range []struct {
		who          string
		passed, news bool
	}{{"a", false, false}, {"b", true, true}, {"b", false, false}, {"c", false, true}, {"stranger", true, false}, {"c", true, true}} {
		if got := p.hear(checkKey{question: step.who}, step.passed, noon); got != step.news {
			t.Errorf("%s passes: %v, is news: %v", step.who, step.passed, got)
		}
	}
	if p.leave(checkKey{question: "a"}) || !p.leave(checkKey{question: "c"}) || p.leave(checkKey{question: "c"}) {
		t.Error("it is news that the last one leaves who might pass, and that only")
	}
}
