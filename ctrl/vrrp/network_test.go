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

// A network is a simulation: hosts with one machine for each LAN, LANs that may
// delay, reorder, lose and cut, and on each LAN one neighbor that believes
// gratuitous ARP. Machines of one host are a sync group. Time is a number;
// nothing sleeps. The same seed gives the same run.
type network struct {
	t       *testing.T
	rng     *rand.Rand
	elapsed time.Duration
	queue   occurrences
	hosts   []*host
	lans    []lan

	interval time.Duration // the slowest of the hosts' advert intervals
	loss     float64       // probability that a packet to one receiver is lost
	jitter   bool          // some packets take so long that others overtake them

	disturbed time.Duration // when the network or a host last was not whole
	history   []string
}

// lan is one broadcast domain.
type lan struct {
	neighbor    *host // who the neighbor believes has the virtual addresses
	double      bool  // there are two masters
	doubleSince time.Duration
}

// host is a balancer. Its machines die with its daemon, its addresses do not.
type host struct {
	*port // on the first LAN
	ports []*port

	name  string
	group *Group // nil: the daemon does not run
	inbox []arrival
	hung  bool
}

// port is what a host has on one LAN.
type port struct {
	settings Settings
	m        *Machine
	side     int  // of a partition: only ports of one side reach each other
	deaf     bool // nothing reaches it, its carrier stays
	mute     bool // nothing leaves it, its carrier stays
	noLink   bool
	held     []netip.Addr
	lease    time.Duration // end of the last lease
	counts   counts
}

// counts is what a port has done in all the time.
type counts struct{ adverts, announcements, transitions int }

type arrival struct {
	lan      int
	datagram Datagram
}

// newNetwork has a host for each member of the virtual routers: settings[lan][host].
func newNetwork(t *testing.T, seed uint64, settings ...[]Settings) *network {
	l := &network{t: t, rng: rand.New(rand.NewPCG(seed, 1)), lans: make([]lan, len(settings))}
	for i := range settings[0] {
		h := &host{name: tails([]netip.Addr{settings[0][i].SourceAddress})}
		for lan := range settings {
			s := settings[lan][i]
			if err := s.Validate(); err != nil {
				t.Fatal(err)
			}
			h.ports = append(h.ports, &port{settings: s})
			l.interval = max(l.interval, s.AdvertInterval)
		}
		h.port = h.ports[0]
		l.hosts = append(l.hosts, h)
	}
	return l
}

// maxDelay is the longest that a packet takes without jitter.
func (l *network) maxDelay() time.Duration { return l.interval / 500 }

// maxLateness is that of a Tick.
func (l *network) maxLateness() time.Duration { return l.interval / 50 }

// slack is what delays may add to a time.
func (l *network) slack() time.Duration { return l.maxLateness() + 2*l.maxDelay() }

// exchange is an advert exchange: the next regular advert of one master reaches
// the other. Two masters on a whole LAN must not last longer.
func (l *network) exchange() time.Duration { return l.interval + 2*l.maxDelay() + 2*l.maxLateness() }

// bound is the longest Master_Down_Interval, with delays.
func (l *network) bound() time.Duration {
	skew := l.interval
	if l.hosts[0].settings.Version == version2 {
		skew = time.Second
	}
	return 3*l.interval + skew + l.slack()
}

// start boots the daemon; inside its lease it adopts.
func (l *network) start(h *host) {
	if h.group != nil {
		return
	}
	var machines []*Machine
	for _, p := range h.ports {
		p.m = NewMachine(p.settings, l.now())
		machines = append(machines, p.m)
	}
	h.group, h.inbox, h.hung = NewGroup(machines...), nil, false
	l.tellLinks(h)
	for lan, p := range h.ports {
		if l.elapsed < p.lease {
			l.tell(h, lan, Adopt{})
		} else {
			l.tell(h, lan, Start{})
		}
	}
}

