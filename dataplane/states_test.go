package dataplane

import (
	"maps"
	"testing"
	"time"
)

// Loads of one connection.
var (
	active   = map[RealID]Load{1: {Active: 1}}
	inactive = map[RealID]Load{1: {Inactive: 1}}
)

// TestTheStateOfAFlowFollowsItsSegments has the segments of one connection, and as what it counts in the end.
func TestTheStateOfAFlowFollowsItsSegments(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		for _, c := range []struct {
			name     string
			segments []byte
			want     FlowState
			load     map[RealID]Load
		}{
			{"a SYN is embryonic", []byte{syn}, FlowEmbryonic, active},
			{"a second SYN is still embryonic", []byte{syn, syn}, FlowEmbryonic, active},
			{"the client's ACK establishes", []byte{syn, ack}, FlowEstablished, active},
			{"data establishes", []byte{syn, psh | ack}, FlowEstablished, active},
			{"FIN closes", []byte{syn, ack, fin | ack}, FlowClosing, inactive},
			{"FIN closes what was not established", []byte{syn, fin | ack}, FlowClosing, inactive},
			{"RST resets", []byte{syn, ack, rst}, FlowReset, inactive},
			{"RST resets what closes", []byte{syn, ack, fin | ack, rst}, FlowReset, inactive},
			{"RST leaves what was not established", []byte{syn, rst}, FlowEmbryonic, active},
			{"FIN after RST does not make it longer", []byte{syn, ack, rst, fin | ack}, FlowReset, inactive},
			{"an ACK after FIN does not establish", []byte{syn, ack, fin | ack, ack}, FlowClosing, inactive},
			{"an ACK after RST does not establish", []byte{syn, ack, rst, ack}, FlowReset, inactive},
			{"a SYN in between does not undo established", []byte{syn, ack, syn}, FlowEstablished, active},
		} {
			t := p.t
			t.Run(c.name, func(t *testing.T) {
				p := *p
				p.t = t
				p.renew(f.tables())
				p.send(f, 1, c.segments...)
				if got := p.onlyState(f); got != c.want {
					t.Errorf("the flow is %s, want %s", got, c.want)
				}
				if got := p.counted(); !maps.Equal(got, c.load) {
					t.Errorf("the real servers bear %v, want %v", got, c.load)
				}
			})
		}
	})
}

func TestASYNAfterTheEndCountsTheNextConnection(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		for _, flags := range []byte{syn, ack, fin | ack} {
			p.expect(f.segment(1, flags), map[bool]outcome{true: opened(1), false: kept(1)}[flags == syn])
		}
		p.expect(f.syn(1), opened(2))
		if got, want := p.counted(), (map[RealID]Load{2: {Active: 1}}); !maps.Equal(got, want) {
			t.Errorf("the real servers bear %v, want %v", got, want)
		}
	})
}

func TestDatagramsAreInactive(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.expect(f.datagram(1), opened(3))
		p.expect(f.datagram(1), kept(3))
		if got, want := p.counted(), (map[RealID]Load{3: {Inactive: 1}}); !maps.Equal(got, want) || p.onlyState(f) != FlowUDP {
			t.Errorf("the real servers bear %v, want %v", got, want)
		}
	})
}

// bring makes the flow of a client have a state.
var bring = map[FlowState]func(p *plane, f family, n int){
	FlowEmbryonic:   func(p *plane, f family, n int) { p.send(f, n, syn) },
	FlowEstablished: func(p *plane, f family, n int) { p.send(f, n, syn, ack) },
	FlowClosing:     func(p *plane, f family, n int) { p.send(f, n, syn, ack, fin|ack) },
	FlowReset:       func(p *plane, f family, n int) { p.send(f, n, syn, ack, rst) },
	FlowUDP:         func(p *plane, f family, n int) { p.run(f.datagram(n)) },
}

// send sends segments of a client with these flags.
func (p *plane) send(f family, n int, segments ...byte) {
	p.t.Helper()
	for _, flags := range segments {
		p.run(f.segment(n, flags))
	}
}

