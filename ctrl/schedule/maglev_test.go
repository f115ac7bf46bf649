package schedule

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMaglevSize(t *testing.T) {
	for _, test := range []struct{ servers, want int }{
		{0, 509}, {1, 509}, {2, 1021}, {3, 2039}, {5, 2039}, {6, 4093}, {10, 4093}, {200, 4093}, {1000, 4093},
	} {
		got := MaglevSize(test.servers)
		if got != test.want {
			t.Errorf("MaglevSize(%d) = %d, want %d", test.servers, got, test.want)
		}
		if !big.NewInt(int64(got)).ProbablyPrime(0) {
			t.Errorf("MaglevSize(%d) = %d is not a prime", test.servers, got)
		}
	}
}

// A new version must make the same table: during an upgrade the nodes run different ones.
func TestTheTableIsTheSameForEver(t *testing.T) {
	want := []int{2, 2, 2, 1, 1, 1, 2, 2, 0, 1, 0, 0, 2}
	if got := Maglev(weighing(3, 4, 6), 13); !slices.Equal(got, want) {
		t.Errorf("table %v, want %v", got, want)
	}
}

// shares are weights whose entries are counted; 200 servers have 20 entries each.
var shares = map[string][]int{
	"one alone":                            {9},
	"one, two and three":                   {1, 2, 3},
	"one, two and three in hundreds":       {100, 200, 300},
	"weight 0 among others":                {1, 0, 2},
	"10 equal":                             slices.Repeat([]int{1}, 10),
	"200 equal":                            slices.Repeat([]int{1}, 200),
	"1000 equal":                           slices.Repeat([]int{7}, 1000),
	"200 of three kinds":                   append(slices.Repeat([]int{1, 2, 3}, 66), 1, 2),
	"weights that all differ":              weightsOf(ascending(40)),
	"weights that need more than 4093":     weightsOf(ascending(200)),
	"the largest beside the least":         {65535, 1},
	"the largest beside many of the least": append(slices.Repeat([]int{1}, 99), 65535),
}

func TestEachServerHasItsShareOfTheMaglevTable(t *testing.T) {
	for name, weights := range shares {
		t.Run(name, func(t *testing.T) {
			servers := weighing(weights...)
			for _, size := range []int{MaglevSize(len(servers)), 4093} {
				checkShares(t, servers, Maglev(servers, size), size)
			}
		})
	}
}

// checkShares counts the entries of each server: those it was fitted into, give or take what a part of a round makes.
func checkShares(t *testing.T, servers []Server, table []int, size int) {
	t.Helper()
	if len(table) != size {
		t.Fatalf("%d entries, want %d", len(table), size)
	}
	who := takers(servers)
	turns := counts(turnsOf(servers, who, size), len(servers))
	for i, n := range counts(table, len(servers)) {
		ahead := float64(n) - float64(size*turns[i])/float64(sum(turns))
		if ahead >= 1 || ahead < -behindAtMost(len(who))-1e-9 || (n > 0) != (servers[i].Weight > 0) {
			t.Errorf("server %d of weight %d has %d of %d entries, %.2f ahead", i, servers[i].Weight, n, size, ahead)
		}
	}
}

// The share of the table that moves when one server leaves, besides its own: the average over all servers that may
// leave, and the worst of them. When it joins again the same entries move back.
func TestTheShareThatMovesWhenAServerLeavesOrJoins(t *testing.T) {
	for name, test := range map[string]struct {
		servers        []Server
		average, worst float64
	}{
		"one of 2":                          {equal(2), 0.001, 0.001},
		"one of 3":                          {equal(3), 0.005, 0.01},
		"one of 5":                          {equal(5), 0.01, 0.02},
		"one of 10":                         {equal(10), 0.015, 0.02},
		"one of 20":                         {equal(20), 0.02, 0.025},
		"one of 40":                         {equal(40), 0.025, 0.03},
		"one of 100":                        {equal(100), 0.03, 0.035},
		"one of 200":                        {equal(200), 0.025, 0.03},
		"one of 6 with weights 1, 2 and 3":  {weighing(1, 2, 3, 1, 2, 3), 0.015, 0.02},
		"one of 10 with weights from 1 on":  {ascending(10), 0.015, 0.02},
		"one of 200 with weights from 1 on": {ascending(200), 0.03, 0.05},
	} {
		t.Run(name, func(t *testing.T) {
			average, worst := movedBesides(test.servers, MaglevSize(len(test.servers)))
			t.Logf("besides its own share %.4f of the table moves on average, %.4f at worst", average, worst)
			if average > test.average || worst > test.worst {
				t.Errorf("%.4f moves on average, %.4f at worst; want at most %.4f and %.4f",
					average, worst, test.average, test.worst)
			}
		})
	}
}

func movedBesides(servers []Server, size int) (average, worst float64) {
	full, total := keys(servers, Maglev(servers, size)), sum(weightsOf(servers))
	for i, gone := range servers {
		rest := without(servers, i)
		moved := 0
		for entry, key := range keys(rest, Maglev(rest, size)) {
			if key != full[entry] {
				moved++
			}
		}
		besides := float64(moved)/float64(size) - float64(gone.Weight)/float64(total)
		average, worst = average+besides/float64(len(servers)), max(worst, besides)
	}
	return average, worst
}

// The table of the paper, written as the paper has it: permutation[j] = (offset + j * skip) mod M.
func TestEqualWeightsMakeTheTableOfThePaper(t *testing.T) {
	const size = 251
	servers := equal(7)
	entry, next := slices.Repeat([]int{-1}, size), make([]uint64, len(servers))
	for filled := 0; filled < size; filled++ {
		i := filled % len(servers)
		offset, skip := hash(servers[i].Key)%size, mix(hash(servers[i].Key))%(size-1)+1
		permutation := func() uint64 { return (offset + next[i]*skip) % size }
		for entry[permutation()] >= 0 {
			next[i]++
		}
		entry[permutation()] = i
	}
	if got := Maglev(servers, size); !slices.Equal(got, entry) {
		t.Errorf("got  %v\nwant %v", got, entry)
	}
}

func TestEverySizeIsFilled(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for size := range 300 {
		servers := equal(1 + rng.IntN(40))
		for i := range servers {
			servers[i].Weight = 1 + rng.IntN(1<<rng.IntN(17))
		}
		if table := Maglev(servers, size); len(table) != size || slices.Contains(table, -1) {
			t.Errorf("size %d: table %v", size, table)
		}
	}
	if table := Maglev(equal(3), -1); table != nil {
		t.Errorf("size -1: table %v", table)
	}
}
