package dataplane

import (
	"errors"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"drover/bpf"
)

// Sizes of flow tables before and after.
var (
	small  = Sizes{Flows: 1, Flows6: 1, Reals: 255}
	larger = Sizes{Flows: 20_000, Flows6: 20_000, Reals: 255}
)

// crowd is connections, and which real server each has.
type crowd struct {
	f      family
	served map[int]RealID
}

// openCrowd opens and establishes connections, of both families.
func (p *plane) openCrowd(connections int) []crowd {
	p.t.Helper()
	var both []crowd
	for _, f := range families {
		c := crowd{f, make(map[int]RealID)}
		for n := range connections {
			c.served[n] = p.realOf(f.syn(n))
			p.run(f.ack(n))
		}
		both = append(both, c)
	}
	return both
}

// expectKept sends a segment of each connection [from, to).
func (p *plane) expectKept(crowds []crowd, from, to int) {
	p.t.Helper()
	before, err := p.Verdicts()
	must(p.t, err)
	for _, c := range crowds {
		for n := from; n < to; n++ {
			if got := p.realOf(c.f.ack(n)); got != c.served[n] {
				p.t.Fatalf("%s connection %d went from %d to %d", c.f.name, n, c.served[n], got)
			}
		}
	}
	after, err := p.Verdicts()
	must(p.t, err)
	if n := after[ForwardFlow] - before[ForwardFlow]; n != uint64(len(crowds)*(to-from)) {
		p.t.Errorf("of %d segments %d had a flow", len(crowds)*(to-from), n)
	}
}

// grow gives the tables other sizes, and makes the program anew as Grow does where it is attached.
func (p *plane) grow(sizes Sizes) {
	p.t.Helper()
	must(p.t, p.Grow(sizes))
	p.load()
}

// tidy has everything moved, and lets the old tables go.
func (p *plane) tidy() {
	p.t.Helper()
	p.sweep()
	must(p.t, p.Tidy())
	if p.Moving() {
		p.t.Error("after a sweep and a tidying flows are still moving")
	}
	if _, err := os.Stat(filepath.Join(p.dir, bpf.DroverMapOldFlows)); !errors.Is(err, os.ErrNotExist) {
		p.t.Errorf("the old table is still pinned: %v", err)
	}
	p.load()
}

const crowded = 200

// TestGrowKeepsEveryFlow has packets come before, while and after the flows move, into a larger table and a smaller one.
func TestGrowKeepsEveryFlow(t *testing.T) {
	for name, sizes := range map[string][2]Sizes{"larger": {small, larger}, "smaller": {larger, small}} {
		t.Run(name, func(t *testing.T) {
			p := newPlaneOfBoth(t, Options{Sizes: sizes[0]})
			crowds, loads := p.openCrowd(crowded), p.counted()
			capacity := p.objects.Flows.MaxEntries()
			p.grow(sizes[1])
			if p.objects.Flows.MaxEntries() == capacity || !p.Moving() {
				t.Fatal("the table has its old size")
			}
			p.expectKept(crowds, 0, crowded/2)
			must(t, p.Tidy()) // too early: nothing happens
			if !p.Moving() {
				t.Fatal("the old table was let go while it had flows")
			}
			p.expectKept(crowds, 0, crowded*3/4)
			p.tidy()
			p.expectKept(crowds, 0, crowded)
			if got := p.counted(); !maps.Equal(got, loads) {
				t.Errorf("the loads are %v, want %v as before", got, loads)
			}
			p.expectTrueLoads()
			for table, n := range map[string]int{"IPv4": len(p.stored()), "IPv6": len(p.stored6())} {
				if n != crowded {
					t.Errorf("the %s table holds %d flows, want %d", table, n, crowded)
				}
			}
		})
	}
}

// inEachAlone runs a test of growing in both worlds, on planes of their own.
func inEachAlone(t *testing.T, test func(*plane, family)) {
	t.Helper()
	requireRoot(t)
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			p := newPlane(t, Options{Sizes: small})
			p.renew(f.tables())
			test(p, f)
		})
	}
}

// TestFlowsKeepTheirStateAndTimeWhenTheyMove: those that were idle go on being so.
func TestFlowsKeepTheirStateAndTimeWhenTheyMove(t *testing.T) {
	inEachAlone(t, func(p *plane, f family) {
		n := 0
		for _, into := range bring {
			n++
			into(p, f, n)
			p.age(time.Second)
		}
		was := p.storedIn(p.flows(f))
		p.grow(larger)
		p.tidy()
		is := p.storedIn(p.flows(f))
		for key, flow := range is {
			if flow.state != was[key].state || flow.seen != was[key].seen || flow.real != was[key].real {
				p.t.Errorf("the flow %+v is now %+v", was[key], flow)
			}
		}
		if len(is) != len(bring) {
			p.t.Errorf("%d flows are in the table, want %d", len(is), len(bring))
		}
		p.expectTrueLoads()
	})
}

