package netif

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	// firstRetry is the wait after the first unanswered request for a MAC never known; it doubles up to retryInterval.
	firstRetry = 250 * time.Millisecond
	// retryInterval is the wait between requests while there is something to find out.
	retryInterval = time.Second
	// lostAfter is how many requests in a row stay unanswered before a real server counts as lost.
	lostAfter = 3
	// refreshInterval is how long a known MAC is trusted without being asked for; half as much again, at most, keeps the
	// requests for many real servers apart.
	refreshInterval = 10 * time.Second
	// claimTimeout is how long a claim to a contested address lasts without being heard again: three requests.
	claimTimeout = lostAfter*retryInterval + retryInterval/2
	// flapWindow is how long an earlier MAC is remembered: one that comes back within it is contesting, not moving.
	flapWindow = 30 * time.Second
)

// Neighbor is what is known of a real server's MAC.
type Neighbor struct {
	Address netip.Addr
	MAC     net.HardwareAddr // nil while never known; the last known one after Resolved turned false
	// Resolved says that the real server answers at MAC. While it is false new connections go elsewhere; those that the
	// real server already has may be sent on to MAC.
	Resolved bool
	// Reason says in words why Resolved is false, or what is wrong although it is true; empty when all is well.
	Reason string
}

func (n Neighbor) equal(o Neighbor) bool {
	return n.Address == o.Address && slices.Equal(n.MAC, o.MAC) && n.Resolved == o.Resolved && n.Reason == o.Reason
}

// tracker decides, for each real server, when to ask for its MAC and what to believe. It is pure: time comes in as an
// argument, requests and reports go out as values.
type tracker struct {
	refresh time.Duration // refreshInterval
	entries map[netip.Addr]*entry
	order   []netip.Addr // the targets as they were given, so that results have a stable order
	extra   []request    // that confirm wants
	last    int          // the place in the order of the last one of them
}

// request is an ARP request or neighbor solicitation to be sent.
type request struct {
	target netip.Addr
	to     net.HardwareAddr // nil for all hosts
}

// entry is what is known of one target.
type entry struct {
	mac      hardwareAddr // zero while never known
	seen     time.Time    // mac was last heard
	moved    time.Time    // mac became the target's MAC
	resolved bool

	// rival is the other MAC lately heard to claim the address; contested says that it still does.
	rival     hardwareAddr
	rivalSeen time.Time
	contested bool

	next       time.Time // when to send a request
	unanswered int       // requests sent since the target was last heard
	asked      time.Time // the first of them
	silence    time.Duration
	failure    string // why the last request could not be sent
	beside     bool   // it was asked beside its turn, and has not answered that

	reported Neighbor
}

// hardwareAddr is a MAC that can be compared.
type hardwareAddr [6]byte

func (h hardwareAddr) isZero() bool { return h == hardwareAddr{} }

func (h hardwareAddr) mac() net.HardwareAddr {
	if h.isZero() {
		return nil
	}
	return slices.Clone(h[:])
}

// setTargets replaces the real servers to follow. What is known of those that stay is kept.
func (t *tracker) setTargets(now time.Time, targets []netip.Addr) {
	entries := make(map[netip.Addr]*entry, len(targets))
	t.order = t.order[:0]
	for _, target := range targets {
		if _, twice := entries[target]; twice {
			continue
		}
		known := t.entries[target]
		if known == nil {
			known = &entry{next: now}
		}
		entries[target] = known
		t.order = append(t.order, target)
	}
	t.entries = entries
}

// recall believes MACs from before. Nobody was heard yet, so one that answers from elsewhere has moved.
func (t *tracker) recall(known map[netip.Addr]net.HardwareAddr) {
	for target, mac := range known {
		if e, ok := t.entries[target]; ok && usableMAC(mac) {
			e.mac, e.resolved = hardwareAddr(mac), true
		}
	}
}

// observe learns from any packet of a target: whatever it sends says that it is there, and at which MAC. It reports
// false for a packet that says nothing of a target.
func (t *tracker) observe(now time.Time, observation Observation) bool {
	e, ok := t.entries[observation.SenderIP]
	if !ok || !usableMAC(observation.SenderMAC) {
		return false
	}
	mac := hardwareAddr(observation.SenderMAC)
	if observation.Weak && e.resolved && mac != e.mac {
		return false
	}
	// Heard too often, a machine that was replaced just now would seem to contest the address of the one that replaces it.
	beside := e.beside && e.resolved && !e.contested && e.unanswered == 0 && mac == e.mac
	e.beside = false
	if beside {
		return false
	}
	e.hear(now, mac)
	e.resolved = true
	e.unanswered = 0
	e.failure = ""
	if e.contested {
		e.next = earlier(e.next, now.Add(retryInterval))
	} else {
		e.next = now.Add(t.refresh + spread(observation.SenderIP, t.refresh/2))
	}
	return true
}

