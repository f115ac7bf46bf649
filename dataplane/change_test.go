package dataplane

import "testing"

// TestOnlyWhatIsNamedIsCompared has tables that differ in a service and a real server that are named, and in a pair that
// are not.
func TestOnlyWhatIsNamedIsCompared(t *testing.T) {
	p := newPlane(t, Options{})
	named := func(want *Tables) {
		want.Services[tcpService(web)] = Service{Gate: webGate, Schedule: []RealID{2}}
		want.Reals[1].State = RealDown
		want.Reals.Set(6, newReal(6, tcpService(vip+":81")))
		want.Services[tcpService(vip+":81")] = Service{Gate: webGate, Schedule: []RealID{6}}
		delete(want.Services, tcpService(free))
		want.Reals[5] = Real{}
	}
	both, only := p.want.clone(), p.want.clone()
	named(&only)
	named(&both)
	both.Reals[3].State = RealDown
	both.Services[udpService(dns)] = Service{Gate: webGate, Schedule: []RealID{4}}
	change := Change{
		Services: []ServiceKey{tcpService(web), tcpService(vip + ":81"), tcpService(free)}, Reals: []RealID{1, 5, 6},
	}
	must(t, p.ApplyChange(both, change))
	p.expectTables(only)

	p.forget() // as after an error: then nobody knows
	must(t, p.ApplyChange(both, change))
	p.expectTables(both)
}

func TestAChangeThatIsRefusedIsLookedForAgain(t *testing.T) {
	p := newPlane(t, Options{})
	want := p.want.clone()
	want.Reals[1].State = RealDown
	bad := want.clone()
	bad.Ports[PortID(MaxPorts)] = Port{}
	if err := p.ApplyChange(bad, Change{Reals: []RealID{1}}); err == nil {
		t.Fatal("there is no such port")
	}
	must(t, p.ApplyChange(want, Change{}))
	p.expectTables(want)
}
