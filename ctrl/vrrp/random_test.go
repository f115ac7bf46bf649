package vrrp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// TestRandomSchedules disturbs random groups at random, makes the LAN whole
// again and asks for what an election is for. The lan itself watches for
// double masters all the while.
func TestRandomSchedules(t *testing.T) {
	runs := uint64(1000)
	if testing.Short() {
		runs = 200
	}
	for _, test := range []struct {
		name    string
		preempt bool
		loss    float64
	}{
		{"no packet is lost", true, 0},
		{"no packet is lost, nopreempt", false, 0},
		{"a third of the packets is lost", true, 0.33},
	} {
		t.Run(test.name, func(t *testing.T) {
			for seed := range runs {
				l := newLAN(t, seed, randomGroup(seed, test.preempt)...)
				l.startAll()
				l.loss = test.loss
				for range 15 {
					l.run(l.upTo(4 * time.Second))
					l.disturbRandomly()
				}
				l.repair()
				l.run(10 * time.Second)
				l.checkOutcome(seed, test.preempt, test.loss > 0)
			}
		})
	}
}

// randomGroup has two to five members; equal priorities are common.
func randomGroup(seed uint64, preempt bool) []Settings {
	members := 2 + int(seed%4)
	var settings []Settings
	for i := range members {
		priority := uint8(10 + (seed/7+uint64(i)*(seed%5))%6)
		s := tutorialSettings(priority, fmt.Sprintf("192.168.100.%d", 211+i))
		if s.StartState = Backup; !preempt && i%2 == 0 {
			s.Preempt = false
		}
		settings = append(settings, s)
	}
	return settings
}

func (l *lan) disturbRandomly() {
	h := l.hosts[l.rng.IntN(len(l.hosts))]
	switch l.rng.IntN(9) {
	case 0:
		l.kill(h)
	case 1:
		l.stop(h)
	case 2:
		l.start(h)
	case 3:
		l.setLink(h, h.noLink)
	case 4:
		l.cut(h)
	case 5:
		h.deaf = true
		l.disturb()
	case 6:
		h.mute = true
		l.disturb()
	case 7:
		l.heal(h)
	case 8:
		if h.hung {
			l.wake(h)
		} else {
			l.hang(h)
		}
	}
}

// repair makes the LAN whole and every daemon run. The neighbor had time to
// notice if the host that it believes in does not answer; then it will ask.
func (l *lan) repair() {
	l.note("repair, the neighbor believes %s", nameOf(l.neighbor))
	if h := l.neighbor; h != nil && (h.m == nil || h.m.State() != Master || h.hung || h.deaf || h.mute || h.noLink) {
		l.neighbor = nil
	}
	l.loss = 0
	for _, h := range l.hosts {
		l.heal(h)
		if h.noLink {
			l.setLink(h, true)
		}
		if h.hung {
			l.wake(h)
		}
		l.start(h)
	}
}

// checkOutcome asks for one master, of the highest priority if all preempt,
// that alone holds the addresses, and for a neighbor that does not believe in
// another. A lost packet may be the one that told it, so then it is not asked.
func (l *lan) checkOutcome(seed uint64, preempt, lossy bool) {
	l.t.Helper()
	masters := l.masters()
	if len(masters) != 1 {
		l.fail(fmt.Sprintf("seed %d: %d masters", seed, len(masters)))
	}
	master := masters[0]
	for _, h := range l.hosts {
		if preempt && h.settings.Priority > master.settings.Priority {
			l.fail(fmt.Sprintf("seed %d: %s is master, %s has a higher priority", seed, master.name, h.name))
		}
		if held := len(h.held) > 0; held != (h == master) {
			l.fail(fmt.Sprintf("seed %d: %s is master, %s holds addresses: %v", seed, master.name, h.name, held))
		}
	}
	if !lossy && l.neighbor != master && l.neighbor != nil {
		l.fail(fmt.Sprintf("seed %d: %s is master, the neighbor believes %s", seed, master.name, nameOf(l.neighbor)))
	}
}

func nameOf(h *host) string {
	if h == nil {
		return "nobody"
	}
	return tails([]netip.Addr{h.settings.SourceAddress})
}