func (l *network) startAll() {
	for _, h := range l.hosts {
		l.start(h)
	}
}

// kill ends the daemon without a word.
func (l *network) kill(h *host) {
	h.group, h.inbox, h.hung = nil, nil, false
	l.note("%s killed", h.name)
	l.disturb()
}

// stop ends the daemon cleanly.
func (l *network) stop(h *host) {
	if h.group == nil || h.hung {
		return
	}
	for lan := range h.ports {
		l.tell(h, lan, Stop{})
	}
	h.group = nil
	l.note("%s stopped", h.name)
	l.disturb()
}

func (l *network) setLink(h *host, lan int, up bool) {
	h.ports[lan].noLink = !up
	l.disturb()
	l.tellLinks(h)
}

func (l *network) tellLinks(h *host) {
	if h.group == nil || h.hung {
		return
	}
	for lan, p := range h.ports {
		if p.noLink {
			l.tell(h, lan, Fault{Reason: "no carrier"})
		} else {
			l.tell(h, lan, NoFault{})
		}
	}
}

// cut separates a host silently; heal ends that.
func (l *network) cut(h *host)  { l.setSilence(h, true) }
func (l *network) heal(h *host) { l.setSilence(h, false) }

func (l *network) setSilence(h *host, silent bool) {
	for _, p := range h.ports {
		p.deaf, p.mute = silent, silent
	}
	l.note("%s cut: %v", h.name, silent)
	l.disturb()
}

// hang stops the daemon's execution; datagrams pile up until it wakes.
func (l *network) hang(h *host) {
	h.hung = h.group != nil
	l.disturb()
}

func (l *network) wake(h *host) {
	h.hung = false
	l.disturb()
	l.tellLinks(h)
	l.pump(h)
}

func (l *network) disturb() { l.disturbed = l.elapsed }

func (l *network) now() time.Time { return epoch.Add(l.elapsed) }

// pump lets a daemon run: first what was received, then what is due.
func (l *network) pump(h *host) {
	for h.group != nil && !h.hung && len(h.inbox) > 0 {
		next := h.inbox[0]
		h.inbox = h.inbox[1:]
		l.tell(h, next.lan, Received{Datagram: next.datagram})
	}
	if h.group == nil || h.hung {
		return
	}
	if deadline := h.group.Deadline(); !deadline.IsZero() && !l.now().Before(deadline) {
		l.tell(h, 0, Tick{})
	}
}

// tell handles one event, does the actions and sets the alarm.
func (l *network) tell(h *host, lan int, ev Event) {
	before := make([]State, len(h.ports))
	each := make([][]Action, len(h.ports))
	for i, p := range h.ports {
		before[i] = p.m.State()
	}
	for _, a := range h.group.Handle(l.now(), lan, ev) {
		each[a.Member] = append(each[a.Member], a.Action)
		l.carryOut(h, a.Member, a.Action)
	}
	for i, p := range h.ports {
		checkInvariants(l.t, p.m, before[i], l.now(), each[i])
	}
	checkGroup(l.t, h.group)
	if deadline := h.group.Deadline(); !deadline.IsZero() {
		l.at(deadline.Sub(epoch)+l.upTo(l.maxLateness()), func() { l.pump(h) })
	}
	l.checkMasters()
}

func (l *network) carryOut(h *host, lan int, a Action) {
	p := h.ports[lan]
	switch a := a.(type) {
	case SendAdvert:
		if a.Lease > 0 {
			p.lease = l.elapsed + a.Lease
		}
		p.counts.adverts++
		l.multicast(h, lan, a.Advert)
	case AddAddresses:
		p.held = append(p.held, without(a.Addresses, p.held)...)
	case RemoveAddresses:
		p.held = without(p.held, a.Addresses)
	case Announce:
		p.counts.announcements++
		// The neighbor is nearer than any host: else it might hear this after the
		// answer to a later packet.
		if !p.mute && !p.noLink && p.side == 0 && !l.lost() {
			l.lans[lan].neighbor = h
		}
	case Transition:
		p.counts.transitions++
		if a.From == Master {
			p.lease = 0
		}
		l.note("%s on LAN %d %v to %v: %s", h.name, lan, a.From, a.To, a.Reason)
	case Drop:
		l.t.Errorf("%s dropped an advert of %v: %s %s", h.name, a.Source, a.Reason, a.Detail)
	}
}

