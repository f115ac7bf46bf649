package dataplane

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"drover/bpf"
)

// forget makes the next call read the maps.
func (p *plane) forget() { p.held = nil }

func (p *plane) expectTables(want Tables) {
	p.t.Helper()
	p.forget()
	got, err := p.Tables()
	must(p.t, err)
	if got, want := comparable(got), comparable(want); !reflect.DeepEqual(got, want) {
		p.t.Errorf("the maps hold\n  %+v, want\n  %+v", got, want)
	}
}

// comparable leaves out what means the same.
func comparable(t Tables) Tables {
	t = t.clone()
	for len(t.Reals) > 0 && t.Reals[len(t.Reals)-1] == (Real{}) {
		t.Reals = t.Reals[:len(t.Reals)-1]
	}
	t.Reals = slices.Clip(append(Reals{}, t.Reals...))
	for key, service := range t.Services {
		service.Schedule = append([]RealID{}, service.Schedule...)
		t.Services[key] = service
	}
	return t
}

// TestWhatIsAppliedIsReadBack goes from one set of tables to the next.
func TestWhatIsAppliedIsReadBack(t *testing.T) {
	p := newPlane(t, Options{})
	key, last := tcpService(web), RealID(255)
	turns := func(count int) Service {
		s := Service{Gate: webGate}
		for n := range count {
			s.Schedule = append(s.Schedule, RealID(1+n%2))
		}
		return s
	}
	for _, c := range []struct {
		name string
		edit func(*Tables)
	}{
		{"the same again", func(*Tables) {}},
		{"a schedule of one line", func(want *Tables) { want.Services[key] = turns(16) }},
		{"a schedule of one line and a turn", func(want *Tables) { want.Services[key] = turns(17) }},
		{"the longest schedule", func(want *Tables) { want.Services[key] = turns(MaxSchedule) }},
		{"an empty schedule", func(want *Tables) { want.Services[key] = turns(0) }},
		{"another gate", func(want *Tables) {
			want.Gates[200] = GateName{Interface: 3, VirtualRouterID: 255}
			want.Services[key] = Service{Gate: 200}
			want.VIPs[netip.MustParseAddr(vip)] = VIP{Gate: 200}
		}},
		{"another scheduler, and every flag", func(want *Tables) {
			want.Services[key] = Service{
				Gate: 200, Scheduler: ByHash, HashPort: true, Fallback: true, OnePacket: true, HasLocal: true,
				Persistence: 300 * time.Second, PersistencePrefix: 24, Schedule: []RealID{2, 1},
			}
		}},
		{"no flag", func(want *Tables) { want.Services[key] = Service{Gate: 200, Scheduler: Overflow} }},
		{"a real server without MAC", func(want *Tables) {
			want.Reals[2] = Real{Service: key, Address: want.Reals[2].Address, State: RealAbsent}
		}},
		{"a real server that is down", func(want *Tables) { want.Reals[1].MAC, want.Reals[1].State = realMAC(9), RealDown }},
		{"weight and thresholds", func(want *Tables) {
			want.Reals[1].Weight, want.Reals[1].Upper, want.Reals[1].Lower = 65535, 1<<32-1, 1<<31
		}},
		{"a port, and a real server behind it", func(want *Tables) {
			want.Ports[PortID(MaxPorts-1)] = Port{Interface: 1, MAC: routerMAC, MTU: 9000}
			want.Reals[1].Port = PortID(MaxPorts - 1)
		}},
		{"another port", func(want *Tables) { want.Ports[PortID(MaxPorts-1)] = Port{Interface: 1, MAC: ownMAC, MTU: 1500} }},
		{"this host as a real server, and its peer", func(want *Tables) {
			want.Reals[1].Port, want.Reals[1].MAC = PortLocal, MAC{}
			want.Peers[Peer{Service: key, MAC: routerMAC}] = true
		}},
		{"the last real server", func(want *Tables) {
			want.Reals.Set(last, newReal(last, key))
			want.Services[key] = Service{Gate: 200, Schedule: []RealID{last}}
		}},
		{"services of IPv6", func(want *Tables) { families[1].addTo(want, 5) }},
		{"persistence of IPv6", func(want *Tables) {
			want.Services[tcpService(families[1].web)] = Service{
				Gate: webGate, Persistence: time.Minute, PersistencePrefix: 65, Schedule: []RealID{6},
			}
		}},
		{"all ports of a VIP", func(want *Tables) {
			want.Services[tcpService(vip+":0")] = Service{Gate: 200, Schedule: []RealID{last}}
		}},
		{"a service less", func(want *Tables) {
			delete(want.Services, udpService(dns))
			want.Reals[3], want.Reals[4] = Real{}, Real{}
		}},
		{"a peer and a port less", func(want *Tables) {
			clear(want.Peers)
			clear(want.Ports)
			want.Reals[1] = Real{}
		}},
		{"a gate less", func(want *Tables) { delete(want.Gates, webGate) }},
		{"a VIP less", func(want *Tables) { delete(want.VIPs, netip.MustParseAddr(freeVIP)) }},
		{"nothing", func(want *Tables) { *want = NewTables() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.t = t
			p.change(c.edit)
			p.expectTables(p.want)
			before := p.Written()
			must(t, p.Apply(p.want))
			if n := p.Written() - before; n != 0 {
				t.Errorf("the same once more writes %d entries", n)
			}
		})
	}
}

