package vrrp

import (
	"testing"
	"time"
)

// TestConformance has the rules of RFC 9568 (version 3) and RFC 3768 (version 2)
// by section. The version 3 machine has priority 100 at 100 ms: its skew is
// 0.0609 s, its down interval 0.3609 s. The tables of the other tests have what
// keepalived adds.
func TestConformance(t *testing.T) {
	const (
		begins6 = "remove :221,:221; INIT to BACKUP"
		takes6  = "advert 100; add :221,:221; announce :221,:221 x5; BACKUP to MASTER"
		rival   = "rival .210; advert 100; announce .221 x5"
		tenth   = 100 * time.Millisecond
	)
	owner := func(s *Settings) { s.Priority = 255 }
	for _, test := range []struct {
		section, name string
		change        func(*Settings)
		steps         []step
	}{
		{"9568 6.1", "Skew_Time is a part of the interval", v3, asBackup(
			step{0.360, Tick{}, ""}, step{0.361, Tick{}, takesOver})},
		{"9568 6.1", "at 10 ms the down interval is 36 ms", both(v3, every(10*time.Millisecond)), asBackup(
			step{0.036, Tick{}, ""}, step{0.0361, Tick{}, takesOver}, step{0.0462, Tick{}, "advert 100"})},
		{"9568 6.1", "Preempt_Mode off spares a lower priority", both(v3, func(s *Settings) { s.Preempt = false }), asBackup(
			step{0.3, heard3(lower, 50, tenth), ""}, step{0.660, Tick{}, ""}, step{0.661, Tick{}, takesOver})},
		{"9568 6.4.1", "the owner is active at once", both(v3, owner), []step{
			{0, Start{}, "advert 255; add .221; announce .221 x5; INIT to MASTER"}}},
		{"9568 6.4.1", "others wait the down interval of their own interval", both(v3, every(time.Second)), asBackup(
			step{3.60, Tick{}, ""}, step{3.61, Tick{}, takesOver})},
		{"9568 6.4.1", "IPv6 is no different", v6, []step{
			{0, Start{}, begins6}, {0.360, Tick{}, ""}, {0.361, Tick{}, takes6}}},
		{"9568 6.4.2", "a shutdown leads to INIT", v3, asBackup(step{0.1, Stop{}, "BACKUP to INIT"}, step{9, Tick{}, ""})},
		{"9568 6.4.2", "priority 0 sets the timer to Skew_Time", v3, asBackup(
			step{0.1, heard3(higher, 200, tenth), ""}, step{0.2, heard3(higher, 0, tenth), "note"},
			step{0.260, Tick{}, ""}, step{0.261, Tick{}, takesOver})},
		{"9568 6.4.2", "priority 0 sets the timer to the Skew_Time of the learned interval", v3, asBackup(
			step{0.1, heard3(higher, 200, time.Second), "note"}, step{0.2, heard3(higher, 0, time.Second), "note"},
			step{0.80, Tick{}, ""}, step{0.81, Tick{}, takesOver})},
		{"9568 6.4.2", "a slower master's interval is learned", v3, asBackup(
			step{0.1, heard3(higher, 200, time.Second), "note"}, step{1.1, heard3(higher, 200, time.Second), ""},
			step{4.70, Tick{}, ""}, step{4.71, Tick{}, takesOver})},
		{"9568 6.4.2", "a faster master's interval is learned", both(v3, every(time.Second)), asBackup(
			step{0.1, heard3(higher, 200, 10*time.Millisecond), "note"}, step{0.136, Tick{}, ""}, step{0.1361, Tick{}, takesOver})},
		{"9568 6.4.2", "an equal priority is accepted, whatever the address", v3, asBackup(
			step{0.3, heard3(lower, 100, tenth), ""}, step{0.660, Tick{}, ""}, step{0.661, Tick{}, takesOver})},
		{"9568 6.4.2", "a lower priority is discarded, its interval is not learned", v3, asBackup(
			step{0.3, heard3(higher, 99, time.Second), ""}, step{0.361, Tick{}, takesOver})},
		{"9568 6.4.2", "as active our own interval counts again", v3, asBackup(
			step{0.1, heard3(higher, 200, time.Second), "note"}, step{3.71, Tick{}, takesOver},
			step{3.80, Tick{}, ""}, step{3.811, Tick{}, "advert 100"})},
		{"9568 6.4.1", "after a fault our own interval counts again", v3, asBackup(
			step{0.1, heard3(higher, 200, time.Second), "note"}, step{0.2, Fault{Reason: "cut"}, "BACKUP to FAULT"},
			step{1, NoFault{}, "FAULT to BACKUP"}, step{1.360, Tick{}, ""}, step{1.361, Tick{}, takesOver})},
		{"9568 6.4.3", "an advert every Advertisement_Interval", v3, asMaster(
			step{3.70, Tick{}, ""}, step{3.711, Tick{}, "advert 100"}, step{3.81, Tick{}, ""}, step{3.812, Tick{}, "advert 100"})},
		{"9568 6.4.3", "a shutdown says priority 0", v3, asMaster(
			step{3.7, Stop{}, "last advert 0; remove .221; MASTER to INIT"})},
		{"9568 6.4.3", "priority 0 is answered with an advert", v3, asMaster(
			step{3.65, heard3(higher, 0, tenth), outlives}, step{3.74, Tick{}, ""}, step{3.751, Tick{}, "advert 100"})},
		{"9568 6.4.3", "a higher priority makes us backup of its interval", v3, asMaster(
			step{3.65, heard3(lower, 101, time.Second), givesWay + "; note"}, step{7.25, Tick{}, ""}, step{7.26, Tick{}, takesOver})},
		{"9568 6.4.3", "an equal priority from a higher address does, too", v3, asMaster(
			step{3.65, heard3(higher, 100, tenth), "rival .212; " + givesWay}, step{4.01, Tick{}, ""}, step{4.011, Tick{}, takesOver})},
		{"9568 6.4.3", "an equal priority from a lower address is answered at once", v3, asMaster(
			step{3.65, heard3(lower, 100, tenth), rival}, step{3.74, Tick{}, ""}, step{3.75, Tick{}, "advert 100"})},
		{"9568 6.4.3", "a lower priority from a higher address, too", v3, asMaster(
			step{3.65, heard3(higher, 99, tenth), "rival .212; advert 100; announce .221 x5"})},
		{"9568 6.4.3", "IPv6 addresses are compared in network byte order", v6, []step{
			{0, Start{}, begins6}, {0.361, Tick{}, takes6},
			{0.4, heard6(linkLocal2, 100), "rival :2; last advert 100; remove :221,:221; MASTER to BACKUP"}}},
		{"9568 7.1", "another interval is no reason to drop", v3, asBackup(step{0.1, heard3(higher, 200, 40950*time.Millisecond), "note"})},
		{"9568 7.1", "an owner may ignore everybody", both(v3, func(s *Settings) { s.Priority, s.OwnerIgnoresAdverts = 255, true }), []step{
			{0, Start{}, "advert 255; add .221; announce .221 x5; INIT to MASTER"}, {0.01, heard3(higher, 255, tenth), "drop owner"}}},

		{"3768 6.1", "Skew_Time is a part of a second", every(10 * time.Second), asBackup(
			step{30.60, Tick{}, ""}, step{30.61, Tick{}, takesOver})},
		{"3768 6.4.2", "priority 0 sets the timer to Skew_Time", every(10 * time.Second), asBackup(
			step{1, Received{Datagram: datagram(higher, slowly(200))}, ""}, step{2, Received{Datagram: datagram(higher, slowly(0))}, "note"},
			step{2.60, Tick{}, ""}, step{2.61, Tick{}, takesOver})},
		{"3768 7.1", "another interval is dropped", nil, asBackup(
			step{1, Received{Datagram: datagram(higher, slowly(200))}, "drop interval"}, step{afterStart, Tick{}, takesOver})},
	} {
		t.Run("RFC "+test.section+" "+test.name, func(t *testing.T) { run(t, testSettings(test.change), test.steps) })
	}
}

