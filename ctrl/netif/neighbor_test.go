package netif

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
)

var (
	server = netip.MustParseAddr("192.168.100.150")
	macA   = net.HardwareAddr{0xb8, 0x27, 0xeb, 0, 0, 0xa}
	macB   = net.HardwareAddr{0xb8, 0x27, 0xeb, 0, 0, 0xb}
)

// answering is a host that answers requests for the server during a time.
type answering struct {
	mac         net.HardwareAddr
	from, until time.Duration
}

// simulation runs a tracker against a LAN that answers at once, with a clock of its own.
type simulation struct {
	tracker tracker
	epoch   time.Time
	now     time.Time
	lan     []answering
	asked   []string // "SECONDS broadcast" or "SECONDS MAC"
	reports []string // "MAC resolved REASON"
}

func newSimulation(lan ...answering) *simulation {
	epoch := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	s := &simulation{tracker: tracker{refresh: refreshInterval}, epoch: epoch, now: epoch, lan: lan}
	s.tracker.setTargets(epoch, []netip.Addr{server})
	return s
}

// until lets time pass.
func (s *simulation) until(end time.Duration) {
	for !s.tracker.deadline().IsZero() && !s.tracker.deadline().After(s.epoch.Add(end)) {
		s.now = s.tracker.deadline()
		for _, r := range s.tracker.tick(s.now) {
			s.answer(r)
		}
		s.collect()
	}
	s.now = s.epoch.Add(end)
}

func (s *simulation) answer(r request) {
	to := "broadcast"
	if r.to != nil {
		to = r.to.String()
	}
	elapsed := s.now.Sub(s.epoch)
	s.asked = append(s.asked, fmt.Sprintf("%.2f %s", elapsed.Seconds(), to))
	s.tracker.sent(r.target, nil)
	for _, host := range s.lan {
		heard := r.to == nil || slices.Equal(r.to, host.mac)
		if heard && elapsed >= host.from && elapsed < host.until {
			s.tracker.observe(s.now, Observation{Op: OperationReply, SenderMAC: host.mac, SenderIP: r.target})
		}
	}
}

// announces is a gratuitous ARP of the server.
func (s *simulation) announces(mac net.HardwareAddr) {
	s.tracker.observe(s.now, Observation{Op: OperationRequest, SenderMAC: mac, SenderIP: server, TargetIP: server})
	s.collect()
}

func (s *simulation) collect() {
	for _, n := range s.tracker.changes() {
		s.reports = append(s.reports, describe(n))
	}
}

func describe(n Neighbor) string { return fmt.Sprintf("%s %v %s", n.MAC, n.Resolved, n.Reason) }

const (
	oneMinute = time.Minute
	forever   = time.Hour

	isA   = "b8:27:eb:00:00:0a true "
	isB   = "b8:27:eb:00:00:0b true "
	bothA = isA + "two hosts answer for 192.168.100.150, b8:27:eb:00:00:0a and b8:27:eb:00:00:0b: one of them must give it up"
	bothB = isB + "two hosts answer for 192.168.100.150, b8:27:eb:00:00:0a and b8:27:eb:00:00:0b: one of them must give it up"
	never = " false no answer to ARP yet"
	lostA = "b8:27:eb:00:00:0a false no answer to ARP for 3s"
)

func TestANeighborIsReportedAsItAnswers(t *testing.T) {
	for _, test := range []struct {
		name string
		lan  []answering
		want []string
	}{
		{"one that answers is learned", []answering{{macA, 0, forever}}, []string{isA}},
		{"one that never answers is reported once", nil, []string{never}},
		{"one that comes late is learned then", []answering{{macA, oneMinute, forever}}, []string{never, isA}},
		{"one that falls silent is lost and keeps its MAC", []answering{{macA, 0, oneMinute}}, []string{isA, lostA}},
		{"one that comes back is resolved again", []answering{{macA, 0, oneMinute}, {macA, 2 * oneMinute, forever}}, []string{isA, lostA, isA}},
		{"one that comes back with another MAC is followed", []answering{{macA, 0, oneMinute}, {macB, 2 * oneMinute, forever}}, []string{isA, lostA, isB}},
		{"one that moves between two requests is followed without being lost", []answering{{macA, 0, oneMinute}, {macB, oneMinute, forever}}, []string{isA, isB}},
		{"two that both answer are reported, and the first is kept", []answering{{macA, 0, forever}, {macB, 0, forever}}, []string{bothA}},
		{"when the second gives up all is well", []answering{{macA, 0, forever}, {macB, 0, oneMinute}}, []string{bothA, isA}},
		{"when the first gives up the second is taken", []answering{{macA, 0, oneMinute}, {macB, 0, forever}}, []string{bothA, isB}},
		{"when both give up it is lost", []answering{{macA, 0, oneMinute}, {macB, 0, oneMinute}}, []string{bothA, lostA}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSimulation(test.lan...)
			s.until(5 * oneMinute)
			if !slices.Equal(s.reports, test.want) {
				t.Errorf("reports\n%q, want\n%q", s.reports, test.want)
			}
		})
	}
}

