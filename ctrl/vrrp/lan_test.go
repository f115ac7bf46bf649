package vrrp

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// A lan is a simulated network: hosts with a machine each, a switch that may
// delay, lose and cut, and one neighbor that believes gratuitous ARP. Time is
// a number; nothing sleeps. The same seed gives the same run.

const (
	maxDelay    = 2 * time.Millisecond  // of a packet on the LAN
	maxLateness = 20 * time.Millisecond // of a Tick
	// An advert exchange: the next regular advert of one master reaches the
	// other. Two masters on a whole LAN must not last longer.
	exchange = time.Second + 2*maxDelay + 2*maxLateness
)

type lan struct {
	t       *testing.T
	rng     *rand.Rand
	elapsed time.Duration
	queue   occurrences
	hosts   []*host

	loss     float64 // probability that a packet to one receiver is lost
	neighbor *host   // who the neighbor believes has the virtual addresses

	disturbed   time.Duration // when the LAN or a host last was not whole
	doubleSince time.Duration
	double      bool
	history     []string
}

// host is a balancer. Its machine dies with its daemon, its addresses do not.
type host struct {
	name     string
	settings Settings
	m        *Machine // nil: the daemon does not run
	inbox    []Datagram
	hung     bool
	deaf     bool // nothing reaches it, its carrier stays
	mute     bool // nothing leaves it, its carrier stays
	noLink   bool
	held     []netip.Addr
	lease    time.Duration // end of the last lease
}

func newLAN(t *testing.T, seed uint64, settings ...Settings) *lan {
	l := &lan{t: t, rng: rand.New(rand.NewPCG(seed, 1))}
	for _, s := range settings {
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		h := &host{settings: s, name: tails([]netip.Addr{s.SourceAddress})}
		l.hosts = append(l.hosts, h)
	}
	return l
}

// start boots the daemon; inside its lease it adopts.
func (l *lan) start(h *host) {
	if h.m != nil {
		return
	}
	h.m = NewMachine(h.settings, l.now())
	h.inbox, h.hung = nil, false
	l.tellLink(h)
	if l.elapsed < h.lease {
		l.tell(h, Adopt{})
		return
	}
	l.tell(h, Start{})
}

func (l *lan) startAll() {
	for _, h := range l.hosts {
		l.start(h)
	}
}

// kill ends the daemon without a word.
func (l *lan) kill(h *host) {
	h.m, h.inbox, h.hung = nil, nil, false
	l.note("%s killed", h.name)
	l.disturb()
}

// stop ends the daemon cleanly.
func (l *lan) stop(h *host) {
	if h.m != nil && !h.hung {
		l.tell(h, Stop{})
		h.m, h.lease = nil, 0
		l.disturb()
	}
}

func (l *lan) setLink(h *host, up bool) {
	h.noLink = !up
	l.disturb()
	l.tellLink(h)
}

func (l *lan) tellLink(h *host) {
	switch {
	case h.m == nil || h.hung:
	case h.noLink:
		l.tell(h, LinkDown{Reason: "no carrier"})
	default:
		l.tell(h, LinkUp{})
	}
}

// cut separates a host silently; heal ends that.
func (l *lan) cut(h *host) {
	h.deaf, h.mute = true, true
	l.note("%s cut", h.name)
	l.disturb()
}

func (l *lan) heal(h *host) {
	h.deaf, h.mute = false, false
	l.note("%s healed", h.name)
	l.disturb()
}

// hang stops the daemon's execution; datagrams pile up until it wakes.
func (l *lan) hang(h *host) {
	h.hung = h.m != nil
	l.disturb()
}

func (l *lan) wake(h *host) {
	h.hung = false
	l.disturb()
	l.tellLink(h)
	l.pump(h)
}

func (l *lan) disturb() { l.disturbed = l.elapsed }

func (l *lan) now() time.Time { return epoch.Add(l.elapsed) }

// pump lets a daemon run: first what was received, then what is due.
func (l *lan) pump(h *host) {
	for h.m != nil && !h.hung && len(h.inbox) > 0 {
		d := h.inbox[0]
		h.inbox = h.inbox[1:]
		l.tell(h, Received{Datagram: d})
	}
	if h.m == nil || h.hung {
		return
	}
	if deadline := h.m.Deadline(); !deadline.IsZero() && !l.now().Before(deadline) {
		l.tell(h, Tick{})
	}
}

// tell handles one event, does the actions and sets the alarm.
func (l *lan) tell(h *host, ev Event) {
	before := h.m.State()
	actions := h.m.Handle(l.now(), ev)
	checkInvariants(l.t, h.m, before, l.now(), actions)
	for _, a := range actions {
		l.carryOut(h, a)
	}
	if deadline := h.m.Deadline(); !deadline.IsZero() {
		l.at(deadline.Sub(epoch)+l.upTo(maxLateness), func() { l.pump(h) })
	}
	l.checkMasters()
}

