package dataplane

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
)

// TestApplyKeepsItsOrder stops Apply by a map that cannot be written and looks at what a packet would find.
func TestApplyKeepsItsOrder(t *testing.T) {
	requireRoot(t)
	addService := func(want *Tables) {
		want.Reals.Set(6, newReal(6, tcpService(vip+":81")))
		want.Services[tcpService(vip+":81")] = Service{Gate: webGate, Schedule: []RealID{6}}
	}
	newGate := func(want *Tables) {
		want.Gates[9] = GateName{Interface: 2, VirtualRouterID: 9}
		want.Services[tcpService(web)] = Service{Gate: 9, Schedule: []RealID{1, 2}}
	}
	newPort := func(want *Tables) {
		want.Ports[1] = Port{Interface: 1, MAC: routerMAC, MTU: 1500}
		want.Reals[1].Port = 1
	}
	removeService := func(want *Tables) {
		delete(want.Services, tcpService(free))
		want.Reals[5] = Real{}
	}
	for _, c := range []struct {
		name   string
		frozen func(*plane) *ebpf.Map
		change func(*Tables)
		frame  []byte
		want   outcome
	}{
		{"a real server comes before the service that uses it", func(p *plane) *ebpf.Map { return p.objects.Reals },
			addService, tcp(client, vip+":81", syn), ends(PassNoService)},
		{"a schedule comes before the service that points to it", func(p *plane) *ebpf.Map { return p.objects.Schedules },
			addService, tcp(client, vip+":81", syn), ends(PassNoService)},
		{"a service comes before its place in the index", func(p *plane) *ebpf.Map { return p.objects.Services },
			addService, tcp(client, vip+":81", syn), ends(PassNoService)},
		{"a gate comes before the service that hangs on it", func(p *plane) *ebpf.Map { return p.objects.GateNames },
			newGate, tcp(client, web, syn), opened(1)},
		{"a port comes before the real server behind it", func(p *plane) *ebpf.Map { return p.objects.Ports },
			newPort, tcp(client, web, syn), opened(1)},
		{"a service goes before its real servers", func(p *plane) *ebpf.Map { return p.objects.ServiceIndex },
			removeService, tcp(client, free, syn), opened(5)},
		{"a new schedule is not written over the one in force", func(p *plane) *ebpf.Map { return p.objects.Services },
			func(want *Tables) { want.Services[tcpService(web)] = Service{Gate: webGate, Schedule: []RealID{2, 2}} },
			tcp(client, web, syn), opened(1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlane(t, Options{})
			must(t, c.frozen(p).Freeze())
			changed := p.want.clone()
			c.change(&changed)
			if err := p.Apply(changed); err == nil {
				t.Fatal("Apply went on")
			}
			p.expect(c.frame, c.want)
		})
	}
}

// TestAHashTableIsChangedInPlace has a server of a long one go down: little of it is written, and no other moves.
func TestAHashTableIsChangedInPlace(t *testing.T) {
	p := newPlane(t, Options{})
	schedule := slices.Repeat([]RealID{1, 2}, 1000)
	change := func(schedule []RealID) (written uint64) {
		before := p.Written()
		p.change(func(want *Tables) {
			want.Services[tcpService(web)] = Service{Gate: webGate, Scheduler: ByHash, Schedule: schedule}
		})
		return p.Written() - before
	}
	change(schedule)
	patched := slices.Clone(schedule)
	patched[17], patched[18], patched[1999] = 1, 1, 1
	if n := change(patched); n != 2 {
		t.Errorf("%d entries are written for a change of two lines", n)
	}
	p.expectTables(p.want)
	p.forget()
	p.expectTables(p.want) // as the maps have it
	if n := change(patched[:1999]); n < 125 {
		t.Errorf("%d entries are written of a table that has another length, and so stands elsewhere", n)
	}
	p.expectTables(p.want)
}

// TestSchedulesThatChangeOverAndOverAreReadBack has some made anew, as turns and as hash tables, and some changed in place.
func TestSchedulesThatChangeOverAndOverAreReadBack(t *testing.T) {
	p, rng := newPlane(t, Options{}), rand.New(rand.NewPCG(3, 3))
	for step := range 200 {
		p.change(func(want *Tables) {
			for _, key := range []ServiceKey{tcpService(web), tcpService(free), udpService(dns)} {
				service := want.Services[key]
				if n := len(service.Schedule); n == 0 || rng.IntN(6) == 0 {
					service.Scheduler = []Scheduler{ByTurns, ByHash}[rng.IntN(2)]
					service.Schedule = slices.Repeat([]RealID{1}, rng.IntN(70))
				} else {
					at := rng.IntN(1+rng.IntN(n)) / 8 * 8 // again and again the same, from 1 to 2 and back
					service.Schedule[at] = 3 - service.Schedule[at]
				}
				want.Services[key] = service
			}
		})
		if step%10 == 9 {
			p.expectTables(p.want)
		}
	}
}

