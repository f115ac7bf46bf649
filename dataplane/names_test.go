package dataplane

import (
	"strings"
	"testing"
)

// expectNames checks that every value below the end has a name of its own, and that the end has a telling one.
func expectNames[T ~uint32](t *testing.T, first, end T, names map[T]string, name func(T) string, beyond string) {
	t.Helper()
	named := make(map[string]T)
	for v := first; v < end; v++ {
		text, known := names[v]
		if !known || name(v) != text {
			t.Errorf("%d is called %q, of the table %q", v, name(v), text)
		}
		if twin, taken := named[text]; taken {
			t.Errorf("%d and %d are both called %q", twin, v, text)
		}
		named[text] = v
	}
	if len(named) != len(names) {
		t.Errorf("there are %d values and %d names", len(named), len(names))
	}
	if got := name(end); got != beyond {
		t.Errorf("one of a later program is called %q, want %q", got, beyond)
	}
}

func TestEveryVerdictHasANameOfItsOwn(t *testing.T) {
	expectNames(t, firstVerdict, endVerdict, verdictNames, Verdict.String, "verdict-25")
}

func TestEveryFlowStateHasANameOfItsOwn(t *testing.T) {
	expectNames(t, 0, endFlowState, flowStateNames, FlowState.String, "flow-state-9")
}

func TestTheVerdictsOfForwardedPacketsForward(t *testing.T) {
	for v := firstVerdict; v < endVerdict; v++ {
		if want := v >= ForwardFlow; v.Forwards() != want || strings.HasPrefix(v.String(), "forward") != want {
			t.Errorf("%s forwards: %t, want %t", v, v.Forwards(), want)
		}
	}
}
