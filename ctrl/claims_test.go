package ctrl

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"drover/dataplane"
)

func prefixOf(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func TestAClaimIsNewsOnce(t *testing.T) {
	c := make(claims)
	vip, other := netip.MustParseAddr("192.168.100.221"), netip.MustParseAddr("192.168.100.222")
	first := claim{vip, "02:00:00:00:00:01"}
	if !c.hear(noon, first) {
		t.Error("the first is no news")
	}
	if c.hear(noon.Add(claimProbeInterval), first) {
		t.Error("the same is news again")
	}
	if !c.hear(noon, claim{vip, "02:00:00:00:00:02"}) || !c.hear(noon, claim{other, "02:00:00:00:00:01"}) {
		t.Error("another host's claim, or one of another VIP, is no news")
	}
}

func TestAClaimThatIsNotHeardAgainIsForgotten(t *testing.T) {
	c := make(claims)
	once := claim{netip.MustParseAddr("192.168.100.221"), "02:00:00:00:00:01"}
	again := claim{netip.MustParseAddr("192.168.100.221"), "02:00:00:00:00:02"}
	c.hear(noon, once)
	c.hear(noon, again)
	c.hear(noon.Add(claimProbeInterval), again)
	c.forget(noon.Add(claimLifetime))
	if len(c) != 2 {
		t.Fatalf("%d claims at the end of the lifetime, want both", len(c))
	}
	c.forget(noon.Add(claimLifetime + 1))
	if _, there := c[once]; there || len(c) != 1 {
		t.Errorf("%v after the lifetime, want only the one that was heard again", c)
	}
	if !c.hear(noon.Add(2*claimLifetime), once) {
		t.Error("a forgotten claim is no news when it comes back")
	}
}

func TestAClaimOutlivesTwoProbesThatAreNotAnswered(t *testing.T) {
	if claimLifetime <= 2*claimProbeInterval {
		t.Errorf("a claim lives %s, and is probed every %s", claimLifetime, claimProbeInterval)
	}
}

func TestTheRemedySaysWhatToDoAndIsAlwaysTheSame(t *testing.T) {
	mac := dataplane.MAC{2, 0, 0, 0, 0, 1}
	const want = "answers ARP for the VIP 192.168.100.99, so clients may reach it past the balancer: on it, hold " +
		"192.168.100.99/32 on lo and set net.ipv4.conf.all.arp_ignore=1 and net.ipv4.conf.all.arp_announce=2"
	vips := []string{"192.168.100.221", "192.168.100.99", "192.168.101.1"}
	for range 20 { // the order of a map is another each time
		c := make(claims)
		for _, vip := range vips {
			c.hear(noon, claim{netip.MustParseAddr(vip), mac.String()})
		}
		c.hear(noon, claim{netip.MustParseAddr("10.0.0.1"), "02:00:00:00:00:02"})
		if got := c.remedyFor(mac); got != want {
			t.Fatalf("remedy %q, want %q", got, want)
		}
		if got := c.by(mac); !slices.IsSortedFunc(got, netip.Addr.Compare) || len(got) != len(vips) {
			t.Fatalf("claimed by it: %v, want these three in order", got)
		}
	}
}

func TestWhoClaimsNothingNeedsNoRemedy(t *testing.T) {
	c := make(claims)
	c.hear(noon, claim{netip.MustParseAddr("192.168.100.221"), "02:00:00:00:00:01"})
	for _, mac := range []dataplane.MAC{{}, {2, 0, 0, 0, 0, 2}} {
		if got := c.remedyFor(mac); strings.TrimSpace(got) != "" {
			t.Errorf("remedy for %v: %q, want none", mac, got)
		}
	}
}