func every(interval time.Duration) func(*Settings) {
	return func(s *Settings) { s.AdvertInterval = interval }
}

// slowly is a version 2 advert with 10 s to the next.
func slowly(priority uint8) Advert {
	a := tutorialAdvert(priority)
	a.Interval = 10 * time.Second
	return a
}

func TestStartupDelay(t *testing.T) {
	delay := func(s *Settings) { s.StartupDelay = 5 * time.Second }
	owner := func(s *Settings) { s.Priority = 255 }
	const ownerTakes = "advert 255; add .221; announce .221 x5; BACKUP to MASTER"
	for _, test := range []struct {
		name   string
		change func(*Settings)
		steps  []step
	}{
		{"the down interval begins at its end", delay, asBackup(step{8.60, Tick{}, ""}, step{8.61, Tick{}, takesOver})},
		{"a goodbye during the delay does not end it", delay, asBackup(
			step{1, heard(higher, 0), "note"}, step{5.60, Tick{}, ""}, step{5.61, Tick{}, takesOver})},
		{"a master heard during the delay is waited for from its end on", delay, asBackup(
			step{1, heard(higher, 200), ""}, step{8.60, Tick{}, ""}, step{8.61, Tick{}, takesOver})},
		{"a master heard after the delay is waited for as ever", delay, asBackup(
			step{6, heard(higher, 200), ""}, step{9.60, Tick{}, ""}, step{9.61, Tick{}, takesOver})},
		{"the owner waits for the delay alone", both(delay, owner), []step{
			{0, Start{}, begins}, {4.99, Tick{}, ""}, {5, Tick{}, ownerTakes}}},
		{"an adoption has none", delay, []step{{0, Adopt{}, "advert 100; add .221; announce .221 x5; INIT to MASTER"}}},
		{"the end of a fault has none", delay, []step{
			{0, Fault{Reason: "cut"}, ""}, {0, Start{}, "remove .221; INIT to FAULT"}, {1, NoFault{}, "FAULT to BACKUP"},
			{4.60, Tick{}, ""}, {4.61, Tick{}, takesOver}}},
	} {
		t.Run(test.name, func(t *testing.T) { run(t, testSettings(test.change), test.steps) })
	}
}
