package schedule

import (
	"slices"
	"testing"
)

func TestTheLayoutOfSourceHash(t *testing.T) {
	for name, test := range map[string]struct {
		weights, begin, end []int
	}{
		"one server has every slot":               {[]int{3}, []int{0, 0}, []int{0, 0}},
		"equal servers take turns, as in IPVS":    {[]int{1, 1, 1}, []int{0, 1, 2, 0, 1, 2}, []int{2, 0}},
		"so they do when their weights are large": {[]int{300, 300, 300}, []int{0, 1, 2, 0, 1, 2}, []int{2, 0}},
		"others as often as their weights say":    {[]int{1, 3}, []int{1, 0, 1, 1, 1, 0, 1, 1}, []int{1, 1}},
		"weight 0 has no slot":                    {[]int{1, 0, 1}, []int{0, 2, 0, 2}, []int{0, 2}},
		"the least does not shift the largest":    {[]int{65535, 1, 65535}, []int{0, 2, 0, 2}, []int{2, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			table := SourceHash(weighing(test.weights...))
			begin, end := table[:len(test.begin)], table[len(table)-len(test.end):]
			if !slices.Equal(begin, test.begin) || !slices.Equal(end, test.end) {
				t.Errorf("begins with %v and ends with %v, want %v and %v", begin, end, test.begin, test.end)
			}
		})
	}
}

func TestTheSizeOfSourceHash(t *testing.T) {
	for name, test := range map[string]struct {
		servers []Server
		slots   int
	}{
		"32 have 8 slots each in IPVS's table":           {equal(32), 256},
		"33 need a larger one":                           {equal(33), 512},
		"weight 0 counts, so that the size stays":        {append(equal(32), weighing(0)...), 512},
		"200 have at least 8 slots each":                 {equal(200), 2048},
		"1000 share the largest table":                   {equal(1000), 4096},
		"more servers than slots leave some without one": {equal(5000), 4096},
	} {
		t.Run(name, func(t *testing.T) {
			if got := len(SourceHash(test.servers)); got != test.slots {
				t.Errorf("%d slots, want %d", got, test.slots)
			}
		})
	}
}

func TestEachServerHasItsShareOfTheSourceHashTable(t *testing.T) {
	for name, weights := range shares {
		t.Run(name, func(t *testing.T) {
			servers := weighing(weights...)
			table := SourceHash(servers)
			checkShares(t, servers, table, len(table))
		})
	}
}