func TestApplyOftenDoesNotUseTheScheduleTableUp(t *testing.T) {
	p := newPlane(t, Options{})
	schedules := [2][]RealID{slices.Repeat([]RealID{1}, MaxSchedule), slices.Repeat([]RealID{2}, MaxSchedule)}
	rounds := int(p.objects.Schedules.MaxEntries()/linesFor(uint32(MaxSchedule))) + 10
	for n := range rounds {
		p.setSchedule(tcpService(web), schedules[n%2]...)
	}
	p.expectTables(p.want)
	p.expect(tcp(client, web, syn), opened(RealID(1+(rounds-1)%2)))
}

// TestApplyRepairsWhatIsLeftOfAFailure has tables for which there is no room, which shows only half way through.
func TestApplyRepairsWhatIsLeftOfAFailure(t *testing.T) {
	change := func(want *Tables) { // what comes with all of them
		want.Reals.Set(6, newReal(6, tcpService(web)))
		want.Reals[1].State = RealDown
		want.Reals[2] = Real{}
		want.Services[tcpService(web)] = Service{Gate: 7, Schedule: []RealID{6}}
		want.Gates[7] = GateName{Interface: 2, VirtualRouterID: 7}
		delete(want.Services, udpService(dns))
		want.Reals[3], want.Reals[4] = Real{}, Real{}
	}
	p := newPlane(t, Options{})
	for _, c := range []struct {
		name string
		edit func(*Tables)
		is   error
	}{
		{"too many services for a bucket of the index", tooManyOfABucket, ErrServicesFull},
		{"schedules longer than the table", schedulesTooLong, ErrSchedulesFull},
		{"too many VIPs", tooManyVIPs, nil},
	} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %t", c.name, restart), func(t *testing.T) {
				p.t = t
				p.renew(testTables())
				p.run(tcp("203.0.113.7:1", web, syn)) // by real server 1
				bad := p.want.clone()
				change(&bad)
				c.edit(&bad)
				if err := p.Apply(bad); err == nil || c.is != nil && !errors.Is(err, c.is) {
					t.Fatalf("Apply says %v, want %v", err, c.is)
				}
				if restart {
					p.forget()
				}
				must(t, p.Apply(p.want))
				p.expectTables(p.want)
				p.expect(tcp("203.0.113.7:2", web, syn), opened(2))
				p.expect(tcp("203.0.113.7:1", web, ack), kept(1))
				p.change(change)
				p.expectTables(p.want)
			})
		}
	}
}

func tooManyOfABucket(want *Tables) {
	bucket := func(key ServiceKey) uint32 {
		raw, _ := encodeKey(key) // of IPv4, which has no error
		return serviceHash(raw)
	}
	for _, key := range randomServices(100_000) {
		if bucket(key) == bucket(tcpService(free)) {
			want.Services[key] = Service{}
		}
	}
}

func schedulesTooLong(want *Tables) {
	for _, key := range portsOf("192.168.100.223", 1, 130) {
		want.Services[key] = Service{Schedule: slices.Repeat([]RealID{5}, MaxSchedule)}
	}
}

func tooManyVIPs(want *Tables) {
	for n := range MaxVIPs + 1 {
		want.VIPs[netip.AddrFrom4([4]byte{10, 9, byte(n >> 8), byte(n)})] = VIP{Gate: webGate}
	}
}

// TestManyServicesAreApplied is about what is written; how long it takes is for the benchmark to say.
func TestManyServicesAreApplied(t *testing.T) {
	const services, reals = 1000, 50
	p := newPlane(t, Options{Sizes: Sizes{Flows: 1, Flows6: 1, Reals: services * reals}})
	want := NewTables()
	for n, key := range portsOf("192.168.100.223", 1000, services) {
		service := Service{Gate: AlwaysOpen}
		for r := range reals {
			id := RealID(1 + n*reals + r)
			want.Reals.Set(id, newReal(id, key))
			service.Schedule = append(service.Schedule, id)
		}
		want.Services[key] = service
	}
	p.renew(want)
	p.expectTables(want)
	before := p.Written()
	must(t, p.Apply(want))
	if n := p.Written() - before; n != 0 {
		t.Errorf("the same once more writes %d entries", n)
	}
	for key, service := range want.Services {
		if got := p.realOf(opening(key)); got != service.Schedule[0] {
			t.Fatalf("a connection to %s goes to real server %d, want %d", key, got, service.Schedule[0])
		}
	}
	before = p.Written()
	p.change(func(want *Tables) { // a machine that is a real server of every service goes down
		for n := range services {
			want.Reals[1+n*reals].State = RealDown
		}
	})
	if n := p.Written() - before; n != services {
		t.Errorf("%d real servers that go down make %d writes", services, n)
	}
}