func TestApplyTakesAsManyVIPsAsItSays(t *testing.T) {
	p := newPlane(t, Options{})
	p.change(func(want *Tables) {
		for n := range MaxVIPs - len(want.VIPs) {
			want.VIPs[netip.AddrFrom4([4]byte{10, 9, byte(n >> 8), byte(n)})] = VIP{Gate: webGate}
		}
	})
	p.expectTables(p.want)
	p.want.VIPs[netip.MustParseAddr("10.200.0.0")] = VIP{Gate: webGate}
	if err := p.Apply(p.want); err == nil {
		t.Errorf("it takes %d", len(p.want.VIPs))
	}
}

// TestApplyTouchesOnlyWhatDiffers marks entries in the maps and applies a difference that does not concern them.
func TestApplyTouchesOnlyWhatDiffers(t *testing.T) {
	p := newPlane(t, Options{})
	mark := bpf.DroverReal{Mac: [6]uint8{1, 2, 3, 4, 5, 6}, State: bpf.DroverRealStateREAL_UP}
	must(t, p.objects.Reals.Put(uint32(2), mark))
	dnsID := uint32(p.held.ids[udpService(dns)])
	must(t, p.objects.Services.Put(dnsID, bpf.DroverService{Gate: 99}))
	at := encodeVIP(netip.MustParseAddr(vip))
	must(t, p.objects.Vips.Put(at, bpf.DroverVip{Gate: 99}))

	p.setState(1, RealDown)
	p.setSchedule(tcpService(web), 2)

	var real bpf.DroverReal
	must(t, p.objects.Reals.Lookup(uint32(2), &real))
	var service bpf.DroverService
	must(t, p.objects.Services.Lookup(dnsID, &service))
	var its bpf.DroverVip
	must(t, p.objects.Vips.Lookup(at, &its))
	if real != mark || service.Gate != 99 || its.Gate != 99 {
		t.Errorf("it wrote real server 2 as %+v, the name service as %+v, its VIP as %+v", real, service, its)
	}
}

// TestAChangeIsAFewWrites states what a change costs.
func TestAChangeIsAFewWrites(t *testing.T) {
	p := newPlane(t, Options{})
	for _, c := range []struct {
		name string
		edit func(*Tables)
		want uint64
	}{
		{"a MAC", func(want *Tables) { want.Reals[1].MAC = realMAC(77) }, 1},
		{"a state", func(want *Tables) { want.Reals[1].State = RealDown }, 1},
		{"a weight", func(want *Tables) { want.Reals[1].Weight = 7 }, 1},
		{"a threshold", func(want *Tables) { want.Reals[1].Upper = 7 }, 1},
		{"a schedule of one line", func(want *Tables) {
			want.Services[tcpService(web)] = Service{Gate: webGate, Schedule: []RealID{2, 1}}
		}, 2},
		{"a scheduler", func(want *Tables) {
			want.Services[tcpService(web)] = Service{Gate: webGate, Scheduler: LeastDelay, Schedule: []RealID{2, 1}}
		}, 1},
		{"a real server of an id that nobody has had", func(want *Tables) { want.Reals.Set(200, newReal(200, tcpService(web))) }, 3},
		{"a real server of an id that another had", func(want *Tables) { want.Reals[200] = newReal(201, tcpService(web)) }, 5},
		{"a VIP", func(want *Tables) { want.VIPs[netip.MustParseAddr("192.0.2.1")] = VIP{Gate: webGate} }, 1},
		{"nothing", func(*Tables) {}, 0},
	} {
		before := p.Written()
		p.change(c.edit)
		if n := p.Written() - before; n != c.want {
			t.Errorf("%s makes %d writes, want %d", c.name, n, c.want)
		}
	}
}

