package vrrp

import (
	"testing"
	"time"
)

// reload is the settings of the test after one more change.
func reload(change func(*Settings)) Reconfigure {
	return Reconfigure{Settings: testSettings(change)}
}

func TestReconfigureAsMaster(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"the same settings cause nothing", asMaster(step{4, reload(nil), ""})},
		{"another name causes nothing", asMaster(step{4, reload(func(s *Settings) { s.Name = "WEB" }), ""})},
		{"another priority is adverted at once", asMaster(
			step{4, reload(func(s *Settings) { s.Priority = 50 }), "priority 100 to 50; advert 50"},
			step{4.99, Tick{}, ""}, step{5, Tick{}, "advert 50"})},
		{"a lower priority gives way to the next advert", asMaster(
			step{4, reload(func(s *Settings) { s.Priority = 50 }), "priority 100 to 50; advert 50"},
			step{4.5, heard(lower, 60), "last advert 50; remove .221; MASTER to BACKUP"})},
		{"another interval is adverted at once and kept", asMaster(
			step{4, reload(func(s *Settings) { s.AdvertInterval = 2 * time.Second }), "advert 100"},
			step{5.99, Tick{}, ""}, step{6, Tick{}, "advert 100"})},
		{"another password is adverted at once", asMaster(
			step{4, reload(func(s *Settings) { s.Password = "new" }), "advert 100"},
			step{4.5, heard(higher, 200), "drop password"})},
		{"another source address is adverted at once and decides ties", asMaster(
			step{4, reload(func(s *Settings) { s.SourceAddress = addrs("192.168.100.213")[0] }), "advert 100"},
			step{4.5, heard(higher, 100), "rival .212; advert 100; announce .221 x5"})},
		{"an added address is added and announced alone, later with all", asMaster(
			step{4, reload(func(s *Settings) { s.Addresses = addrs("192.168.100.221", "192.168.100.9") }), "advert 100; add .9; announce .9 x5"},
			step{5, Tick{}, "advert 100"}, step{7, Tick{}, "advert 100"}, step{8.99, Tick{}, "advert 100"},
			step{9, Tick{}, "announce .221,.9 x5"})},
		{"an address in place of another is an exchange of these two", asMaster(
			step{4, reload(func(s *Settings) { s.Addresses = addrs("192.168.100.9") }), "advert 100; remove .221; add .9; announce .9 x5"},
			step{4.5, Stop{}, "last advert 0; remove .9; MASTER to INIT"})},
		{"another order of addresses touches none", asMaster(
			step{4, reload(func(s *Settings) { s.Addresses = addrs("192.168.100.221", "192.168.100.9") }), "advert 100; add .9; announce .9 x5"},
			step{4.1, reload(func(s *Settings) { s.Addresses = addrs("192.168.100.9", "192.168.100.221") }), "advert 100"})},
		{"an address that becomes excluded stays", asMaster(
			step{4, reload(func(s *Settings) { s.Addresses, s.ExcludedAddresses = nil, addrs("192.168.100.221") }), "advert 100"})},
		{"an excluded address more is nobody else's business", asMaster(
			step{4, reload(func(s *Settings) { s.ExcludedAddresses = addrs("10.0.0.7") }), "add .7; announce .7 x5"})},
		{"garp_master_refresh begins at the reload", asMaster(
			step{4, reload(func(s *Settings) { s.GARP.MasterRefresh = 500 * time.Millisecond }), ""},
			step{4.5, Tick{}, "announce .221 x1"}, step{4.6, reload(nil), ""}, step{5, Tick{}, "advert 100"})},
		{"nopreempt does not touch a master", asMaster(step{4, reload(func(s *Settings) { s.Preempt = false }), ""})},
		{"version 3 is adverted at once and then expected", asMaster(
			step{4, reload(v3), "advert 100"}, step{4.01, heard(higher, 200), "drop version"})},
		{"another form of the checksum is adverted at once", asMaster(
			step{4, reload(v3), "advert 100"}, step{4.05, reload(func(s *Settings) { v3(s); s.ChecksumAsV2 = true }), "advert 100"},
			step{4.14, Tick{}, ""}, step{4.151, Tick{}, "advert 100"})},
		{"version 3 at the interval of version 2 is adverted at once", asMaster(
			step{4, reload(func(s *Settings) { s.AuthType, s.Password = AuthNone, "" }), "advert 100"},
			step{4.1, reload(func(s *Settings) { s.Version, s.AuthType, s.Password = 3, AuthNone, "" }), "advert 100"})},
		{"another address family is refused", asMaster(step{4, reload(v6), "note"}, step{4.61, Tick{}, "advert 100"})},
		{"another virtual router id is refused", asMaster(
			step{4, reload(func(s *Settings) { s.VirtualRouterID, s.Priority = 7, 1 }), "note"}, step{4.61, Tick{}, "advert 100"})},
	} {
		t.Run(test.name, func(t *testing.T) { run(t, testSettings(nil), test.steps) })
	}
}