// TestPacketsMoveTheirFlowsThemselves: whatever comes first finds its flow in the old table.
func TestPacketsMoveTheirFlowsThemselves(t *testing.T) {
	inEachAlone(t, func(p *plane, f family) {
		p.expect(f.syn(1), opened(1))
		p.age(time.Second / 10) // real server 1 answers a later client, so it is not silent, however long it takes to grow
		p.expect(f.syn(2), opened(2))
		p.expect(f.ack(2), kept(2))
		p.expect(f.syn(3), opened(1))
		p.expect(f.ack(3), kept(1))
		p.expect(f.datagram(1), opened(3))
		p.grow(larger)
		p.expect(f.syn(1), kept(1))
		p.expect(f.segment(2, fin|ack), kept(2))
		p.expect(f.segment(3, rst), kept(1))
		p.expect(f.datagram(1), kept(3))
		p.expectTrueLoads()
		p.expect(f.syn(9), opened(2)) // a new one is in neither
		p.tidy()
		p.expectTrueLoads()
	})
}

// TestFlowsThatShareAKeyMoveOneByOne has one of two clients that a key cannot tell apart move its flow before the other.
func TestFlowsThatShareAKeyMoveOneByOne(t *testing.T) {
	p, f := newPlane(t, Options{Sizes: small}), families[1]
	p.want = f.tables()
	must(t, p.Apply(p.want))
	client := netip.MustParseAddrPort(f.client)
	clients := []string{f.client, twin(client, planeSeed).String()}
	for n, from := range clients {
		p.expect(tcp(from, f.web, syn), opened(RealID(n+1)))
		p.expect(tcp(from, f.web, ack), kept(RealID(n+1)))
	}
	p.grow(larger)
	for _, n := range []int{1, 0, 1, 0} {
		p.expect(tcp(clients[n], f.web, ack), kept(RealID(n+1)))
	}
	p.tidy()
	for n, from := range clients {
		p.expect(tcp(from, f.web, ack), kept(RealID(n+1)))
	}
}

func TestAPersistentClientIsRememberedWhileItsFlowMoves(t *testing.T) {
	inEachAlone(t, func(p *plane, f family) {
		p.persist(f, f.bits())
		p.expect(f.inNet(1, 1, 1, syn), opened(1))
		p.expect(f.inNet(1, 1, 1, ack), kept(1))
		p.grow(larger)
		p.expect(f.inNet(1, 1, 2, syn), opened(1))
		p.expect(f.inNet(1, 1, 3, syn), opened(1))
		p.tidy()
		p.expect(f.inNet(1, 1, 4, syn), opened(1))
		p.expectTrueLoads()
	})
}

func TestAFlowThatFindsNoPlaceInASmallerTableIsNotCounted(t *testing.T) {
	const connections = 3000 // the small table has 1024 slots
	p := newPlaneOfBoth(t, Options{Sizes: larger})
	p.openCrowd(connections)
	p.grow(small)
	p.sweep()
	p.expectTrueLoads()
	for table, n := range map[string]int{"IPv4": len(p.stored()), "IPv6": len(p.stored6())} {
		if slots := int(p.objects.Flows.MaxEntries()) * slotsPerSet; n != slots {
			t.Errorf("the %s table holds %d flows, want %d", table, n, slots)
		}
	}
	must(t, p.Tidy())
	p.expectTrueLoads()
}

// TestARestartWhileFlowsMove opens the tables in the middle, as small as they were, as large as they are to be, or larger.
func TestARestartWhileFlowsMove(t *testing.T) {
	requireRoot(t)
	for name, sizes := range map[string]Sizes{
		"small": small, "larger": larger, "another": {Flows: 5000, Flows6: 40_000, Reals: 300},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlaneOfBoth(t, Options{Sizes: small})
			crowds, loads := p.openCrowd(crowded), p.counted()
			p.grow(larger)
			p.expectKept(crowds, 0, crowded/2)
			p = p.reopen(Options{Sizes: sizes})
			if !p.Adopted() || !p.Moving() {
				t.Fatalf("adopted: %t, moving: %t, want both", p.Adopted(), p.Moving())
			}
			p.expectKept(crowds, 0, crowded*3/4)
			p.tidy()
			p.expectKept(crowds, 0, crowded)
			must(t, p.Apply(p.want))
			if got := p.counted(); !maps.Equal(got, loads) {
				t.Errorf("the loads are %v, want %v as before", got, loads)
			}
			p.expectTrueLoads()
		})
	}
}

// TestADeathBetweenTwoPins leaves a table that was renamed, and none in its place.
func TestADeathBetweenTwoPins(t *testing.T) {
	p := newPlaneOfBoth(t, Options{Sizes: small})
	crowds := p.openCrowd(crowded)
	must(t, rename(filepath.Join(p.dir, bpf.DroverMapFlows), filepath.Join(p.dir, bpf.DroverMapOldFlows)))
	p = p.reopen(Options{Sizes: larger})
	p.expectKept(crowds, 0, crowded/2)
	p.tidy()
	p.expectKept(crowds, 0, crowded)
	p.expectTrueLoads()
}

