package ctrl

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/netif"
)

func TestMain(m *testing.M) {
	testbed.RunChild()
	m.Run()
}

// twoFamilies makes a balancer and a real server, each with an IPv4 and an IPv6 address.
func twoFamilies(t *testing.T) (balancer, server *testbed.Host) {
	t.Helper()
	testbed.Require(t)
	lab, err := testbed.New(testbed.Options{Name: "segment"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	add := func(name string, addresses ...string) *testbed.Host {
		spec := testbed.HostSpec{Name: name}
		for _, a := range addresses {
			spec.Addresses = append(spec.Addresses, netip.MustParsePrefix(a))
		}
		host, err := lab.AddHost(spec)
		if err != nil {
			t.Fatal(err)
		}
		return host
	}
	return add("balancer", "192.168.100.210/24", "2001:db8::210/64"), add("web150", "192.168.100.150/24", "2001:db8::150/64")
}

// openSegment opens a host's segment until the test ends; what it finds comes over the channels.
func openSegment(t *testing.T, h *testbed.Host) (s *segment, found <-chan netif.Neighbor, claims <-chan netip.Addr) {
	t.Helper()
	neighbors, claimed := make(chan netif.Neighbor, 64), make(chan netip.Addr, 64)
	s = &segment{
		ifname: h.Interface(), log: slog.New(slog.DiscardHandler),
		heard:   func(n netif.Neighbor) { neighbors <- n },
		claimed: func(vip netip.Addr, _ netif.Observation) { claimed <- vip },
		recall:  func() map[netip.Addr]net.HardwareAddr { return nil },
	}
	if err := h.Do(func() error { return s.open(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s, neighbors, claimed
}

func awaitMatch[T any](t *testing.T, values <-chan T, what string, matches func(T) bool) {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case v := <-values:
			if matches(v) {
				return
			}
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestASegmentResolvesRealServersOfBothFamilies(t *testing.T) {
	balancer, server := twoFamilies(t)
	s, found, _ := openSegment(t, balancer)
	mac := server.MAC().String()
	for _, target := range []string{"192.168.100.150", "2001:db8::150"} { // each time the other one is dropped
		address := netip.MustParseAddr(target)
		s.follow(nil, []netip.Addr{address})
		awaitMatch(t, found, target, func(n netif.Neighbor) bool {
			return n.Address == address && n.Resolved && n.MAC.String() == mac
		})
	}
}

func TestASegmentFollowsTargetsThatWereGivenBeforeItOpened(t *testing.T) {
	balancer, _ := twoFamilies(t)
	s, found, _ := openSegment(t, balancer)
	s.close()
	both := []netip.Addr{netip.MustParseAddr("192.168.100.150"), netip.MustParseAddr("2001:db8::150")}
	s.follow(nil, both)
	if err := balancer.Do(func() error { return s.open(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	resolved := map[netip.Addr]bool{}
	awaitMatch(t, found, "both real servers", func(n netif.Neighbor) bool {
		resolved[n.Address] = n.Resolved
		return resolved[both[0]] && resolved[both[1]]
	})
}

func TestASegmentHearsAClaimOfAnIPv4VIPWithIPv6VIPsBesideIt(t *testing.T) {
	balancer, server := twoFamilies(t)
	s, _, claims := openSegment(t, balancer)
	vip4, vip6 := netip.MustParseAddr("192.168.100.221"), netip.MustParseAddr("2001:db8::221")
	s.follow(map[netip.Addr]bool{vip6: true, vip4: true}, nil)
	for _, vip := range []netip.Addr{vip6, vip4} {
		if err := s.probe(vip); err != nil {
			t.Errorf("probe %s: %v", vip, err)
		}
	}
	announceOnce(t, server, vip4)
	awaitMatch(t, claims, "the claim", func(vip netip.Addr) bool { return vip == vip4 })
}

func TestAClosedSegmentIsAway(t *testing.T) {
	balancer, _ := twoFamilies(t)
	s, _, _ := openSegment(t, balancer)
	s.close()
	if err := s.probe(netip.MustParseAddr("192.168.100.221")); !errors.Is(err, errAway) {
		t.Errorf("probe: %v", err)
	}
}