func TestReconfigureAsBackup(t *testing.T) {
	newInterval := reload(func(s *Settings) { s.AdvertInterval = 2 * time.Second })
	for _, test := range []struct {
		name   string
		change func(*Settings)
		steps  []step
	}{
		{"the same settings leave the timer running", nil, asBackup(
			step{3, reload(nil), ""}, step{3.60, Tick{}, ""}, step{afterStart, Tick{}, takesOver})},
		{"another priority moves the takeover by its skew only", nil, asBackup(
			step{3, reload(func(s *Settings) { s.Priority = 228 }), "priority 100 to 228"}, step{3.10, Tick{}, ""},
			step{3.11, Tick{}, "advert 228; add .221; announce .221 x5; BACKUP to MASTER"})},
		{"another interval restarts the wait", nil, asBackup(
			step{3, newInterval, ""}, step{9.60, Tick{}, ""}, step{9.61, Tick{}, takesOver})},
		{"a raised priority preempts", nil, asBackup(
			step{3, heard(higher, 200), ""}, step{3.5, reload(func(s *Settings) { s.Priority = 228 }), "priority 100 to 228"},
			step{4, heard(higher, 200), ""}, step{6.11, Tick{}, "advert 228; add .221; announce .221 x5; BACKUP to MASTER"})},
		{"another preempt_delay counts from the same beginning", func(s *Settings) { s.PreemptDelay = 100 * time.Second }, asBackup(
			step{1, heard(lower, 50), "note"}, step{2, reload(func(s *Settings) { s.PreemptDelay = 3 * time.Second }), ""},
			step{3.9, heard(lower, 50), ""}, step{4, heard(lower, 50), ""}, step{7.50, Tick{}, ""}, step{7.51, Tick{}, takesOver})},
		{"a preempt_delay that has not begun does not count from the reload", nil, asBackup(
			step{1, reload(func(s *Settings) { s.PreemptDelay = 5 * time.Second }), ""},
			step{2, heard(lower, 50), "note"}, step{5.60, Tick{}, ""}, step{5.61, Tick{}, takesOver})},
		{"new addresses cause nothing until the takeover", nil, asBackup(
			step{1, reload(func(s *Settings) { s.Addresses = addrs("192.168.100.9") }), ""},
			step{afterStart, Tick{}, "advert 100; add .9; announce .9 x5; BACKUP to MASTER"})},
		{"a priority below the master that is being preempted starts the wait anew", nil, asBackup(
			step{1, heard(lower, 99), ""}, step{3.5, reload(func(s *Settings) { s.Priority = 99 }), "priority 100 to 99"},
			step{3.61, Tick{}, ""}, step{7.11, Tick{}, ""}, step{7.12, Tick{}, "advert 99; add .221; announce .221 x5; BACKUP to MASTER"})},
		{"an owner that becomes an ordinary member while it waits for the delay waits as such",
			func(s *Settings) { s.Priority, s.StartupDelay = 255, 5*time.Second }, asBackup(
				step{1, reload(nil), "priority 255 to 100"}, step{8.60, Tick{}, ""}, step{8.61, Tick{}, takesOver})},
		{"another interval of ours leaves the learned one alone", v3, asBackup(
			step{0.1, heard3(higher, 200, time.Second), "note"},
			step{0.2, reload(func(s *Settings) { v3(s); s.AdvertInterval = 50 * time.Millisecond }), ""},
			step{3.70, Tick{}, ""}, step{3.71, Tick{}, takesOver})},
	} {
		t.Run(test.name, func(t *testing.T) { run(t, testSettings(test.change), test.steps) })
	}
}

func TestReconfigureOutsideTheElection(t *testing.T) {
	prio50 := reload(func(s *Settings) { s.Priority = 50 })
	const takes = "advert 50; add .221; announce .221 x5; BACKUP to MASTER"
	run(t, testSettings(nil), []step{{0, prio50, "priority 100 to 50"}, {0, Start{}, begins}, {3.80, Tick{}, ""}, {3.81, Tick{}, takes}})
	run(t, testSettings(nil), asBackup(step{1, Fault{Reason: "cut"}, "BACKUP to FAULT"}, step{2, prio50, "priority 100 to 50"},
		step{3, NoFault{}, "FAULT to BACKUP"}, step{6.80, Tick{}, ""}, step{6.81, Tick{}, takes}))
}

func TestTheMachineKeepsItsOwnCopyOfTheSettings(t *testing.T) {
	s := testSettings(nil)
	m := NewMachine(s, epoch)
	s.Addresses[0] = addrs("10.9.9.9")[0]
	if got := describeAll(m.Handle(epoch, Start{})); got != begins {
		t.Errorf("after a change of the caller's slice: %s", got)
	}
}
