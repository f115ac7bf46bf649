package dataplane

import (
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// forget makes the next call read the maps.
func (p *plane) forget() { p.held = nil }

func (p *plane) expectTables(want Tables) {
	p.t.Helper()
	p.forget()
	got, err := p.Tables()
	must(p.t, err)
	if !reflect.DeepEqual(got, want) {
		p.t.Errorf("the maps hold\n  %+v, want\n  %+v", got, want)
	}
}

// TestWhatIsAppliedIsReadBack goes from one set of tables to the next.
func TestWhatIsAppliedIsReadBack(t *testing.T) {
	p := newPlane(t, Options{})
	turns := func(count int) (all []RealID) {
		for n := range count {
			all = append(all, RealID(1+n%2))
		}
		return all
	}
	for _, c := range []struct {
		name string
		edit func(Tables)
	}{
		{"the same again", func(Tables) {}},
		{"a schedule of one line", func(want Tables) { want.Services[tcpService(web)] = Service{webGate, turns(32)} }},
		{"a schedule of one line and a turn", func(want Tables) { want.Services[tcpService(web)] = Service{webGate, turns(33)} }},
		{"the longest schedule", func(want Tables) { want.Services[tcpService(web)] = Service{webGate, turns(MaxSchedule)} }},
		{"an empty schedule", func(want Tables) { want.Services[tcpService(web)] = Service{webGate, []RealID{}} }},
		{"another gate", func(want Tables) {
			want.Gates[200] = GateName{Interface: 3, VirtualRouterID: 255}
			want.Services[tcpService(web)] = Service{200, turns(2)}
			want.VIPs[netip.MustParseAddr(vip)] = 200
		}},
		{"a real server without MAC", func(want Tables) {
			want.Reals[2] = Real{Service: tcpService(web), Address: want.Reals[2].Address, State: RealAbsent}
		}},
		{"a real server that is down", func(want Tables) {
			want.Reals[1] = Real{tcpService(web), want.Reals[1].Address, realMAC(9), RealDown}
		}},
		{"the last real server", func(want Tables) {
			want.Reals[RealID(MaxReals)] = newReal(RealID(MaxReals), tcpService(web))
			want.Services[tcpService(web)] = Service{200, []RealID{RealID(MaxReals)}}
		}},
		{"a service less", func(want Tables) {
			delete(want.Services, udpService(dns))
			delete(want.Reals, 3)
			delete(want.Reals, 4)
		}},
		{"a gate less", func(want Tables) { delete(want.Gates, webGate) }},
		{"a VIP less", func(want Tables) { delete(want.VIPs, netip.MustParseAddr(freeVIP)) }},
		{"nothing", func(want Tables) {
			clear(want.Services)
			clear(want.Reals)
			clear(want.VIPs)
			clear(want.Gates)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.change(c.edit)
			p.expectTables(p.want)
		})
	}
}

func TestApplyTakesAsManyVIPsAsItSays(t *testing.T) {
	p := newPlane(t, Options{})
	p.change(func(want Tables) {
		for n := range MaxVIPs - len(want.VIPs) {
			want.VIPs[netip.AddrFrom4([4]byte{10, 9, byte(n >> 8), byte(n)})] = webGate
		}
	})
	p.expectTables(p.want)
	p.want.VIPs[netip.MustParseAddr("10.10.0.0")] = webGate
	if err := p.Apply(p.want); err == nil {
		t.Errorf("it takes %d", len(p.want.VIPs))
	}
}

// TestApplyTouchesOnlyWhatDiffers marks entries in the maps and applies a difference that does not concern them.
func TestApplyTouchesOnlyWhatDiffers(t *testing.T) {
	p := newPlane(t, Options{})
	mark := bpf.DroverReal{Mac: [6]uint8{1, 2, 3, 4, 5, 6}, State: uint16(RealUp)}
	must(t, p.objects.Reals.Put(uint32(2), mark))
	raw, err := encodeKey(udpService(dns))
	must(t, err)
	dnsID, _ := p.held.index.find(raw)
	must(t, p.objects.Services.Put(uint32(dnsID), bpf.DroverService{Gate: 99}))
	must(t, p.objects.Vips.Put(raw.Address, uint32(99)))

	p.setState(1, RealDown)
	p.setSchedule(tcpService(web), 2)

	var real bpf.DroverReal
	must(t, p.objects.Reals.Lookup(uint32(2), &real))
	var service bpf.DroverService
	must(t, p.objects.Services.Lookup(uint32(dnsID), &service))
	var gate uint32
	must(t, p.objects.Vips.Lookup(raw.Address, &gate))
	if real != mark || service.Gate != 99 || gate != 99 {
		t.Errorf("it wrote real server 2 as %+v, the name service as %+v, its VIP's gate as %d", real, service, gate)
	}
}

func TestApplyLeavesTurnsFlowsGatesAndCounters(t *testing.T) {
	p := newPlane(t, Options{})
	p.expect(tcp("203.0.113.7:1", web, syn), opened(1))
	before := p.tally()
	p.change(func(want Tables) {
		want.Reals[6] = newReal(6, tcpService(web))
		want.Services[tcpService(web)] = Service{webGate, []RealID{1, 2, 6}}
		want.Services[tcpService(vip+":81")] = Service{webGate, []RealID{1}}
		delete(want.Services, udpService(dns))
	})
	if after := p.tally(); !reflect.DeepEqual(after, before) {
		t.Errorf("the counters stand at %v, want %v", after, before)
	}
	p.expect(tcp("203.0.113.7:1", web, ack), kept(1))
	p.expect(tcp("203.0.113.7:2", web, syn), opened(2))
	p.expect(tcp("203.0.113.7:3", web, syn), opened(6))
}

func TestCountersStartAtZeroForWhatIsNew(t *testing.T) {
	p := newPlane(t, Options{})
	p.expect(tcp(client, free, syn), opened(5))
	p.setState(5, RealDown)
	p.setState(5, RealUp)
	if got, err := p.RealTraffic(5); err != nil || got.Packets != 1 {
		t.Errorf("after a change of state real server 5 counts %+v, %v, want its one packet", got, err)
	}
	p.change(func(want Tables) {
		real := want.Reals[5]
		real.Address = netip.MustParseAddrPort("192.168.100.99:443")
		want.Reals[5] = real
	})
	if got, err := p.RealTraffic(5); err != nil || got != (Traffic{}) {
		t.Errorf("another real server by the id counts %+v, %v, want nothing", got, err)
	}
	takeAway(p)
	if got, err := p.ServiceTraffic(tcpService(free)); err != nil || got != (Traffic{}) {
		t.Errorf("a service that is gone counts %+v, %v, want nothing", got, err)
	}
	p.change(func(want Tables) {
		want.Services[tcpService(free)] = Service{AlwaysOpen, []RealID{5}}
		want.Reals[5] = newReal(5, tcpService(free))
	})
	if got, err := p.ServiceTraffic(tcpService(free)); err != nil || got != (Traffic{}) {
		t.Errorf("a service that came back counts %+v, %v, want nothing", got, err)
	}
}

// TestApplyKeepsItsOrder stops Apply by a map that cannot be written and looks at what a packet would find.
func TestApplyKeepsItsOrder(t *testing.T) {
	requireRoot(t)
	addService := func(want Tables) {
		want.Reals[6] = newReal(6, tcpService(vip+":81"))
		want.Services[tcpService(vip+":81")] = Service{webGate, []RealID{6}}
	}
	newGate := func(want Tables) {
		want.Gates[9] = GateName{Interface: 2, VirtualRouterID: 9}
		want.Services[tcpService(web)] = Service{9, []RealID{1, 2}}
	}
	removeService := func(want Tables) {
		delete(want.Services, tcpService(free))
		delete(want.Reals, 5)
	}
	for _, c := range []struct {
		name   string
		frozen func(*plane) *ebpf.Map
		change func(Tables)
		frame  []byte
		want   outcome
	}{
		{"a real server comes before the service that uses it", func(p *plane) *ebpf.Map { return p.objects.Reals },
			addService, tcp(client, vip+":81", syn), ends(PassNoService)},
		{"a service comes before its place in the index", func(p *plane) *ebpf.Map { return p.objects.Services },
			addService, tcp(client, vip+":81", syn), ends(PassNoService)},
		{"a gate comes before the service that hangs on it", func(p *plane) *ebpf.Map { return p.objects.GateNames },
			newGate, tcp(client, web, syn), opened(1)},
		{"a service goes before its real servers", func(p *plane) *ebpf.Map { return p.objects.ServiceIndex },
			removeService, tcp(client, free, syn), opened(5)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlane(t, Options{})
			must(t, c.frozen(p).Freeze())
			changed := p.want.clone()
			c.change(changed)
			if err := p.Apply(changed); err == nil {
				t.Fatal("Apply went on")
			}
			p.expect(c.frame, c.want)
		})
	}
}

