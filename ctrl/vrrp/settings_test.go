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

func TestValidateAcceptsTheTutorial(t *testing.T) {
	if err := tutorialSettings(11, "192.168.100.211").Validate(); err != nil {
		t.Error(err)
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
		{"no source address", func(s *Settings) { s.SourceAddress = netip.Addr{} }, "source address invalid IP is not IPv4"},
		{"an IPv6 virtual address", func(s *Settings) { s.Addresses = addrs("2001:db8::1") }, "2001:db8::1 is not IPv4"},
		{"an address twice", func(s *Settings) { s.ExcludedAddresses = s.Addresses }, "192.168.100.221 is set twice"},
		{"an unset excluded address", func(s *Settings) { s.ExcludedAddresses = make([]netip.Addr, 1) }, "not an address"},
		{"a start as FAULT", func(s *Settings) { s.StartState = Fault }, "start state FAULT is neither"},
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
		priority          uint8
		interval          time.Duration
		adverts           int
		skew, lease, down time.Duration
	}{
		{"the tutorial's backup", 11, time.Second, 3, 957031250, 3 * time.Second, 3957031250},
		{"the tutorial's master", 12, time.Second, 3, 953125 * time.Microsecond, 3 * time.Second, 3953125 * time.Microsecond},
		{"the address owner", 255, time.Second, 3, 3906250, 3 * time.Second, 3003906250},
		{"the lowest priority at a slow interval", 1, 10 * time.Second, 3, 996093750, 30 * time.Second, 30996093750},
		{"two missed adverts", 128, time.Second, 2, 500 * time.Millisecond, 2 * time.Second, 2500 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Settings{Priority: test.priority, AdvertInterval: test.interval, DownTimerAdverts: test.adverts}
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