// TestEachStateHasATimeout looks shortly before it and shortly after, by default and as SetTimeouts says.
func TestEachStateHasATimeout(t *testing.T) {
	shorter := Timeouts{
		Embryonic: 7 * time.Second, Established: 8 * time.Second, Closing: 9 * time.Second, Reset: 5 * time.Second,
		UDP: 6 * time.Second,
	}
	inEither(t, Sizes{}, func(p *plane, f family) {
		t := p.t
		for _, timeouts := range []Timeouts{{}, shorter, DefaultTimeouts} {
			must(t, p.SetTimeouts(timeouts))
			in := timeouts.withDefaults()
			for state, timeout := range map[FlowState]time.Duration{
				FlowEmbryonic: in.Embryonic, FlowEstablished: in.Established, FlowClosing: in.Closing, FlowReset: in.Reset,
				FlowUDP: in.UDP,
			} {
				p.wipe()
				bring[state](p, f, 1)
				if got := p.onlyState(f); got != state {
					t.Fatalf("the flow is %s, want %s", got, state)
				}
				const margin = time.Second
				p.idle(timeout - margin)
				p.sweep()
				if got := p.onlyState(f); got != state {
					t.Errorf("%v before its timeout of %v a flow that was %s is %s", margin, timeout, state, got)
				}
				p.expectTrueLoads()
				p.age(2 * margin)
				p.sweep()
				if got := p.onlyState(f); got != FlowExpired || len(p.counted()) != 0 {
					t.Errorf("%v after its timeout of %v a flow that was %s is %s, and %v are counted", margin, timeout, state,
						got, p.counted())
				}
			}
		}
	})
}

func TestTimeoutsSetAtRunTimeHoldForFlowsThatAreThere(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.expect(f.syn(1), opened(1))
		p.expect(f.ack(1), kept(1))
		p.idle(30 * time.Second)
		p.expect(f.syn(1), kept(1))
		p.idle(30 * time.Second)
		must(p.t, p.SetTimeouts(Timeouts{Established: 20 * time.Second}))
		if p.sweep(); len(p.counted()) != 0 {
			p.t.Errorf("after the timeout was made shorter %v are counted", p.counted())
		}
		p.expect(f.syn(1), opened(2))
		written := p.Written()
		must(p.t, p.SetTimeouts(Timeouts{Established: 20 * time.Second}))
		if p.Written() != written {
			p.t.Error("the same timeouts are written again")
		}
	})
}

func TestAPacketKeepsItsFlowAlive(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.expect(f.syn(1), opened(1))
		for _, flags := range []byte{ack, psh | ack, syn, ack, fin | ack, ack} {
			p.age(50 * time.Second)
			p.expect(f.segment(1, flags), kept(1))
		}
		p.expect(f.datagram(2), opened(3))
		for range 3 {
			p.age(200 * time.Second)
			p.expect(f.datagram(2), kept(3))
		}
		p.age(DefaultTimeouts.UDP + time.Second)
		p.sweep()
		p.expect(f.datagram(2), opened(4))
	})
}

// TestASYNSentAgainDoesNotKeepAFlowAlive: else a client that nobody answers would never be scheduled to another server.
func TestASYNSentAgainDoesNotKeepAFlowAlive(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.setState(2, RealDown) // the only other one
		p.expect(f.syn(1), opened(1))
		p.age(40 * time.Second)
		p.run(f.syn(1))
		p.age(40 * time.Second)
		p.sweep()
		if got := p.onlyState(f); got != FlowExpired {
			p.t.Errorf("80 s after the first SYN and 40 s after the last the flow is %s", got)
		}
	})
}

// TestExpiredFlows has what packets make of flows that Sweep has marked.
func TestExpiredFlows(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.expect(f.syn(1), opened(1))
		p.expect(f.ack(1), kept(1))
		p.expect(f.datagram(2), opened(3))
		p.idle(time.Hour)
		swept := p.sweep()
		if table := map[string]FlowTable{"IPv4": swept.IPv4, "IPv6": swept.IPv6}[f.name]; table.Live() != 0 ||
			table.Flows[FlowExpired] != 2 {
			p.t.Errorf("the sweep finds %+v, want two that have expired", table)
		}
		p.expect(f.ack(1), kept(1)) // the connection was only quiet
		if got := p.counted(); !maps.Equal(got, active) {
			p.t.Errorf("after one has come back the real servers bear %v, want %v", got, active)
		}
		p.expect(f.datagram(2), opened(4))
		p.idle(time.Hour)
		p.sweep()
		p.expect(f.syn(1), opened(2))
		p.expectTrueLoads()
	})
}
