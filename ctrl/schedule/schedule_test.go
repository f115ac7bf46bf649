package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// weighing makes servers of these weights with different keys.
func weighing(weights ...int) []Server {
	servers := make([]Server, len(weights))
	for i, w := range weights {
		servers[i] = Server{Key: fmt.Sprintf("198.18.%d.%d:80", i/250, i%250+1), Weight: w}
	}
	return servers
}

// equal makes n servers of weight 1.
func equal(n int) []Server { return weighing(slices.Repeat([]int{1}, n)...) }

// ascending makes n servers of the weights 1 to n.
func ascending(n int) []Server {
	servers := equal(n)
	for i := range servers {
		servers[i].Weight = i + 1
	}
	return servers
}

// without returns the servers but one.
func without(servers []Server, i int) []Server { return slices.Delete(slices.Clone(servers), i, i+1) }

// keys writes a result with the servers' keys, which do not depend on their order; "" for -1.
func keys(servers []Server, result []int) []string {
	list := make([]string, len(result))
	for n, i := range result {
		if i >= 0 {
			list[n] = servers[i].Key
		}
	}
	return list
}

// counts says how often each of n servers is in a result.
func counts(result []int, n int) []int {
	list := make([]int, n)
	for _, i := range result {
		list[i]++
	}
	return list
}

func weightsOf(servers []Server) []int {
	weights := make([]int, len(servers))
	for i, s := range servers {
		weights[i] = s.Weight
	}
	return weights
}

// behindAtMost is what Turns says of n servers: 1/2 + 1/3 + ... + 1/n.
func behindAtMost(n int) float64 {
	bound := 0.0
	for i := 2; i <= n; i++ {
		bound += 1 / float64(i)
	}
	return bound
}

func TestByWeight(t *testing.T) {
	for name, test := range map[string]struct {
		weights, want []int
	}{
		"nobody is preferred to nobody":     {nil, nil},
		"the highest weight is first":       {[]int{1, 3, 2}, []int{1, 2, 0}},
		"equal weights stay in their order": {[]int{5, 7, 5, 7}, []int{1, 3, 0, 2}},
		"so do many": {slices.Repeat([]int{1, 2}, 20), []int{
			1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39,
			0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38,
		}},
		"weight 0 is left out":                {[]int{0, 1, 0, 65535}, []int{3, 1}},
		"nothing but weight 0 leaves nothing": {[]int{0, 0}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ByWeight(weighing(test.weights...)); !slices.Equal(got, test.want) {
				t.Errorf("ByWeight of weights %v is %v, want %v", test.weights, got, test.want)
			}
		})
	}
}

func TestWithoutServersThereIsNoResult(t *testing.T) {
	for name, servers := range map[string][]Server{"none": nil, "two of weight 0": weighing(0, 0)} {
		for function, result := range map[string][]int{
			"Turns": Turns(servers, 100), "Maglev": Maglev(servers, 13), "SourceHash": SourceHash(servers),
			"ByWeight": ByWeight(servers),
		} {
			if len(result) != 0 {
				t.Errorf("%s of %s is %v", function, name, result)
			}
		}
	}
}

func TestNoFunctionChangesItsServers(t *testing.T) {
	servers := weighing(65535, 1, 0, 300)
	slices.Reverse(servers)
	before := slices.Clone(servers)
	Turns(servers, 100)
	Maglev(servers, 251)
	SourceHash(servers)
	ByWeight(servers)
	if !slices.Equal(servers, before) {
		t.Errorf("servers are now %v, were %v", servers, before)
	}
}

func TestTheOrderOfTheServersMakesNoDifferenceToHashing(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 50 {
		servers := equal(1 + rng.IntN(60))
		for i := range servers {
			servers[i].Weight = rng.IntN(8)
		}
		shuffled := slices.Clone(servers)
		rng.Shuffle(len(shuffled), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
		if !slices.Equal(keys(servers, Maglev(servers, 1021)), keys(shuffled, Maglev(shuffled, 1021))) {
			t.Fatalf("Maglev of %v differs from that of %v", servers, shuffled)
		}
		if !slices.Equal(keys(servers, SourceHash(servers)), keys(shuffled, SourceHash(shuffled))) {
			t.Fatalf("SourceHash of %v differs from that of %v", servers, shuffled)
		}
		a, b := []int{Destination(servers, vipOf(1))}, []int{Destination(shuffled, vipOf(1))}
		if !slices.Equal(keys(servers, a), keys(shuffled, b)) {
			t.Fatalf("Destination of %v differs from that of %v", servers, shuffled)
		}
	}
}
