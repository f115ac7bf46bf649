package vrrp

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// tutorialSettings are those of u109lb11 (priority 11) and u109lb12 (12) in the
// tutorial's network.
func tutorialSettings(priority uint8, source string) Settings {
	s := DefaultSettings()
	s.Name = "SERVICE"
	s.VirtualRouterID = 110
	s.Priority = priority
	s.AuthType, s.Password = AuthPass, "def345"
	s.Addresses = addrs("192.168.100.221")
	s.SourceAddress = netip.MustParseAddr(source)
	s.StartState = Master
	return s
}

func TestValidateAccepts(t *testing.T) {
	for name, change := range map[string]func(*Settings){
		"the tutorial":            func(*Settings) {},
		"version 2 without VIPs":  func(s *Settings) { s.Addresses = nil },
		"version 3":               v3,
		"IPv6":                    v6,
		"IPv6 without link-local": func(s *Settings) { v6(s); s.Addresses = s.Addresses[1:] },
		"10 ms":                   func(s *Settings) { v3(s); s.AdvertInterval = 10 * time.Millisecond },
		"40.95 s":                 func(s *Settings) { v3(s); s.AdvertInterval = 40950 * time.Millisecond },
		"unicast":                 func(s *Settings) { s.Peers = []Peer{{addrs(higher)[0], 254, 255}, {addrs(lower)[0], 0, 0}} },
		"excluded of either kind": func(s *Settings) { s.ExcludedAddresses = addrs("10.0.0.1", "2001:db8::7") },
		"a zone at the source":    func(s *Settings) { v6(s); s.SourceAddress = s.SourceAddress.WithZone("enp1s0") },
	} {
		t.Run(name, func(t *testing.T) {
			if err := testSettings(change).Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Settings)
		want   string
	}{
		{"virtual router id 0", func(s *Settings) { s.VirtualRouterID = 0 }, "virtual router id 0 is outside 1 to 255"},
		{"priority 0", func(s *Settings) { s.Priority = 0 }, "priority 0 is outside 1 to 255"},
		{"an interval with a fraction", func(s *Settings) { s.AdvertInterval = 1200 * time.Millisecond }, "interval 1.2s is not a whole number"},
		{"an unknown authentication", func(s *Settings) { s.AuthType = 2 }, "authentication type 2 is not supported"},
		{"an empty password", func(s *Settings) { s.Password = "" }, "a password of 0 bytes"},
		{"a long password", func(s *Settings) { s.Password = "123456789" }, "a password of 9 bytes"},
		{"no source address", func(s *Settings) { s.SourceAddress = netip.Addr{} }, "there is no source address"},
		{"an IPv6 virtual address", func(s *Settings) { s.Addresses = addrs("2001:db8::1") }, "2001:db8::1 is not IPv4"},
		{"an address twice", func(s *Settings) { s.ExcludedAddresses = s.Addresses }, "192.168.100.221 is set twice"},
		{"an unset excluded address", func(s *Settings) { s.ExcludedAddresses = make([]netip.Addr, 1) }, "not an address"},
		{"version 4", func(s *Settings) { s.Version = 4 }, "version 4 is neither 2 nor 3"},
		{"IPv6 in version 2", func(s *Settings) { v6(s); s.Version, s.AdvertInterval = 2, time.Second }, "version 2 has no IPv6"},
		{"a password in version 3", func(s *Settings) { v3(s); s.AuthType = AuthPass }, "version 3 has no authentication PASS"},
		{"no address in version 3", func(s *Settings) { v3(s); s.Addresses = nil }, "demands an address"},
		{"an IPv4 virtual address in IPv6", func(s *Settings) { v6(s); s.Addresses = addrs("192.168.100.221") }, "192.168.100.221 is not IPv6"},
		{"a version 3 interval below 10 ms", func(s *Settings) { v3(s); s.AdvertInterval = time.Millisecond }, "interval 1ms is not a whole number of centiseconds"},
		{"a peer of another family", func(s *Settings) { s.Peers = []Peer{{Address: addrs(linkLocal2)[0]}} }, "another family than source address"},
		{"TTL bounds that nothing fits", func(s *Settings) { s.Peers = []Peer{{addrs(higher)[0], 250, 249}} }, "lowest TTL 250 above its highest 249"},
		{"a negative startup delay", func(s *Settings) { s.StartupDelay = -1 }, "startup delay -1ns is negative"},
		{"a start as FAULT", func(s *Settings) { s.StartState = Faulty }, "start state FAULT is neither"},
		{"a preempt delay beyond 1000 s", func(s *Settings) { s.PreemptDelay = 1001 * time.Second }, "preempt delay 16m41s"},
		{"a down timer of 0 adverts", func(s *Settings) { s.DownTimerAdverts = 0 }, "down timer of 0 adverts"},
		{"a negative GARP count", func(s *Settings) { s.GARP.LowerPrioRepeat = -1 }, "GARP count is negative"},
		{"a negative GARP time", func(s *Settings) { s.GARP.MasterRefresh = -1 }, "GARP time is negative"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := tutorialSettings(11, "192.168.100.211")
			test.change(&s)
			err := s.Validate()
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "SERVICE") {
				t.Errorf("error %q does not name the instance and say %q", err, test.want)
			}
		})
	}
}

func TestTimersFollowThePriority(t *testing.T) {
	for _, test := range []struct {
		name              string
		version           int
		priority          uint8
		interval          time.Duration
		adverts           int
		skew, lease, down time.Duration
	}{
		{"the tutorial's backup", 2, 11, time.Second, 3, 957031250, 3 * time.Second, 3957031250},
		{"the tutorial's master", 2, 12, time.Second, 3, 953125 * time.Microsecond, 3 * time.Second, 3953125 * time.Microsecond},
		{"the address owner", 2, 255, time.Second, 3, 3906250, 3 * time.Second, 3003906250},
		{"the lowest priority at a slow interval", 2, 1, 10 * time.Second, 3, 996093750, 30 * time.Second, 30996093750},
		{"two missed adverts", 2, 128, time.Second, 2, 500 * time.Millisecond, 2 * time.Second, 2500 * time.Millisecond},
		{"version 3 at its fastest", 3, 128, 10 * time.Millisecond, 3, 5 * time.Millisecond, 30 * time.Millisecond, 35 * time.Millisecond},
		{"version 3: the skew is a part of the interval, too, where it is longer than a second",
			3, 128, 10 * time.Second, 3, 5 * time.Second, 30 * time.Second, 35 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Settings{Version: test.version, Priority: test.priority, AdvertInterval: test.interval, DownTimerAdverts: test.adverts}
			if got := s.SkewTime(); got != test.skew {
				t.Errorf("SkewTime %v, want %v", got, test.skew)
			}
			if got := s.LeaseDuration(); got != test.lease {
				t.Errorf("LeaseDuration %v, want %v", got, test.lease)
			}
			if got := s.DownInterval(); got != test.down {
				t.Errorf("DownInterval %v, want %v", got, test.down)
			}
		})
	}
}