func TestATargetIsAskedForUntilItAnswers(t *testing.T) {
	s := newSimulation(answering{macA, 3 * time.Second, forever})
	s.until(5 * time.Second)
	want := []string{"0.00 broadcast", "0.25 broadcast", "0.75 broadcast", "1.75 broadcast", "2.75 broadcast", "3.75 broadcast"}
	if !slices.Equal(s.asked, want) {
		t.Errorf("asked %q, want %q", s.asked, want)
	}
}

func TestAKnownTargetIsAskedItselfThenTheLANThenLost(t *testing.T) {
	s := newSimulation(answering{macA, 0, time.Second})
	s.until(30 * time.Second)
	first := s.tracker.refresh + spread(server, s.tracker.refresh/2)
	if first < 10*time.Second || first > 15*time.Second {
		t.Errorf("refreshed after %s", first)
	}
	second := func(n int) string { return fmt.Sprintf("%.2f", (first + time.Duration(n)*time.Second).Seconds()) }
	want := []string{"0.00 broadcast", second(0) + " " + macA.String(), second(1) + " broadcast", second(2) + " broadcast", second(3) + " broadcast"}
	if got := s.asked[:5]; !slices.Equal(got, want) {
		t.Errorf("asked %q, want %q", got, want)
	}
	if want := []string{isA, lostA}; !slices.Equal(s.reports, want) {
		t.Errorf("reports %q", s.reports)
	}
}

func TestWhatATargetSendsOfItselfIsBelievedAtOnce(t *testing.T) {
	s := newSimulation(answering{macA, 0, 5 * time.Second})
	s.until(5 * time.Second)
	s.announces(macB)
	if want := []string{isA, isB}; !slices.Equal(s.reports, want) {
		t.Errorf("reports %q, want %q", s.reports, want)
	}
}

func TestAMACThatComesBackSoonIsContestingNotMoving(t *testing.T) {
	s := newSimulation(answering{macA, 0, 5 * time.Second})
	s.until(5 * time.Second)
	s.announces(macB)
	s.until(8 * time.Second)
	s.announces(macA)
	if want := []string{isA, isB, bothB}; !slices.Equal(s.reports, want) {
		t.Errorf("reports %q, want %q", s.reports, want)
	}
}

func TestAMACThatComesBackMuchLaterIsFollowed(t *testing.T) {
	s := newSimulation(answering{macA, 0, 5 * time.Second}, answering{macB, 5 * time.Second, oneMinute})
	s.until(5 * time.Second)
	s.announces(macB)
	s.until(oneMinute + 2*time.Second)
	s.announces(macA)
	if want := []string{isA, isB, isA}; !slices.Equal(s.reports, want) {
		t.Errorf("reports %q, want %q", s.reports, want)
	}
}

func TestNonsenseIsNotLearned(t *testing.T) {
	for _, nonsense := range []string{"ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:12", "00:00:00:00:00:00"} {
		s := newSimulation()
		s.until(0)
		s.announces(mac(nonsense))
		if want := []string{never}; !slices.Equal(s.reports, want) {
			t.Errorf("after %s: reports %q", nonsense, s.reports)
		}
	}
}

func TestAnotherHostsARPIsNoNewsOfATarget(t *testing.T) {
	s := newSimulation()
	s.tracker.observe(s.now, Observation{Op: OperationReply, SenderMAC: macA, SenderIP: addr("192.168.100.151")})
	s.collect()
	if want := []string{never}; !slices.Equal(s.reports, want) {
		t.Errorf("reports %q", s.reports)
	}
}

func TestAWeakAnswerTakesNothingFromAHostThatAnswers(t *testing.T) {
	proxy := func(s *simulation) {
		s.tracker.observe(s.now, Observation{Op: OperationReply, SenderMAC: macB, SenderIP: server, Weak: true})
		s.collect()
	}
	for _, test := range []struct {
		name string
		lan  []answering
		at   time.Duration
		want []string
	}{
		{"it is believed where nothing is known", nil, time.Second, []string{never, isB}},
		{"it is passed over while the host answers", []answering{{macA, 0, forever}}, time.Second, []string{isA}},
		{"it is believed when the host is lost", []answering{{macA, 0, time.Second}}, oneMinute, []string{isA, lostA, isB}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSimulation(test.lan...)
			s.until(test.at)
			proxy(s)
			if !slices.Equal(s.reports, test.want) {
				t.Errorf("reports %q, want %q", s.reports, test.want)
			}
		})
	}
}

