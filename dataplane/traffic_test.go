package dataplane

import "testing"

func TestWhatIsNotInTheTablesCountsNothing(t *testing.T) {
	p := newPlane(t, Options{})
	p.run(tcp(client, web, syn))
	if got, err := p.ServiceTraffic(udpService(web), []RealID{99}); err != nil || got != (Traffic{}) {
		t.Errorf("an unknown service counts %+v, %v", got, err)
	}
	if got, err := p.RealTraffic(99); err != nil || got != (Traffic{}) {
		t.Errorf("an unknown real server counts %+v, %v", got, err)
	}
	if got, err := p.Load(99); err != nil || got != (Load{}) {
		t.Errorf("an unknown real server bears %+v, %v", got, err)
	}
	for name, read := range map[string]func() error{
		"the traffic": func() error { _, err := p.RealTraffic(beyondReals); return err },
		"the load":    func() error { _, err := p.Load(beyondReals); return err },
	} {
		if read() == nil {
			t.Errorf("%s of an id beyond the tables is read", name)
		}
	}
}

// TestAnIDBeginsWithNothingCounted whoever had it before.
func TestAnIDBeginsWithNothingCounted(t *testing.T) {
	for name, takeOver := range map[string]bool{"in this process": false, "in an earlier one": true} {
		t.Run(name, func(t *testing.T) {
			p := newPlane(t, Options{})
			p.expect(tcp(client, web, syn), opened(1))
			if takeOver {
				p = p.reopen(Options{})
			}
			if counts, err := p.RealTraffic(1); err != nil || counts == (Traffic{}) {
				t.Fatalf("the first counts %+v, %v", counts, err)
			}
			p.change(func(want *Tables) { want.Reals[1] = newReal(7, tcpService(web)) })
			traffic, err := p.RealTraffic(1)
			must(t, err)
			load, err := p.Load(1)
			must(t, err)
			if traffic != (Traffic{}) || load != (Load{}) {
				t.Errorf("the next begins with %+v, %+v", traffic, load)
			}
			p.expectHandshakes(1, 0, 0)
		})
	}
}

// beyondReals is beyond the least table of real servers.
const beyondReals RealID = 256

// TestTheTrafficOfAServiceOnlyGrows takes real servers out of a service, one by one, and the last back in.
func TestTheTrafficOfAServiceOnlyGrows(t *testing.T) {
	p := newPlane(t, Options{})
	key := tcpService(web)
	traffic := func() Traffic {
		sum, err := p.ServiceTraffic(key, p.realsOf(key))
		must(t, err)
		return sum
	}
	one := uint64(len(tcp(client, web, syn)))
	p.run(tcp("203.0.113.7:1", web, syn))
	p.run(tcp("203.0.113.7:2", web, syn))
	for n, edit := range []func(*Tables){
		func(want *Tables) { want.Reals[1] = Real{} },
		func(want *Tables) { want.Reals[2] = Real{} },
		func(want *Tables) { want.Reals.Set(6, newReal(6, key)) },
		func(want *Tables) { want.Reals.Set(6, newReal(7, key)) }, // the id goes to another
		func(want *Tables) { want.Reals[6].State = RealDown },
		func(*Tables) {},
	} {
		p.change(edit)
		if got, want := traffic(), (Traffic{Packets: 2, Bytes: 2 * one, Connections: 2}); got != want {
			t.Errorf("after change %d the service counts %+v, want %+v", n+1, got, want)
		}
	}
	p.change(func(want *Tables) { want.Reals[6].State = RealUp })
	p.setSchedule(key, 6)
	p.run(tcp("203.0.113.7:3", web, syn))
	if got, want := traffic(), (Traffic{Packets: 3, Bytes: 3 * one, Connections: 3}); got != want {
		t.Errorf("after another connection the service counts %+v, want %+v", got, want)
	}
}

func TestCountersStartAtZeroForWhatIsNew(t *testing.T) {
	p := newPlane(t, Options{})
	key := tcpService(free)
	p.expect(tcp(client, free, syn), opened(5))
	p.setState(5, RealDown)
	p.setState(5, RealUp)
	if got, err := p.RealTraffic(5); err != nil || got.Packets != 1 {
		t.Errorf("after a change of state real server 5 counts %+v, %v, want its one packet", got, err)
	}
	p.change(func(want *Tables) { want.Reals.Set(5, newReal(9, key)) })
	if got, err := p.RealTraffic(5); err != nil || got != (Traffic{}) {
		t.Errorf("another real server by the id counts %+v, %v, want nothing", got, err)
	}
	p.change(func(want *Tables) {
		delete(want.Services, key)
		want.Reals[5] = Real{}
	})
	if got, err := p.ServiceTraffic(key, nil); err != nil || got != (Traffic{}) {
		t.Errorf("a service that is gone counts %+v, %v, want nothing", got, err)
	}
	p.change(func(want *Tables) {
		want.Services[key] = Service{Gate: AlwaysOpen, Schedule: []RealID{5}}
		want.Reals.Set(5, newReal(5, key))
	})
	if got, err := p.ServiceTraffic(key, []RealID{5}); err != nil || got != (Traffic{}) {
		t.Errorf("a service that came back counts %+v, %v, want nothing", got, err)
	}
}
