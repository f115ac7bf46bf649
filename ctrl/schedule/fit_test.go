package schedule

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFit(t *testing.T) {
	for name, test := range map[string]struct {
		weights []int
		limit   int
		want    []int
	}{
		"weights that fit stay":                     {[]int{1, 2, 3}, 6, []int{1, 2, 3}},
		"a common divisor goes":                     {[]int{30, 60, 90}, 6, []int{1, 2, 3}},
		"the largest remainder gets what is left":   {[]int{5, 3, 1}, 8, []int{4, 3, 1}},
		"of equal remainders the first gets it":     {[]int{3, 3, 2}, 7, []int{3, 2, 2}},
		"the least gets one seat":                   {[]int{65535, 1}, 100, []int{99, 1}},
		"all the least get one seat":                {[]int{1, 65535, 1, 1}, 10, []int{1, 7, 1, 1}},
		"one seat may put the next below its quota": {[]int{1, 100, 400}, 5, []int{1, 1, 3}},
		"one seat each is the least there can be":   {[]int{9, 5, 1}, 2, []int{1, 1, 1}},
		"what was fitted is reduced again":          {[]int{1001, 1000}, 100, []int{1, 1}},
		"many equal ones need no fitting":           {[]int{7, 7, 7, 7}, 1, []int{1, 1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fit(test.weights, test.limit); !slices.Equal(got, test.want) {
				t.Errorf("fit(%v, %d) = %v, want %v", test.weights, test.limit, got, test.want)
			}
		})
	}
}

func TestWeightsThatNeedNoMoreThanTheLimitAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		weights := make([]int, 1+rng.IntN(10))
		for i := range weights {
			weights[i] = 1 + rng.IntN(100)
		}
		least := reduce(weights)
		if got := fit(weights, sum(least)); !slices.Equal(got, least) {
			t.Fatalf("fit(%v, %d) = %v, want %v", weights, sum(least), got, least)
		}
	}
}

func TestFittingMovesAShareByLessThanItsBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	cases := [][]int{
		{65535, 1}, {1000, 1001, 1003}, {65535, 65534, 65533, 2}, append(slices.Repeat([]int{199}, 257), 51200, 51199),
		append(slices.Repeat([]int{1}, 900), slices.Repeat([]int{65535}, 100)...), slices.Repeat([]int{1, 2}, 1000),
	}
	for range 300 {
		weights := make([]int, 1+rng.IntN(60))
		for i := range weights {
			weights[i] = 1 + rng.IntN(1<<(1+rng.IntN(16)))
		}
		cases = append(cases, weights)
	}
	for _, weights := range cases {
		for _, limit := range []int{64, 256, 1024, 4093} {
			checkFit(t, weights, limit)
		}
	}
}

// checkFit holds the claims of Turns about a limit.
func checkFit(t *testing.T, weights []int, limit int) {
	t.Helper()
	fitted := fit(weights, limit)
	seats, total := sum(fitted), sum(weights)
	if seats > max(limit, len(weights)) {
		t.Fatalf("fit(%v, %d): %d turns", weights, limit, seats)
	}
	given := 0
	for _, w := range weights {
		if w*max(limit, len(weights)) < total {
			given++
		}
	}
	for i, n := range fitted {
		moved := math.Abs(float64(n)/float64(seats) - float64(weights[i])/float64(total))
		if bound := float64(1+given) / float64(limit); n < 1 || moved >= bound {
			t.Fatalf("fit(%v, %d): server %d has %d of %d turns, its share is moved by %.5f, want less than %.5f",
				weights, limit, i, n, seats, moved, bound)
		}
	}
}

func FuzzFit(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0, 255}, uint16(6))
	f.Add([]byte{255, 255, 0, 1}, uint16(0))
	f.Add([]byte{}, uint16(1024))
	f.Fuzz(func(t *testing.T, raw []byte, limit uint16) {
		var weights []int
		for i := 0; i+1 < len(raw) && i < 600; i += 2 {
			if w := int(raw[i])<<8 | int(raw[i+1]); w > 0 {
				weights = append(weights, w)
			}
		}
		if len(weights) == 0 {
			return
		}
		most := int(limit)%4096 + 1
		checkFit(t, weights, most)
		fitted, turns := fit(weights, most), Turns(weighing(weights...), most)
		if got := counts(turns, len(weights)); !slices.Equal(got, fitted) {
			t.Fatalf("weights %v, limit %d: turns %v, want %v", weights, most, got, fitted)
		}
	})
}
