package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTurns(t *testing.T) {
	for name, test := range map[string]struct {
		weights, want []int
	}{
		"nobody has no turns":                                         {nil, nil},
		"one server takes every turn":                                 {[]int{7}, []int{0}},
		"two of the same weight alternate":                            {[]int{1, 1}, []int{0, 1}},
		"the same weight is the same whatever it is":                  {[]int{65535, 65535, 65535}, []int{0, 1, 2}},
		"one, two and three":                                          {[]int{1, 2, 3}, []int{2, 1, 0, 2, 1, 2}},
		"three to one is spread":                                      {[]int{3, 1}, []int{0, 0, 1, 0}},
		"five to one to one is spread":                                {[]int{5, 1, 1}, []int{0, 0, 1, 0, 2, 0, 0}},
		"a common divisor makes no difference":                        {[]int{300, 100}, []int{0, 0, 1, 0}},
		"weight 0 takes no turn":                                      {[]int{0, 2, 2}, []int{1, 2}},
		"weight 0 does not disturb the divisor":                       {[]int{4, 0, 2}, []int{0, 2, 0}},
		"nothing but weight 0 is an empty schedule":                   {[]int{0, 0}, nil},
		"a single huge weight beside 0 is still one turn":             {[]int{65535, 0}, []int{0}},
		"nearly equal weights are equal if there is room for no more": {[]int{65535, 65534}, []int{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Turns(weighing(test.weights...), 1024); !slices.Equal(got, test.want) {
				t.Errorf("Turns of weights %v is %v, want %v", test.weights, got, test.want)
			}
		})
	}
}

// textbook is smooth weighted round robin, one server and one turn after another. Weights without a common divisor.
func textbook(weights []int) []int {
	credit := make([]int, len(weights))
	var turns []int
	for range sum(weights) {
		best := 0
		for i, w := range weights {
			credit[i] += w
			if credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= sum(weights)
		turns = append(turns, best)
	}
	return turns
}

func TestTurnsAreThoseOfSmoothWeightedRoundRobin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		weights := make([]int, 1+rng.IntN(24))
		highest := 1 + rng.IntN(12)
		for i := range weights {
			weights[i] = 1 + rng.IntN(highest)
		}
		want := textbook(reduce(weights))
		if got := Turns(weighing(weights...), len(want)); !slices.Equal(got, want) {
			t.Fatalf("weights %v\ngot  %v\nwant %v", weights, got, want)
		}
	}
}

// uneven are weights for the bounds of Turns: the plain ones, and those on which a search found it to do worst.
func uneven() map[string][]int {
	cases := map[string][]int{
		"one, two and three":           {1, 2, 3},
		"the largest beside the least": {65535, 1},
		"200 equal":                    slices.Repeat([]int{1}, 200),
		"200 different":                weightsOf(ascending(200)),
		"1000 of two kinds":            slices.Repeat([]int{1, 3}, 500),
		"two tiers":                    tiers(6, 55, 6, 1),
		"three tiers":                  tiers(12, 1, 6, 10, 4, 318),
		"three tiers of many":          tiers(29, 14, 208, 1, 9, 2262),
		"a giant over three tiers":     tiers(27, 52, 25, 7, 124, 1, 1, 2459),
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for n := range 50 {
		weights := make([]int, 2+rng.IntN(40))
		for i := range weights {
			weights[i] = 1 + rng.IntN(1<<(1+rng.IntN(8)))
		}
		cases[fmt.Sprintf("random %d", n)] = weights
	}
	return cases
}

// tiers lists weights by number: so many of this weight, so many of that.
func tiers(numbers ...int) []int {
	var weights []int
	for pair := range slices.Chunk(numbers, 2) {
		weights = append(weights, slices.Repeat(pair[1:], pair[0])...)
	}
	return weights
}

func TestAfterAnyNumberOfTurnsEachServerHasHadItsShare(t *testing.T) {
	for name, weights := range uneven() {
		t.Run(name, func(t *testing.T) {
			turns := Turns(weighing(weights...), sum(weights))
			total, had, bound := sum(weights), make([]int, len(weights)), behindAtMost(len(weights))
			check := func(i, after int) {
				ahead := float64(had[i]*total-after*weights[i]) / float64(total)
				if ahead >= 1 || ahead < -bound-1e-9 {
					t.Fatalf("after %d turns server %d of weight %d has had %d, which is %.3f ahead; want -%.3f to 1",
						after, i, weights[i], had[i], ahead, bound)
				}
			}
			for n, i := range turns {
				check(i, n) // now it is most behind
				had[i]++
				check(i, n+1) // now it is most ahead
			}
			for i := range weights {
				check(i, len(turns))
			}
		})
	}
}

func TestNoServerWaitsLongerThanTheBoundAllows(t *testing.T) {
	for name, weights := range uneven() {
		t.Run(name, func(t *testing.T) {
			turns, bound := Turns(weighing(weights...), sum(weights)), 1+behindAtMost(len(weights))
			for i, gaps := range distances(turns, len(weights)) {
				between := float64(slices.Max(gaps)-1) * float64(weights[i]) / float64(sum(weights))
				if between > bound+1e-9 {
					t.Errorf("server %d of weight %d was passed over for %.2f turns of its share, want at most %.2f",
						i, weights[i], between, bound)
				}
			}
		})
	}
}

func TestTheTurnsOfTwoServersAreAsEvenAsCanBe(t *testing.T) {
	for a := 1; a <= 40; a++ {
		for b := 1; b <= 40; b++ {
			for i, gaps := range distances(Turns(weighing(a, b), 80), 2) {
				if slices.Max(gaps)-slices.Min(gaps) > 1 {
					t.Fatalf("weights %d and %d: turns of server %d lie %v apart", a, b, i, gaps)
				}
			}
		}
	}
}

// distances lists how far apart the turns of each server lie, the last and the first of the next round included.
func distances(turns []int, servers int) [][]int {
	gaps, last := make([][]int, servers), make([]int, servers)
	for round := range 2 {
		for n, i := range turns {
			at := round*len(turns) + n + 1
			if last[i] > 0 {
				gaps[i] = append(gaps[i], at-last[i])
			}
			last[i] = at
		}
	}
	return gaps
}
