package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// The machine under test is 192.168.100.211 with priority 100, so its skew is
// 0.609 s and its down interval 3.609 s. Times are seconds since it was made.

const (
	self   = "192.168.100.211"
	lower  = "192.168.100.210" // loses a tie
	higher = "192.168.100.212" // wins a tie
	other  = "192.168.100.9"
)

var epoch = time.Unix(1_000_000, 0)

func at(seconds float64) time.Time {
	return epoch.Add(time.Duration(seconds * float64(time.Second)))
}

func testSettings(change func(*Settings)) Settings {
	s := tutorialSettings(100, self)
	s.StartState = Backup
	if change != nil {
		change(&s)
	}
	return s
}

// v3 makes settings of version 3 at 100 ms: the skew of priority 100 is 60.9375
// ms, the down interval 360.9375 ms.
func v3(s *Settings) {
	s.Version, s.AdvertInterval, s.AuthType = 3, 100*time.Millisecond, AuthNone
}

// v6 is v3 over IPv6.
func v6(s *Settings) {
	v3(s)
	s.Addresses, s.SourceAddress = addrs("fe80::221", "2001:db8:100::221"), netip.MustParseAddr(linkLocal1)
}

// step is one event and the actions that must answer it.
type step struct {
	at    float64
	event Event
	want  string // see describe, joined by "; "; "*" is any
}

// heard is an advert of the tutorial's virtual router.
func heard(source string, priority uint8) Received {
	return Received{Datagram: datagram(source, tutorialAdvert(priority))}
}

// heard3 is a version 3 advert of the tutorial's virtual router.
func heard3(source string, priority uint8, interval time.Duration) Received {
	return Received{Datagram: datagram(source, advert3(priority, interval))}
}

// heard6 is the same over IPv6.
func heard6(source string, priority uint8) Received {
	return Received{Datagram: datagram(source, advert3(priority, 100*time.Millisecond, "fe80::221", "2001:db8:100::221"))}
}

func datagram(source string, a Advert) Datagram {
	from, to := netip.MustParseAddr(source), group4
	if from.Is6() {
		to = group6
	}
	payload, err := a.Marshal(from, to)
	if err != nil {
		payload = []byte(err.Error())
	}
	return Datagram{Source: from, Destination: to, TTL: 255, Payload: payload}
}

// The multicast groups of VRRP, RFC 9568 sections 5.1.1.2 and 5.1.2.2.
var group4, group6 = netip.MustParseAddr("224.0.0.18"), netip.MustParseAddr("ff02::12")

func groupOf(s Settings) netip.Addr {
	if s.IPv6() {
		return group6
	}
	return group4
}

// describe renders an action in the words of the tables.
func describe(a Action) string {
	switch a := a.(type) {
	case SendAdvert:
		if a.Lease == 0 {
			return fmt.Sprintf("last advert %d", a.Advert.Priority)
		}
		return fmt.Sprintf("advert %d", a.Advert.Priority)
	case AddAddresses:
		return "add " + tails(a.Addresses)
	case RemoveAddresses:
		return "remove " + tails(a.Addresses)
	case Announce:
		return fmt.Sprintf("announce %s x%d", tails(a.Addresses), a.Count)
	case Transition:
		return fmt.Sprintf("%v to %v", a.From, a.To)
	case PriorityChange:
		return fmt.Sprintf("priority %d to %d", a.From, a.To)
	case Rival:
		if a.Returned {
			return fmt.Sprintf("back %s", tails([]netip.Addr{a.Source}))
		}
		return fmt.Sprintf("rival %s", tails([]netip.Addr{a.Source}))
	case Drop:
		return "drop " + string(a.Reason)
	case Note:
		return "note"
	}
	return fmt.Sprintf("unknown action %T", a)
}

// tails names addresses by what follows their last dot or colon.
func tails(addresses []netip.Addr) string {
	var out []string
	for _, addr := range addresses {
		s := addr.String()
		out = append(out, s[strings.LastIndexAny(s, ".:"):])
	}
	return strings.Join(out, ",")
}

func describeAll(actions []Action) string {
	var out []string
	for _, a := range actions {
		out = append(out, describe(a))
	}
	return strings.Join(out, "; ")
}

const (
	begins     = "remove .221; INIT to BACKUP"
	takesOver  = "advert 100; add .221; announce .221 x5; BACKUP to MASTER"
	givesWay   = "last advert 100; remove .221; MASTER to BACKUP"
	outlives   = "note; advert 100; announce .221 x5"
	announces  = "announce .221 x5"
	afterStart = 3.61 // just past the down interval of a start at 0
)

// asMaster leads to MASTER at 3.61 s; its second announcement is due at 8.61 s.
func asMaster(rest ...step) []step {
	return append([]step{{0, Start{}, begins}, {afterStart, Tick{}, takesOver}}, rest...)
}

// asBackup leads to BACKUP at 0 s.
func asBackup(rest ...step) []step {
	return append([]step{{0, Start{}, begins}}, rest...)
}

// run feeds the steps to a machine and compares what it answers.
func run(t *testing.T, s Settings, steps []step) *Machine {
	t.Helper()
	if err := s.Validate(); err != nil {
		t.Fatalf("settings of the test: %v", err)
	}
	m := NewMachine(s, epoch)
	for _, step := range steps {
		before := m.State()
		actions := m.Handle(at(step.at), step.event)
		if got := describeAll(actions); got != step.want && step.want != "*" {
			t.Fatalf("at %.2f s %+v\n got %s\nwant %s", step.at, step.event, got, step.want)
		}
		checkInvariants(t, m, before, at(step.at), actions)
	}
	return m
}

// checkInvariants holds for every event in every test.
func checkInvariants(t *testing.T, m *Machine, before State, now time.Time, actions []Action) {
	t.Helper()
	for _, a := range actions {
		if send, ok := a.(SendAdvert); ok {
			if _, err := send.Advert.Marshal(m.settings.SourceAddress, groupOf(m.settings)); err != nil {
				t.Errorf("an advert that cannot be sent: %v", err)
			}
			if send.Lease > 0 && m.State() != Master {
				t.Errorf("an advert renews the lease of a %v", m.State())
			}
		}
	}
	moved := slices.ContainsFunc(actions, func(a Action) bool { _, ok := a.(Transition); return ok })
	if moved != (before != m.State()) {
		t.Errorf("%v to %v: told as a transition: %v", before, m.State(), moved)
	}
	if moved && m.Since() != now {
		t.Errorf("since %v after a transition at %v", m.Since(), now)
	}
	switch timed := m.State() == Backup || m.State() == Master; {
	case m.takeover.ready && !m.Deadline().IsZero():
		t.Errorf("ready, and still waiting for %v", m.Deadline())
	case timed && m.Deadline().IsZero() && !m.takeover.ready:
		t.Errorf("%v has no deadline", m.State())
	case !timed && !m.Deadline().IsZero():
		t.Errorf("%v has deadline %v", m.State(), m.Deadline())
	}
}
