package dataplane

import "testing"

func TestEveryVerdictHasANameOfItsOwn(t *testing.T) {
	named := make(map[string]Verdict)
	for v := firstVerdict; v < endVerdict; v++ {
		name, known := verdictNames[v]
		if !known || v.String() != name {
			t.Errorf("verdict %d is called %q, of the table %q", v, v, name)
		}
		if twin, taken := named[name]; taken {
			t.Errorf("verdicts %d and %d are both called %q", twin, v, name)
		}
		named[name] = v
	}
	if len(named) != len(verdictNames) {
		t.Errorf("there are %d verdicts and %d names", len(named), len(verdictNames))
	}
	if got := endVerdict.String(); got != "verdict-16" {
		t.Errorf("a verdict of a later program is called %q, want verdict-16", got)
	}
}

func TestFiveVerdictsForward(t *testing.T) {
	forwards := map[Verdict]bool{
		ForwardFlow: true, ForwardNew: true, ForwardRescheduled: true, ForwardUntracked: true, ForwardGrace: true,
	}
	for v := firstVerdict; v < endVerdict; v++ {
		if v.Forwards() != forwards[v] {
			t.Errorf("%s forwards: %t", v, v.Forwards())
		}
	}
}

func TestWhatIsNotInTheTablesCountsNothing(t *testing.T) {
	p := newPlane(t, Options{})
	p.run(tcp(client, web, syn))
	if got, err := p.ServiceTraffic(udpService(web)); err != nil || got != (Traffic{}) {
		t.Errorf("an unknown service counts %+v, %v", got, err)
	}
	if got, err := p.RealTraffic(99); err != nil || got != (Traffic{}) {
		t.Errorf("an unknown real server counts %+v, %v", got, err)
	}
}
