package ctrl

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"drover/dataplane"
)

// sharesOf numbers weights from 1.
func sharesOf(weights ...int) []share {
	shares := make([]share, len(weights))
	for i, w := range weights {
		shares[i] = share{dataplane.RealID(i + 1), w}
	}
	return shares
}

// turnsOf counts how often each share of sharesOf takes its turn.
func turnsOf(schedule []dataplane.RealID, shares int) []int {
	turns := make([]int, shares)
	for _, id := range schedule {
		turns[id-1]++
	}
	return turns
}

func TestInterleave(t *testing.T) {
	for name, test := range map[string]struct {
		weights []int
		want    []dataplane.RealID
	}{
		"nobody has no turns":                             {nil, nil},
		"one real server takes every turn":                {[]int{7}, []dataplane.RealID{1}},
		"two of the same weight alternate":                {[]int{1, 1}, []dataplane.RealID{1, 2}},
		"the same weight is the same whatever it is":      {[]int{65535, 65535, 65535}, []dataplane.RealID{1, 2, 3}},
		"three to one is spread":                          {[]int{3, 1}, []dataplane.RealID{1, 1, 2, 1}},
		"five to one to one is spread as nginx does":      {[]int{5, 1, 1}, []dataplane.RealID{1, 1, 2, 1, 3, 1, 1}},
		"a common divisor makes no difference":            {[]int{300, 100}, []dataplane.RealID{1, 1, 2, 1}},
		"weight 0 takes no turn":                          {[]int{0, 2, 2}, []dataplane.RealID{2, 3}},
		"weight 0 does not disturb the divisor":           {[]int{4, 0, 2}, []dataplane.RealID{1, 3, 1}},
		"nothing but weight 0 is an empty schedule":       {[]int{0, 0}, nil},
		"a single huge weight beside 0 is still one turn": {[]int{65535, 0}, []dataplane.RealID{1}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := interleave(sharesOf(test.weights...)); !slices.Equal(got, test.want) {
				t.Errorf("interleave(%v) = %v, want %v", test.weights, got, test.want)
			}
		})
	}
}

func TestInterleaveLeavesItsArgumentAlone(t *testing.T) {
	shares := sharesOf(65535, 1, 0, 300)
	before := slices.Clone(shares)
	interleave(shares)
	if !slices.Equal(shares, before) {
		t.Errorf("shares are now %v, were %v", shares, before)
	}
}

func TestWeightsThatFitGiveExactlyTheirTurns(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		weights := make([]int, 1+rng.IntN(10))
		for i := range weights {
			weights[i] = rng.IntN(100)
		}
		divisor := 0
		for _, w := range weights {
			divisor = gcd(divisor, w)
		}
		turns := turnsOf(interleave(sharesOf(weights...)), len(weights))
		for i, w := range weights {
			if turns[i]*divisor != w {
				t.Fatalf("weights %v: turns %v, want these weights by %d", weights, turns, divisor)
			}
		}
	}
}

// The claim of maxTurns.
func TestRoundingMovesAShareByLessThanOnePartInAThousand(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	cases := [][]int{
		{65535, 1}, {1000, 1001, 1003}, {65535, 65534, 65533, 2}, append(slices.Repeat([]int{199}, 257), 51200, 51199),
		append(slices.Repeat([]int{1}, 900), slices.Repeat([]int{65535}, 100)...), slices.Repeat([]int{1, 2}, 1000),
	}
	for range 300 {
		weights := make([]int, 1+rng.IntN(60))
		for i := range weights {
			weights[i] = rng.IntN(1 << (1 + rng.IntN(16)))
		}
		cases = append(cases, weights)
	}
	for _, weights := range cases {
		checkAccuracy(t, weights)
	}
}

func checkAccuracy(t *testing.T, weights []int) {
	t.Helper()
	total, given := 0, 0
	for _, w := range weights {
		total += w
	}
	for _, w := range weights {
		if w > 0 && w*maxTurns < total {
			given++
		}
	}
	schedule := interleave(sharesOf(weights...))
	if len(schedule) > maxTurns+given {
		t.Errorf("weights %v: %d turns, want at most %d and %d that were given", weights, len(schedule), maxTurns, given)
	}
	for i, n := range turnsOf(schedule, len(weights)) {
		if (n == 0) != (weights[i] == 0) {
			t.Errorf("weights %v: weight %d has %d turns", weights, weights[i], n)
		}
		if n == 0 {
			continue
		}
		moved := math.Abs(float64(n)/float64(len(schedule)) - float64(weights[i])/float64(total))
		if moved >= 0.001*float64(1+given) {
			t.Errorf("weights %v: the share of number %d is moved by %.5f; %d turns were given", weights, i, moved, given)
		}
	}
}

func TestAScheduleAlwaysFitsTheTable(t *testing.T) {
	for name, weights := range map[string][]int{
		"as many real servers as there are ids":   slices.Repeat([]int{1}, dataplane.MaxReals),
		"one giant among as many as there can be": append(slices.Repeat([]int{1}, dataplane.MaxReals-1), 65535),
		"every weight another":                    ascending(dataplane.MaxReals),
		"some thousand of two kinds":              slices.Repeat([]int{1, 65535}, 1536),
	} {
		t.Run(name, func(t *testing.T) {
			shares, total := scale(sharesOf(weights...)), 0
			for _, s := range shares {
				if s.weight < 1 {
					t.Fatalf("real server %d has %d turns", s.id, s.weight)
				}
				total += s.weight
			}
			if total > dataplane.MaxSchedule {
				t.Errorf("%d turns, the table takes %d", total, dataplane.MaxSchedule)
			}
		})
	}
}

func ascending(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i + 1
	}
	return list
}

func TestGCD(t *testing.T) {
	for _, test := range []struct{ a, b, want int }{
		{0, 0, 0}, {0, 5, 5}, {5, 0, 5}, {12, 18, 6}, {18, 12, 6}, {7, 13, 1}, {65535, 65535, 65535},
	} {
		if got := gcd(test.a, test.b); got != test.want {
			t.Errorf("gcd(%d, %d) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