func TestTheReasonNamesTheProtocolOfTheTarget(t *testing.T) {
	s := newSimulation()
	s.tracker.setTargets(s.now, []netip.Addr{server, addr("2001:db8::150")})
	s.collect()
	if want := []string{never, " false no answer to NDP yet"}; !slices.Equal(s.reports, want) {
		t.Errorf("reports %q, want %q", s.reports, want)
	}
}

func TestARequestThatCannotBeSentIsTheReason(t *testing.T) {
	s := newSimulation()
	s.tracker.tick(s.now)
	s.tracker.sent(server, errors.New("network is down"))
	s.collect()
	s.until(time.Second)
	if want := []string{" false network is down", never}; !slices.Equal(s.reports, want) {
		t.Errorf("reports %q, want %q", s.reports, want)
	}
}

func TestReplacingTargetsKeepsWhatIsKnown(t *testing.T) {
	other := addr("192.168.100.151")
	s := newSimulation(answering{macA, 0, forever})
	s.until(time.Second)
	s.tracker.setTargets(s.now, []netip.Addr{other, server, other})
	s.collect()
	if want := []string{isA, never}; !slices.Equal(s.reports, want) {
		t.Errorf("reports %q, want %q", s.reports, want)
	}
	s.tracker.setTargets(s.now, nil)
	if !s.tracker.deadline().IsZero() || len(s.tracker.tick(s.now.Add(time.Hour))) != 0 {
		t.Error("still asking without a target")
	}
}

func TestRefreshesOfManyTargetsAreSpread(t *testing.T) {
	const targets = 100
	distinct := map[time.Duration]bool{}
	target := addr("192.168.100.1")
	for range targets {
		wait := spread(target, 5*time.Second)
		if wait < 0 || wait >= 5*time.Second {
			t.Fatalf("%s waits %s", target, wait)
		}
		distinct[wait.Truncate(100*time.Millisecond)] = true
		target = target.Next()
	}
	if len(distinct) < 40 {
		t.Errorf("%d targets share %d of 50 tenths of a second", targets, len(distinct))
	}
}

func TestAFewThatAreWellAnswerWhenAskedTo(t *testing.T) {
	now := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	track := tracker{refresh: refreshInterval}
	track.confirm() // of nobody
	var targets []netip.Addr
	for n := range byte(5) {
		targets = append(targets, netip.AddrFrom4([4]byte{192, 168, 100, 150 + n}))
	}
	track.setTargets(now, targets)
	track.tick(now)
	for n, target := range targets[:3] { // the others have never answered
		track.observe(now, Observation{SenderIP: target, SenderMAC: net.HardwareAddr{0xb8, 0x27, 0xeb, 0, 0, byte(n)}})
	}
	now = now.Add(time.Second / 10)
	deadline := track.deadline()
	asked := make(map[netip.Addr]int)
	for range 3 {
		if due := track.tick(now); len(due) > 0 {
			t.Fatalf("%v is asked although nobody wants to know", due)
		}
		track.confirm()
		due := track.tick(now)
		if len(due) != 2 {
			t.Errorf("%d are asked, want 2", len(due))
		}
		for _, r := range due {
			asked[r.target]++
			if n := slices.Index(targets, r.target); n < 0 || n >= 3 || r.to.String() != fmt.Sprintf("b8:27:eb:00:00:%02x", n) {
				t.Errorf("%s is asked at %s", r.target, r.to)
			}
		}
	}
	for target, times := range asked {
		if times != 2 {
			t.Errorf("%s is asked %d times in three rounds of two, want 2: they take turns", target, times)
		}
	}
	// One has answered and the others have not, which says nothing of either.
	track.observe(now, Observation{SenderIP: targets[0], SenderMAC: net.HardwareAddr{0xb8, 0x27, 0xeb, 0, 0, 0}})
	if got := track.deadline(); !got.Equal(deadline) {
		t.Errorf("the next request of their turn is at %s, want %s", got, deadline)
	}
	for _, n := range track.changes() {
		if n.Resolved != slices.Contains(targets[:3], n.Address) {
			t.Errorf("%+v", n)
		}
	}
	// Nor does it make a machine that is replaced contest its address, although it was heard just now.
	now = now.Add(2 * retryInterval)
	track.confirm()
	replaced := track.extra[0]
	track.tick(now)
	track.observe(now, Observation{SenderIP: replaced.target, SenderMAC: replaced.to})
	track.observe(now.Add(time.Second/10), Observation{SenderIP: replaced.target, SenderMAC: macB})
	if e := track.entries[replaced.target]; e.contested || e.mac.mac().String() != macB.String() {
		t.Errorf("after the replacement: %+v", e)
	}
}