func (l *network) multicast(h *host, lan int, a Advert) {
	from := h.ports[lan]
	source, group := from.settings.SourceAddress, groupOf(from.settings)
	payload, err := a.Marshal(source, group)
	if err != nil {
		l.t.Fatalf("%s: %v", h.name, err)
	}
	if from.mute || from.noLink {
		return
	}
	for _, receiver := range l.hosts {
		to := receiver.ports[lan]
		if receiver == h || to.side != from.side || l.lost() {
			continue
		}
		l.at(l.elapsed+l.delay(), func() {
			if receiver.group != nil && !to.deaf && !to.noLink {
				receiver.inbox = append(receiver.inbox, arrival{lan, Datagram{Source: source, Destination: group, TTL: 255, Payload: payload}})
				l.pump(receiver)
			}
		})
	}
}

// masters are the hosts that run as MASTER on a LAN.
func (l *network) masters(lan int) []*host {
	var out []*host
	for _, h := range l.hosts {
		if h.group != nil && !h.hung && h.ports[lan].m.State() == Master {
			out = append(out, h)
		}
	}
	return out
}

// whole tells that nothing stands between the hosts.
func (l *network) whole() bool {
	broken := func(p *port) bool { return p.deaf || p.mute || p.side != 0 }
	return l.loss == 0 && !l.jitter && !slices.ContainsFunc(l.hosts, func(h *host) bool { return h.hung || slices.ContainsFunc(h.ports, broken) })
}

// checkMasters fails when two masters outlast an advert exchange on a LAN that
// is whole.
func (l *network) checkMasters() {
	for i := range l.lans {
		lan := &l.lans[i]
		if double := len(l.masters(i)) > 1; double != lan.double {
			lan.double, lan.doubleSince = double, l.elapsed
		}
		if lan.double && l.elapsed-max(lan.doubleSince, l.disturbed) > l.exchange() && l.whole() {
			l.fail("two masters on LAN %d for longer than an advert exchange", i)
		}
	}
}

// run lets the given time pass.
func (l *network) run(d time.Duration) {
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
func (l *network) runUntil(limit time.Duration, what string, condition func() bool) time.Duration {
	l.t.Helper()
	began := l.elapsed
	for !condition() {
		if len(l.queue) == 0 || l.queue[0].at > began+limit {
			l.fail("not within %v: %s", limit, what)
		}
		l.run(l.queue[0].at - l.elapsed)
	}
	return l.elapsed - began
}

func (l *network) note(format string, args ...any) {
	l.history = append(l.history, fmt.Sprintf("%12v  ", l.elapsed)+fmt.Sprintf(format, args...))
}

func (l *network) fail(format string, args ...any) {
	l.t.Helper()
	for _, line := range l.history[max(0, len(l.history)-30):] {
		l.t.Log(line)
	}
	l.t.Fatalf("at %v: %s", l.elapsed, fmt.Sprintf(format, args...))
}

func (l *network) lost() bool { return l.loss > 0 && l.rng.Float64() < l.loss }

// delay is that of one packet. With jitter one in twenty comes after packets
// that were sent later.
func (l *network) delay() time.Duration {
	if l.jitter && l.rng.IntN(20) == 0 {
		return l.upTo(l.interval)
	}
	return l.upTo(l.maxDelay())
}

func (l *network) upTo(d time.Duration) time.Duration {
	return time.Duration(l.rng.Int64N(int64(d) + 1))
}

func (l *network) at(when time.Duration, do func()) {
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