// TestOpenMovesFlowsToTablesOfOtherSizes is a new configuration at a restart.
func TestOpenMovesFlowsToTablesOfOtherSizes(t *testing.T) {
	p := newPlaneOfBoth(t, Options{Sizes: small})
	crowds, traffic := p.openCrowd(crowded), p.tally()
	p = p.reopen(Options{Sizes: Sizes{Flows: 20_000, Flows6: 10_000, Reals: 1000}})
	if !p.Adopted() {
		t.Error("it does not take over what is pinned")
	}
	if got := p.tally(); !maps.Equal(got.Verdicts, traffic.Verdicts) || !maps.Equal(got.Reals, traffic.Reals) {
		t.Errorf("the counters stand at %v, want %v", got, traffic)
	}
	p.expectKept(crowds, 0, crowded/2)
	p.tidy()
	p.expectKept(crowds, 0, crowded)
	p.expectTables(p.want)
	before := p.Written()
	must(t, p.Apply(p.want))
	if n := p.Written() - before; n != 0 {
		t.Errorf("the same tables once more are %d writes", n)
	}
}

// TestMoreRealServers grows the tables of real servers and nothing else.
func TestMoreRealServers(t *testing.T) {
	p := newPlaneOfBoth(t, Options{Sizes: small})
	crowds, traffic, loads := p.openCrowd(crowded), p.tally(), p.counted()
	want := p.want.clone()
	want.Reals.Set(1000, newReal(1000, tcpService(web)))
	want.Services[tcpService(web)] = Service{Gate: webGate, Schedule: []RealID{1000}}
	if err := p.Apply(want); !errors.Is(err, ErrTablesFull) {
		t.Errorf("before it says %v, want ErrTablesFull", err)
	}
	p.grow(Sizes{Flows: 1, Flows6: 1, Reals: 1000})
	if p.Moving() {
		t.Error("flows are moving")
	}
	if got := p.tally(); !maps.Equal(got.Verdicts, traffic.Verdicts) || !maps.Equal(got.Reals, traffic.Reals) {
		t.Errorf("the counters stand at %v, want %v", got, traffic)
	}
	if got := p.counted(); !maps.Equal(got, loads) {
		t.Errorf("the loads are %v, want %v", got, loads)
	}
	p.want = want
	must(t, p.Apply(want))
	p.expectTables(want)
	p.expectKept(crowds, 0, crowded)
	p.expect(families[0].syn(9999), opened(1000))
	p.expectTrueLoads()
}

// TestLongerSchedules grows their table, with schedules in force.
func TestLongerSchedules(t *testing.T) {
	p := newPlane(t, Options{Sizes: Sizes{Flows: 1, Flows6: 1, Reals: 255, Schedules: 256}})
	want := p.want.clone()
	want.Services[tcpService(web)] = Service{Gate: webGate, Schedule: slices.Repeat([]RealID{2, 1}, 200)}
	if err := p.Apply(want); !errors.Is(err, ErrSchedulesFull) {
		t.Errorf("before it says %v, want ErrSchedulesFull", err)
	}
	must(t, p.Apply(p.want))
	p.grow(Sizes{Flows: 1, Flows6: 1, Reals: 255, Schedules: 1000})
	p.expectTables(p.want)
	p.expect(tcp("203.0.113.7:1", web, syn), opened(1))
	p.want = want
	must(t, p.Apply(want))
	p.expectTables(want)
	p.expect(tcp("203.0.113.7:2", web, syn), opened(1)) // the second turn
	p.expect(tcp("203.0.113.7:3", web, syn), opened(2))
}

// TestGrowToWhatIsThereDoesNothing: programs and maps stay as they are.
func TestGrowToWhatIsThereDoesNothing(t *testing.T) {
	for _, sizes := range []Sizes{small, larger, {Flows: 1000, Flows6: 77_777, Reals: 300}} {
		p := openPlane(t, Options{Sizes: sizes})
		_, err := p.Tables()
		must(t, err)
		for _, same := range []Sizes{sizes, {Flows: sizes.Flows, Flows6: sizes.Flows6, Reals: 10}} {
			maps, held := p.objects.DroverMaps, p.held
			must(t, p.Grow(same))
			if p.objects.DroverMaps != maps || p.held != held {
				t.Errorf("growing from %+v to %+v opens the maps anew", sizes, same)
			}
		}
	}
}

func TestGrowRefusesWhatNoTableCanHold(t *testing.T) {
	p := openPlane(t, Options{})
	if err := p.Grow(Sizes{Flows: 1, Reals: MaxReals + 1}); !errors.Is(err, ErrTablesFull) {
		t.Errorf("it says %v, want ErrTablesFull", err)
	}
}
