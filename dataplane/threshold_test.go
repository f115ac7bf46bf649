package dataplane

import (
	"net/netip"
	"testing"
	"time"
)

// limit gives real server 1 of the web service thresholds.
func (p *plane) limit(upper, lower uint32) {
	p.t.Helper()
	p.change(func(want *Tables) { want.Reals[1].Upper, want.Reals[1].Lower = upper, lower })
}

// only has the schedule of the web service name real server 1 and no other.
func (p *plane) only(f family) {
	p.t.Helper()
	p.setSchedule(tcpService(f.web), 1)
}

func (p *plane) expectOverloaded(want bool) {
	p.t.Helper()
	if load, err := p.Load(1); err != nil || load.Overloaded != want {
		p.t.Errorf("real server 1 bears %+v, %v, want overloaded: %t", load, err, want)
	}
}

// end has the connections of clients [from, to) expire.
func (p *plane) end(f family, from, to int) {
	p.t.Helper()
	for n := from; n < to; n++ {
		p.ageFlow(p.flowKey(f.nth(n), tcpService(f.web)), time.Hour)
	}
	p.sweep()
}

// TestAServerTakesAsManyConnectionsAsItMay: closing ones count, too.
func TestAServerTakesAsManyConnectionsAsItMay(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.limit(4, 0)
		p.only(f)
		for n := range 4 {
			p.expectOverloaded(false)
			p.expect(f.syn(n), opened(1))
		}
		p.expectOverloaded(true)
		p.expect(f.syn(4), ends(PassNoReal))
		p.expect(f.ack(0), kept(1))
		p.expect(f.segment(0, fin|ack), kept(1))
		p.expect(f.syn(4), ends(PassNoReal))
		p.setSchedule(tcpService(f.web), 1, 2)
		for n := range 4 {
			p.expect(f.syn(10+n), opened(2))
		}
	})
}

// TestAServerTakesConnectionsAgain below the lower threshold, or three quarters of the upper.
func TestAServerTakesConnectionsAgain(t *testing.T) {
	p := newPlane(t, Options{})
	f := families[0]
	for _, c := range []struct {
		name         string
		upper, lower uint32
		open         int // connections at which it takes new ones again
	}{
		{"three quarters of 4 are 3: below", 4, 0, 2},
		{"three quarters of 10 are 7.5: below", 10, 0, 7},
		{"of 1 it must have none", 1, 0, 0},
		{"below a lower threshold of 2", 8, 2, 1},
		{"below a lower threshold as high as the upper", 8, 8, 7},
		{"a lower threshold of 1 wants none", 4, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.t = t
			p.renew(testTables())
			p.only(f)
			p.limit(c.upper, c.lower)
			for n := range int(c.upper) {
				p.expect(f.syn(n), opened(1))
			}
			ended := int(c.upper) - c.open
			p.end(f, 0, ended-1)
			p.expectOverloaded(true)
			p.expect(f.syn(1000), ends(PassNoReal))
			p.end(f, ended-1, ended)
			p.expectOverloaded(false)
			p.expect(f.syn(1000), opened(1))
		})
	}
}

// TestThresholdsMayChange while a server is overloaded. As in IPVS a higher limit counts at once.
func TestThresholdsMayChange(t *testing.T) {
	p := newPlane(t, Options{})
	f := families[0]
	for name, raise := range map[string]uint32{"to a higher one": 5, "to none": 0} {
		t.Run(name, func(t *testing.T) {
			p.t = t
			p.renew(testTables())
			p.only(f)
			p.limit(2, 0)
			p.expect(f.syn(1), opened(1))
			p.expect(f.syn(2), opened(1))
			p.expect(f.syn(3), ends(PassNoReal))
			p.limit(raise, 0)
			p.expectOverloaded(false)
			for n := range 3 {
				p.expect(f.syn(10+n), opened(1))
			}
			p.expectOverloaded(raise != 0)
		})
	}
	t.Run("from none, with connections above it", func(t *testing.T) {
		p.t = t
		p.renew(testTables())
		p.only(f)
		for n := range 5 {
			p.expect(f.syn(n), opened(1))
		}
		p.limit(3, 0)
		p.run(f.syn(10)) // the next one shows it
		p.expectOverloaded(true)
		p.expect(f.syn(11), ends(PassNoReal))
	})
}

// TestAnOverloadedServerKeepsItsConnections, and lets a segment of an unknown one through, as any node would.
func TestAnOverloadedServerKeepsItsConnections(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.only(f)
		p.limit(1, 0)
		p.expect(f.syn(1), opened(1))
		p.expect(f.syn(1), kept(1))
		p.expect(f.ack(1), kept(1))
		p.expect(f.ack(2), untracked(1))
	})
}

func TestDatagramsCountForTheThreshold(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.change(func(want *Tables) { want.Reals[3].Upper = 1 })
		p.setSchedule(udpService(f.dns), 3)
		p.expect(f.datagram(1), opened(3))
		p.expect(udpFrom(f.nth(2), netip.MustParseAddrPort(f.dns)), ends(PassNoReal))
		p.expect(f.datagram(1), kept(3))
	})
}
