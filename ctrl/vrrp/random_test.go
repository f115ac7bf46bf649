package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// TestSimulation disturbs random groups at random: daemons that are killed,
// stopped, stalled and started again, links that go down, hosts cut off in either
// direction, packets lost and overtaken, partitions. Then it makes the network
// calm and asks for what an election is for. The network itself watches for two
// masters all the while.
func TestSimulation(t *testing.T) {
	seeds := uint64(700)
	if testing.Short() {
		seeds = 50
	}
	nopreempt := func(i int, s *Settings) { s.Preempt = i%2 == 1 }
	for _, test := range []struct {
		name   string
		lans   int
		change func(*Settings)
		member func(i int, s *Settings)
		loss   float64
	}{
		{"version 2, a second", 1, nil, nil, 0},
		{"version 2, a second, nopreempt", 1, nil, nopreempt, 0},
		{"version 2, a second, a third of the packets is lost", 1, nil, nil, 0.33},
		{"version 3, a second", 1, both(v3, every(time.Second)), nil, 0},
		{"version 3, 100 ms", 1, v3, nil, 0},
		{"version 3, 10 ms", 1, both(v3, every(10*time.Millisecond)), nil, 0},
		{"version 3, 10 ms, nopreempt", 1, both(v3, every(10*time.Millisecond)), nopreempt, 0},
		{"version 3, 10 ms, a third of the packets is lost", 1, both(v3, every(10*time.Millisecond)), nil, 0.33},
		{"version 3 over IPv6", 1, v6, nil, 0},
		{"version 3, every member another interval", 1, v3, func(i int, s *Settings) {
			s.AdvertInterval = time.Duration(1+3*i) * 30 * time.Millisecond
		}, 0},
		{"sync groups on two LANs, version 2", 2, nil, nil, 0},
		{"sync groups on two LANs, version 3", 2, v3, nil, 0},
		{"sync groups on two LANs, version 3, nopreempt", 2, v3, nopreempt, 0},
		{"sync groups on three LANs, version 3, a third of the packets is lost", 3, v3, nil, 0.33},
	} {
		t.Run(test.name, func(t *testing.T) {
			for seed := range seeds {
				var settings [][]Settings
				for lan := range test.lans {
					settings = append(settings, randomMembers(seed, lan, test.change, test.member))
				}
				l := newNetwork(t, seed, settings...)
				l.note("seed %d", seed)
				l.startAll()
				l.disturbForAWhile(test.loss)
				l.partition()
				l.checkComponents()
				l.repair()
				l.checkOutcome()
				l.checkForStorms()
			}
		})
	}
}

// randomMembers are two to five; equal priorities are common.
func randomMembers(seed uint64, lan int, change func(*Settings), member func(int, *Settings)) []Settings {
	var settings []Settings
	for i := range 2 + int(seed%4) {
		s := testSettings(change)
		s.Priority = uint8(10 + (seed/7+uint64(i)*(seed%5))%6)
		source := fmt.Sprintf("192.168.%d.%d", 100+lan, 211+i)
		if s.IPv6() {
			source = fmt.Sprintf("fe80::%d:%d", 100+lan, 211+i)
		}
		s.SourceAddress = netip.MustParseAddr(source)
		if member != nil {
			member(i, &s)
		}
		settings = append(settings, s)
	}
	return settings
}

func (l *network) disturbForAWhile(loss float64) {
	l.loss, l.jitter = loss, loss > 0
	for range 15 {
		l.run(l.upTo(4 * l.interval))
		l.disturbRandomly()
	}
}

func (l *network) disturbRandomly() {
	h := l.hosts[l.rng.IntN(len(l.hosts))]
	lan := l.rng.IntN(len(h.ports))
	p := h.ports[lan]
	switch l.rng.IntN(10) {
	case 0:
		l.kill(h)
	case 1:
		l.stop(h)
	case 2:
		l.start(h)
	case 3:
		l.setLink(h, lan, p.noLink)
	case 4:
		l.cut(h)
	case 5:
		p.deaf = true
		l.disturb()
	case 6:
		p.mute = true
		l.disturb()
	case 7:
		l.heal(h)
	case 8:
		if h.hung {
			l.wake(h)
		} else {
			l.hang(h)
		}
	case 9:
		p.side = l.rng.IntN(2)
		l.disturb()
	}
}

// calm makes every daemon and every link run.
func (l *network) calm() {
	l.loss, l.jitter = 0, false
	for _, h := range l.hosts {
		l.heal(h)
		for lan, p := range h.ports {
			if p.noLink {
				l.setLink(h, lan, true)
			}
		}
		if h.hung {
			l.wake(h)
		}
		l.start(h)
	}
}

