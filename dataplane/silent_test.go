package dataplane

import (
	"testing"
	"time"

	"drover/bpf"
)

// answeredAt says when a client last completed a handshake with a real server, in jiffies.
func (p *plane) answeredAt(id RealID, jiffies uint64) {
	p.t.Helper()
	var load bpf.DroverRealLoad
	must(p.t, p.objects.RealLoads.Lookup(uint32(id), &load))
	load.Answered = jiffies
	must(p.t, p.objects.RealLoads.Put(uint32(id), load))
}

// answeredAgo makes it that long since a client completed a handshake with real server 1.
func (p *plane) answeredAgo(ago time.Duration) {
	p.t.Helper()
	p.answeredAt(1, p.now().now-toJiffies(ago, p.hz))
}

// TestASYNToASilentServer is about a client that sends its SYN again.
func TestASYNToASilentServer(t *testing.T) {
	cases := []struct {
		name  string
		since time.Duration // the first SYN
		given func(*plane, family)
		want  outcome
	}{
		{"after a second it goes to another server", time.Second, nil, rescheduled(2)},
		{"after half a second it stays: the network may be slow", 500 * time.Millisecond, nil, kept(1)},
		{"it stays when another client was answered since", time.Second,
			func(p *plane, _ family) { p.answeredAgo(500 * time.Millisecond) }, kept(1)},
		{"an answer before the first SYN proves nothing", time.Second,
			func(p *plane, _ family) { p.answeredAgo(2 * time.Second) }, rescheduled(2)},
		{"it stays when no other server is up", time.Second,
			func(p *plane, _ family) { p.setState(2, RealDown) }, kept(1)},
		{"it stays when no other server is scheduled", time.Second,
			func(p *plane, f family) { p.setSchedule(tcpService(f.web), 1) }, kept(1)},
	}
	inEither(t, Sizes{}, func(p *plane, f family) {
		for _, c := range cases {
			p.t.Run(c.name, func(t *testing.T) {
				p := *p
				p.t = t
				p.renew(f.tables())
				p.expect(f.syn(1), opened(1))
				p.age(c.since)
				if c.given != nil {
					c.given(&p, f)
				}
				p.expect(f.syn(1), c.want)
				if c.want.verdict == ForwardRescheduled { // and the new server has its second, too
					p.expect(f.syn(1), kept(c.want.real))
				}
				p.expect(f.ack(1), kept(c.want.real))
				p.expectTrueLoads()
			})
		}
	})
}

func TestAHandshakeIsNoted(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.answeredAgo(time.Hour)
		p.expect(f.syn(1), opened(1))
		p.expect(f.syn(2), opened(2))
		p.age(time.Second)
		p.expect(f.syn(3), opened(1))
		p.expect(f.ack(3), kept(1)) // it answers, so the others wait for it
		p.expect(f.syn(1), kept(1))
		p.expect(f.syn(2), rescheduled(1))
	})
}

// TestEverySchedulerAvoidsASilentServer, even the one that would take it again.
func TestEverySchedulerAvoidsASilentServer(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		for _, scheduler := range []Scheduler{
			ByTurns, ByTwo, LeastConnections, LeastWeighted, LeastDelay, NeverQueue, First, Overflow,
		} {
			p.farm(f, scheduler, turns(0, 1), 10, 10)
			first := p.realOf(f.syn(1))
			p.age(time.Second)
			p.expect(f.syn(1), rescheduled(3-first))
			p.expectTrueLoads()
		}
		for _, fallback := range []bool{false, true} { // a hash has no other server without sh-fallback
			p.clearHandshakes()
			p.farm(f, ByHash, hashTable, 1, 1, 1)
			p.reschedule(f, func(s *Service) { s.Fallback = fallback })
			first := p.realOf(f.syn(1))
			p.age(time.Second)
			if got := p.realOf(f.syn(1)); (got == first) == fallback {
				p.t.Errorf("with fallback %t it went to %d and then to %d", fallback, first, got)
			}
		}
	})
}

// clearHandshakes has no handshake counted.
func (p *plane) clearHandshakes() {
	p.t.Helper()
	for id := range p.objects.Handshakes.MaxEntries() {
		must(p.t, p.objects.Handshakes.Put(id, bpf.DroverHandshakes{}))
	}
}

// TestAHandshakeBegunBeforeProvesNothing: the answer to it may have been the last before the server died.
func TestAHandshakeBegunBeforeProvesNothing(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.setSchedule(tcpService(f.web), 1)
		p.expect(f.syn(1), opened(1))
		p.age(100 * time.Millisecond)
		p.expect(f.syn(2), opened(1))
		p.expect(f.ack(1), kept(1))
		p.setSchedule(tcpService(f.web), 1, 2)
		p.age(time.Second)
		p.expect(f.syn(2), rescheduled(2))
	})
}

// TestASYNThatWasUnansweredGoesToAServerThatAnswers, and not to another that may be dead as well.
func TestASYNThatWasUnansweredGoesToAServerThatAnswers(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		for name, scheduler := range map[string]Scheduler{
			"by turns": ByTurns, "by two": ByTwo, "least connections": LeastConnections, "by hash": ByHash, "first": First,
		} {
			p.farm(f, scheduler, turns(0, 1, 2, 3, 4, 5), 1, 1, 1, 1, 1, 1)
			p.reschedule(f, func(s *Service) { s.Fallback = true })
			for n := range 6 {
				p.answeredAt(farmID(n), 0)
			}
			first := p.realOf(f.syn(1))
			alive := farmID(5)
			if first == alive {
				alive = farmID(4)
			}
			p.age(time.Second)
			p.answeredAt(alive, p.now().now)
			if got := p.realOf(f.syn(1)); got != alive {
				p.t.Errorf("%s: the SYN goes to %d, then to %d, want %d, which answers", name, first, got, alive)
			}
		}
	})
}

// TestAPortThatIsUsedAgainLeavesASilentServer: the new connection has its second, too.
func TestAPortThatIsUsedAgainLeavesASilentServer(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		for _, end := range []byte{ack | fin, rst} {
			p.renew(f.tables())
			p.expect(f.syn(1), opened(1))
			p.expect(f.ack(1), kept(1))
			p.expect(f.segment(1, end), kept(1))
			p.age(time.Second)
			p.expect(f.syn(1), opened(2))
			p.expect(f.syn(1), kept(2))
			p.age(time.Second)
			p.expect(f.syn(1), rescheduled(1))
			p.expectTrueLoads()
		}
	})
}

// TestAHashLeavesAServerThatManyWaitFor even without sh-fallback: that so many SYNs were lost is not to be believed.
func TestAHashLeavesAServerThatManyWaitFor(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.clearHandshakes()
		p.farm(f, ByHash, hashTable, 1, 1, 1)
		first := p.realOf(f.syn(1))
		for n, waiting := 2, 1; waiting < 3; n++ {
			p.age(time.Second)
			if again := p.realOf(f.syn(1)); again != first {
				p.t.Fatalf("with %d waiting the SYN goes to %d, then to %d", waiting, first, again)
			}
			if p.realOf(f.syn(n)) == first {
				waiting++
			}
		}
		p.age(time.Second)
		if again := p.realOf(f.syn(1)); again == first {
			p.t.Errorf("with three waiting the SYN stays at %d", first)
		}
	})
}

func TestAPersistentClientLeavesASilentServer(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.persist(f, f.bits())
		p.expect(f.inNet(1, 1, 1, syn), opened(1))
		p.age(time.Second)
		p.expect(f.inNet(1, 1, 1, syn), rescheduled(2))
		p.expect(f.inNet(1, 1, 2, syn), opened(2))
	})
}