func (l *lan) carryOut(h *host, a Action) {
	switch a := a.(type) {
	case SendAdvert:
		if a.Lease > 0 {
			h.lease = l.elapsed + a.Lease
		}
		l.multicast(h, a.Advert)
	case AddAddresses:
		for _, addr := range a.Addresses {
			if !slices.Contains(h.held, addr) {
				h.held = append(h.held, addr)
			}
		}
	case RemoveAddresses:
		h.held = without(h.held, a.Addresses)
	case Announce:
		if !h.mute && !h.noLink && !l.lost() {
			l.at(l.elapsed+l.upTo(maxDelay), func() { l.neighbor = h })
		}
	case Transition:
		l.note("%s %v to %v: %s", h.name, a.From, a.To, a.Reason)
	case Drop:
		l.t.Errorf("%s dropped an advert of %v: %s %s", h.name, a.Source, a.Reason, a.Detail)
	}
}

func (l *lan) multicast(from *host, a Advert) {
	payload, err := a.Marshal()
	if err != nil {
		l.t.Fatalf("%s: %v", from.name, err)
	}
	if from.mute || from.noLink {
		return
	}
	for _, to := range l.hosts {
		if to == from || l.lost() {
			continue
		}
		l.at(l.elapsed+l.upTo(maxDelay), func() {
			if to.m != nil && !to.deaf && !to.noLink {
				to.inbox = append(to.inbox, Datagram{Source: from.settings.SourceAddress, TTL: 255, Payload: payload})
				l.pump(to)
			}
		})
	}
}

// masters are the hosts that run as MASTER.
func (l *lan) masters() []*host {
	var out []*host
	for _, h := range l.hosts {
		if h.m != nil && !h.hung && h.m.State() == Master {
			out = append(out, h)
		}
	}
	return out
}

// whole tells that nothing stands between the hosts.
func (l *lan) whole() bool {
	return l.loss == 0 && !slices.ContainsFunc(l.hosts, func(h *host) bool { return h.deaf || h.mute || h.hung })
}

// checkMasters fails when two masters outlast an advert exchange on a LAN that
// is whole.
func (l *lan) checkMasters() {
	if double := len(l.masters()) > 1; double != l.double {
		l.double, l.doubleSince = double, l.elapsed
	}
	if l.double && l.whole() && l.elapsed-max(l.doubleSince, l.disturbed) > exchange {
		l.fail("two masters for longer than an advert exchange")
	}
}

// run lets the given time pass.
func (l *lan) run(d time.Duration) {
	until := l.elapsed + d
	for len(l.queue) > 0 && l.queue[0].at <= until {
		next := heap.Pop(&l.queue).(occurrence)
		l.elapsed = next.at
		next.do()
		l.checkMasters()
	}
	l.elapsed = until
	l.checkMasters()
}

// runUntil lets time pass until the condition holds and returns how long that
// took; it fails after the limit.
func (l *lan) runUntil(limit time.Duration, what string, condition func() bool) time.Duration {
	l.t.Helper()
	began := l.elapsed
	for !condition() {
		if len(l.queue) == 0 || l.queue[0].at > began+limit {
			l.fail(fmt.Sprintf("not within %v: %s", limit, what))
		}
		l.run(l.queue[0].at - l.elapsed)
	}
	return l.elapsed - began
}

func (l *lan) note(format string, args ...any) {
	l.history = append(l.history, fmt.Sprintf("%10v  ", l.elapsed)+fmt.Sprintf(format, args...))
}

func (l *lan) fail(what string) {
	l.t.Helper()
	for _, line := range l.history[max(0, len(l.history)-30):] {
		l.t.Log(line)
	}
	l.t.Fatalf("at %v: %s", l.elapsed, what)
}

func (l *lan) lost() bool { return l.loss > 0 && l.rng.Float64() < l.loss }

func (l *lan) upTo(d time.Duration) time.Duration { return time.Duration(l.rng.Int64N(int64(d) + 1)) }

func (l *lan) at(when time.Duration, do func()) {
	heap.Push(&l.queue, occurrence{at: max(when, l.elapsed), order: l.rng.Uint64(), do: do})
}

// occurrences is a heap by time; what happens at the same time has a random order.
type occurrences []occurrence

type occurrence struct {
	at    time.Duration
	order uint64
	do    func()
}

func (q occurrences) Len() int { return len(q) }
func (q occurrences) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q occurrences) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *occurrences) Push(x any)   { *q = append(*q, x.(occurrence)) }
func (q *occurrences) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