// partition cuts the calm network in two, in most seeds the same way on every
// LAN. Then each side has a master within the bound of the RFC, which counts from
// the last advert that a backup hears: a packet that others have overtaken may
// bring one for an interval after the network has become calm.
func (l *network) partition() {
	bound := l.bound()
	if l.jitter {
		bound += l.interval
	}
	l.calm()
	same := l.rng.IntN(4) > 0
	for _, h := range l.hosts {
		side := l.rng.IntN(2)
		for _, p := range h.ports {
			if !same {
				side = l.rng.IntN(2)
			}
			p.side = side
		}
	}
	l.note("partition, the same on every LAN: %v", same)
	l.disturb()
	l.runUntil(bound, "a master on each side of every LAN", func() bool {
		return !slices.ContainsFunc(l.components(), func(c component) bool { return c.whole && c.masters == 0 })
	})
	l.run(l.settling())
}

// settling is enough for every election: a whole wait, a second one for those
// that lost the first, an exchange, and a second for put off announcements.
func (l *network) settling() time.Duration { return 2*l.bound() + 2*l.exchange() + time.Second }

// component is a side of a LAN with somebody on it.
type component struct {
	lan, side int
	masters   int
	whole     bool // the sides are the same on every LAN: no sync group is torn apart
}

func (l *network) components() []component {
	whole := !slices.ContainsFunc(l.hosts, func(h *host) bool {
		return slices.ContainsFunc(h.ports, func(p *port) bool { return p.side != h.ports[0].side })
	})
	var out []component
	for lan := range l.lans {
		for side := range 2 {
			inside := func(h *host) bool { return h.ports[lan].side == side }
			if !slices.ContainsFunc(l.hosts, inside) {
				continue
			}
			c := component{lan: lan, side: side, whole: whole}
			for _, h := range l.masters(lan) {
				if inside(h) {
					c.masters++
				}
			}
			out = append(out, c)
		}
	}
	return out
}

// checkComponents asks for at most one master in each component, and for one
// where all machines of a host are in the same.
func (l *network) checkComponents() {
	l.t.Helper()
	for _, c := range l.components() {
		if c.masters > 1 || c.whole && c.masters == 0 {
			l.fail("%d masters on side %d of LAN %d", c.masters, c.side, c.lan)
		}
	}
}

// repair ends the partition. The neighbors had time to notice if the host that
// they believe in does not answer; then they will ask.
func (l *network) repair() {
	for i := range l.lans {
		h := l.lans[i].neighbor
		if h != nil && (h.ports[i].m.State() != Master || h.ports[i].side != 0) {
			l.lans[i].neighbor = nil
		}
		l.note("repair, the neighbor on LAN %d believes %s", i, nameOf(l.lans[i].neighbor))
	}
	for _, h := range l.hosts {
		for _, p := range h.ports {
			p.side = 0
		}
	}
	l.disturb()
	l.runUntil(l.bound(), "a master on every LAN", func() bool {
		for lan := range l.lans {
			if len(l.masters(lan)) == 0 {
				return false
			}
		}
		return true
	})
	l.run(l.settling())
}

// checkOutcome asks for one master, the same on every LAN, of the highest
// priority if it preempts, that alone holds the addresses, and for neighbors that
// do not believe in another.
func (l *network) checkOutcome() {
	l.t.Helper()
	for lan := range l.lans {
		masters := l.masters(lan)
		if len(masters) != 1 || masters[0] != l.masters(0)[0] {
			l.fail("%d masters on LAN %d", len(masters), lan)
		}
		master := masters[0]
		for _, h := range l.hosts {
			s := h.ports[lan].settings
			if s.preempts() && s.Priority > master.ports[lan].settings.Priority {
				l.fail("%s is master, %s has a higher priority", master.name, h.name)
			}
			if held := len(h.ports[lan].held) > 0; held != (h == master) {
				l.fail("%s is master, %s holds addresses: %v", master.name, h.name, held)
			}
		}
		if neighbor := l.lans[lan].neighbor; neighbor != master && neighbor != nil {
			l.fail("%s is master, the neighbor on LAN %d believes %s", master.name, lan, nameOf(neighbor))
		}
	}
}

// checkForStorms bounds what each host has sent: two adverts in an interval, for
// every one may be an answer, two announcements planned with each transition, two
// times eleven others a second, and both ends of a change.
func (l *network) checkForStorms() {
	l.t.Helper()
	for _, h := range l.hosts {
		for lan, p := range h.ports {
			adverts := 2*int(l.elapsed/p.settings.AdvertInterval) + 2*p.counts.transitions + 2
			if p.counts.adverts > adverts {
				l.fail("%s sent %d adverts on LAN %d, at most %d were expected", h.name, p.counts.adverts, lan, adverts)
			}
			announcements := 22*int(l.elapsed/time.Second+1) + 2*p.counts.transitions
			if p.counts.announcements > announcements {
				l.fail("%s announced %d times on LAN %d, at most %d were expected", h.name, p.counts.announcements, lan, announcements)
			}
		}
	}
}

func nameOf(h *host) string {
	if h == nil {
		return "nobody"
	}
	return h.name
}