func (e *entry) hear(now time.Time, mac hardwareAddr) {
	bothAnswer := now.Sub(e.seen) < retryInterval
	cameBack := mac == e.rival && now.Sub(e.moved) < flapWindow
	switch {
	case e.mac.isZero():
		e.mac, e.seen, e.moved = mac, now, now
	case mac == e.mac:
		e.seen = now
	case e.contested:
		e.rival, e.rivalSeen = mac, now
	case bothAnswer || cameBack:
		e.contested = true
		e.rival, e.rivalSeen = mac, now
		e.next = now // ask everyone at once: who is still there?
	default:
		e.move(now, mac, now)
	}
}

// move makes another MAC the target's own, and remembers the one before.
func (e *entry) move(now time.Time, mac hardwareAddr, seen time.Time) {
	e.rival, e.rivalSeen = e.mac, e.seen
	e.mac, e.seen, e.moved = mac, seen, now
}

// tick returns the requests that are due. Deadline tells when to call it; late calls are fine.
func (t *tracker) tick(now time.Time) []request {
	due := t.extra
	t.extra = nil
	for _, target := range t.order {
		e := t.entries[target]
		if e.next.After(now) {
			continue
		}
		e.judge(now)
		due = append(due, e.ask(now, target))
	}
	return due
}

// judge draws the conclusions from what was not heard.
func (e *entry) judge(now time.Time) {
	if e.contested {
		macQuiet, rivalQuiet := now.Sub(e.seen) > claimTimeout, now.Sub(e.rivalSeen) > claimTimeout
		if macQuiet && !rivalQuiet {
			e.move(now, e.rival, e.rivalSeen)
		}
		e.contested = !macQuiet && !rivalQuiet
	}
	if e.resolved && e.unanswered >= lostAfter {
		e.resolved = false
		e.silence = now.Sub(e.asked).Round(time.Second)
	}
}

func (e *entry) ask(now time.Time, target netip.Addr) request {
	wait := retryInterval
	if e.mac.isZero() && e.unanswered < 2 {
		wait = firstRetry << e.unanswered
	}
	due := request{target: target}
	if e.resolved && !e.contested && e.unanswered == 0 {
		due.to = e.mac.mac() // a real server that is well is asked without bothering the LAN
	}
	if e.unanswered == 0 {
		e.asked = now
	}
	e.unanswered++
	e.next = now.Add(wait)
	return due
}

// confirm has a few of those that are well asked, beside their turn.
func (t *tracker) confirm() {
	const few = 2
	t.extra = nil
	for range t.order {
		t.last = (t.last + 1) % len(t.order)
		target := t.order[t.last]
		if e := t.entries[target]; e.resolved && !e.contested {
			e.beside = true
			t.extra = append(t.extra, request{target, e.mac.mac()})
		}
		if len(t.extra) == few {
			return
		}
	}
}

// sent notes the outcome of a request; the failure of one that could not be sent is the better reason to report.
func (t *tracker) sent(target netip.Addr, err error) {
	e, ok := t.entries[target]
	if !ok {
		return
	}
	e.failure = ""
	if err != nil {
		e.failure = err.Error()
	}
}

// deadline is when tick has something to do next; zero when there is no target.
func (t *tracker) deadline() time.Time {
	var next time.Time
	for _, e := range t.entries {
		if next.IsZero() {
			next = e.next
		}
		next = earlier(next, e.next)
	}
	return next
}

// changes returns what differs from the last report, in the order of the targets.
func (t *tracker) changes() []Neighbor {
	var changed []Neighbor
	for _, target := range t.order {
		e := t.entries[target]
		present := Neighbor{Address: target, MAC: e.mac.mac(), Resolved: e.resolved, Reason: e.reason(target)}
		if !present.equal(e.reported) {
			e.reported = present
			changed = append(changed, present)
		}
	}
	return changed
}

func (e *entry) reason(target netip.Addr) string {
	switch {
	case e.contested:
		first, second := e.mac, e.rival
		if slices.Compare(first[:], second[:]) > 0 {
			first, second = second, first
		}
		return fmt.Sprintf("two hosts answer for %s, %s and %s: one of them must give it up", target, first.mac(), second.mac())
	case e.resolved:
		return ""
	case e.failure != "":
		return e.failure
	case e.mac.isZero():
		return fmt.Sprintf("no answer to %s yet", protocolOf(target))
	default:
		return fmt.Sprintf("no answer to %s for %s", protocolOf(target), e.silence)
	}
}

func protocolOf(target netip.Addr) string {
	if target.Is4() {
		return "ARP"
	}
	return "NDP"
}

// spread gives each target its own fixed share of a duration. Real servers tend to have consecutive addresses, which
// multiplying by the golden ratio scatters evenly.
func spread(target netip.Addr, over time.Duration) time.Duration {
	const goldenRatio = 0x9e3779b97f4a7c15 // times 2^64
	bytes := target.As16()
	fraction := binary.BigEndian.Uint64(bytes[8:]) * goldenRatio >> 32 // of 2^32
	return time.Duration(float64(fraction) / (1 << 32) * float64(over))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
