package schedule

import (
	"hash/fnv"
	"net/netip"
	"testing"
)

// vipOf returns one of 65536 VIPs.
func vipOf(n int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, byte(n >> 8), byte(n)}) }

func TestHashIsFNV1aMixed(t *testing.T) {
	for _, key := range []string{"", "a", "192.0.2.7:80", "[2001:db8::7]:443"} {
		oracle := fnv.New64a()
		oracle.Write([]byte(key))
		if got, want := hash(key), mix(oracle.Sum64()); got != want {
			t.Errorf("hash(%q) = %#x, want %#x", key, got, want)
		}
		if hash(key) != hash([]byte(key)) {
			t.Errorf("%q has another hash as bytes", key)
		}
	}
}

// The first numbers that SplitMix64 makes from seed 0: it mixes the multiples of the golden ratio.
func TestMixIsTheFinalizerOfSplitMix64(t *testing.T) {
	const golden = uint64(0x9e3779b97f4a7c15)
	for n, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := mix(uint64(n+1) * golden); got != want {
			t.Errorf("number %d is %#x, want %#x", n, got, want)
		}
	}
}

func TestDestination(t *testing.T) {
	vip := netip.MustParseAddr("192.0.2.100")
	for name, test := range map[string]struct {
		weights []int
		vip     netip.Addr
		want    int
	}{
		"nobody takes nothing":            {nil, vip, -1},
		"weight 0 takes nothing":          {[]int{0, 0}, vip, -1},
		"the only one takes every VIP":    {[]int{0, 3, 0}, vip, 1},
		"an IPv6 VIP is one as well":      {[]int{0, 3}, netip.MustParseAddr("2001:db8::100"), 1},
		"a VIP is the same for all nodes": {[]int{1, 1, 1, 1, 1}, vip, 3},
		"weights make no difference":      {[]int{65535, 9, 1, 2, 65535}, vip, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Destination(weighing(test.weights...), test.vip); got != test.want {
				t.Errorf("Destination of weights %v for %s is %d, want %d", test.weights, test.vip, got, test.want)
			}
		})
	}
}

func TestAnIPv4VIPInIPv6FormIsTheSameVIP(t *testing.T) {
	servers := equal(10)
	for n := range 100 {
		vip := vipOf(n)
		if plain, mapped := Destination(servers, vip), Destination(servers, netip.AddrFrom16(vip.As16())); plain != mapped {
			t.Errorf("%s goes to server %d, in IPv6 form to %d", vip, plain, mapped)
		}
	}
}

func TestOnlyTheVIPsOfTheServerThatLeavesMove(t *testing.T) {
	const vips = 10000
	servers := equal(10)
	rest := without(servers, 4)
	moved := 0
	for n := range vips {
		before, after := Destination(servers, vipOf(n)), Destination(rest, vipOf(n))
		if before == 4 {
			moved++
		} else if servers[before].Key != rest[after].Key {
			t.Fatalf("%s moved from %s to %s", vipOf(n), servers[before].Key, rest[after].Key)
		}
	}
	if moved < vips*9/100 || moved > vips*11/100 {
		t.Errorf("%d of %d VIPs were on one of 10 servers, want 9 to 11 percent", moved, vips)
	}
}