func TestAScheduleIsNotWrittenOverTheOneInForce(t *testing.T) {
	p := newPlane(t, Options{})
	must(t, p.objects.Services.Freeze()) // the new schedule can be written, but not pointed to
	changed := p.want.clone()
	changed.Services[tcpService(web)] = Service{webGate, []RealID{2, 2}}
	if err := p.Apply(changed); err == nil {
		t.Fatal("Apply went on")
	}
	p.expect(tcp(client, web, syn), opened(1))
}

func TestApplyOftenDoesNotUseTheScheduleTableUp(t *testing.T) {
	p := newPlane(t, Options{})
	for n := range int(scheduleLines)/128 + 10 {
		schedule := make([]RealID, MaxSchedule)
		for turn := range schedule {
			schedule[turn] = RealID(1 + n%2)
		}
		p.setSchedule(tcpService(web), schedule...)
	}
	p.expectTables(p.want)
}

func TestApplySeesWhatTheCallerChangedInPlace(t *testing.T) {
	p := newPlane(t, Options{})
	p.want.Services[tcpService(web)].Schedule[0] = 2
	copy(p.want.Reals[2].MAC, realMAC(1))
	must(t, p.Apply(p.want))
	p.expectTables(p.want)
}

// TestApplyRefuses has the tables that cannot be, and what is said of them.
func TestApplyRefuses(t *testing.T) {
	p := newPlane(t, Options{})
	for _, c := range []struct {
		name string
		edit func(Tables)
		say  []string
	}{
		{"a service on IPv6", func(want Tables) {
			want.Services[tcpService("[2001:db8::1]:80")] = Service{}
		}, []string{"[2001:db8::1]:80", "IPv4"}},
		{"a VIP of IPv6", func(want Tables) {
			want.VIPs[netip.MustParseAddr("2001:db8::1")] = webGate
		}, []string{"2001:db8::1", "IPv4"}},
		{"a real server on IPv6", func(want Tables) {
			want.Reals[9] = Real{Service: tcpService(web), Address: netip.MustParseAddrPort("[2001:db8::1]:80")}
		}, []string{"2001:db8::1", web, "IPv4"}},
		{"a real server that is up without MAC", func(want Tables) {
			want.Reals[1] = Real{Service: tcpService(web), Address: want.Reals[1].Address, State: RealUp}
		}, []string{web, "MAC"}},
		{"a MAC of eight bytes", func(want Tables) {
			want.Reals[1] = Real{tcpService(web), want.Reals[1].Address, make(net.HardwareAddr, 8), RealDown}
		}, []string{web, "MAC"}},
		{"a schedule that is too long", func(want Tables) {
			want.Services[tcpService(web)] = Service{webGate, make([]RealID, MaxSchedule+1)}
		}, []string{web, "4097", "4096"}},
		{"a real server id too high", func(want Tables) {
			want.Reals[RealID(MaxReals+1)] = newReal(1, tcpService(web))
		}, []string{web}},
		{"a gate id too high", func(want Tables) { want.Gates[GateID(MaxGates)] = GateName{1, 1} }, []string{"gate 256"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := p.want.clone()
			c.edit(bad)
			err := p.Apply(bad)
			if err == nil {
				t.Fatal("it is applied")
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

func TestApplyRepairsWhatIsLeftOfAFailure(t *testing.T) {
	p := newPlane(t, Options{})
	bad := p.want.clone()
	bad.Reals[6] = newReal(6, tcpService(web))
	bad.Services[tcpService(web)] = Service{webGate, make([]RealID, MaxSchedule+1)}
	if err := p.Apply(bad); err == nil {
		t.Fatal("a schedule that is too long is applied")
	}
	must(t, p.Apply(p.want))
	p.expectTables(p.want)
	must(t, p.OpenGate(webGate, time.Hour, 0))
	p.expect(tcp(client, web, syn), opened(1))
}