func TestApplyLeavesTurnsFlowsGatesAndCounters(t *testing.T) {
	p := newPlane(t, Options{})
	p.expect(tcp("203.0.113.7:1", web, syn), opened(1))
	before := p.tally()
	p.change(func(want *Tables) {
		want.Reals.Set(6, newReal(6, tcpService(web)))
		want.Services[tcpService(web)] = Service{Gate: webGate, Schedule: []RealID{1, 2, 6}}
		want.Services[tcpService(vip+":81")] = Service{Gate: webGate, Schedule: []RealID{1}}
	})
	if after := p.tally(); !reflect.DeepEqual(after, before) {
		t.Errorf("the counters stand at %v, want %v", after, before)
	}
	p.expect(tcp("203.0.113.7:1", web, ack), kept(1))
	p.expect(tcp("203.0.113.7:2", web, syn), opened(2))
	p.expect(tcp("203.0.113.7:3", web, syn), opened(6))
}

func TestApplySeesTablesThatTheCallerChangedInPlace(t *testing.T) {
	p := newPlane(t, Options{})
	p.want.Reals[2].MAC = realMAC(1)
	p.want.VIPs[netip.MustParseAddr("192.0.2.1")] = VIP{Gate: webGate}
	must(t, p.Apply(p.want))
	p.expectTables(p.want)
	for _, scheduler := range []Scheduler{ByTurns, ByHash} {
		schedule := slices.Repeat([]RealID{1, 2}, 20)
		p.want.Services[tcpService(web)] = Service{Gate: webGate, Scheduler: scheduler, Schedule: schedule}
		must(t, p.Apply(p.want))
		schedule[0], schedule[33] = 2, 1
		must(t, p.Apply(p.want))
		p.expectTables(p.want)
	}
}

// TestApplyRefuses has the tables that cannot be, and what is said of them.
func TestApplyRefuses(t *testing.T) {
	p := newPlane(t, Options{})
	key := tcpService(web)
	for _, c := range []struct {
		name string
		edit func(*Tables)
		full bool
		say  []string
	}{
		{"an address that is neither IPv4 nor IPv6", func(want *Tables) {
			want.Services[tcpService("[::ffff:192.0.2.1]:80")] = Service{}
		}, false, []string{"192.0.2.1", "IPv6"}},
		{"a schedule that is too long", func(want *Tables) {
			want.Services[key] = Service{Gate: webGate, Schedule: make([]RealID, MaxSchedule+1)}
		}, true, []string{web, "8193", "8192"}},
		{"a schedule that is too long to be searched", func(want *Tables) {
			want.Services[key] = Service{Gate: webGate, Scheduler: LeastWeighted, Schedule: make([]RealID, MaxSearched+1)}
		}, true, []string{web, "1025", "1024"}},
		{"a real server id too high", func(want *Tables) { want.Reals.Set(256, newReal(1, key)) }, true, []string{"256", "255"}},
		{"a real server id of none", func(want *Tables) { want.Reals[0] = newReal(1, key) }, false, []string{web, "id 0"}},
		{"a real server of no service", func(want *Tables) { want.Reals.Set(9, newReal(9, tcpService(vip+":81"))) }, false,
			[]string{vip + ":81", "192.168.101.9"}},
		{"a gate id too high", func(want *Tables) { want.Gates[GateID(MaxGates)] = GateName{1, 1} }, true,
			[]string{"gate 256"}},
		{"a name for the gate that is always open", func(want *Tables) { want.Gates[AlwaysOpen] = GateName{1, 1} }, false,
			[]string{"gate 0"}},
		{"a port too high", func(want *Tables) { want.Ports[PortID(MaxPorts)] = Port{} }, true, []string{"port 64", "63"}},
		{"a port without interface", func(want *Tables) { want.Ports[1] = Port{Interface: 9999, MTU: 1500} }, false,
			[]string{"port 1", "9999"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := p.want.clone()
			c.edit(&bad)
			err := p.Apply(bad)
			if err == nil {
				t.Fatal("it is applied")
			}
			if errors.Is(err, ErrTablesFull) != c.full {
				t.Errorf("it says %v, which is ErrTablesFull: %t", err, !c.full)
			}
			for _, word := range c.say {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("it says %q, want a word of %q", err, word)
				}
			}
		})
	}
	must(t, p.Apply(p.want))
	p.expectTables(p.want)
	p.expect(tcp(client, web, syn), opened(1))
}
