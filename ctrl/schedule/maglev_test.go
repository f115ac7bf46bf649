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

// fallen is a table in which servers are down, and what it was before they were.
func fallen(servers []Server, down ...int) (before, after []int) {
	are := make([]bool, len(servers))
	for _, i := range down {
		are[i] = true
	}
	size := MaglevSize(len(servers))
	return Maglev(servers, size), MaglevWithout(servers, are, size)
}

// moved is the share of a table in which another has another server.
func moved(table, other []int) float64 {
	n := 0
	for slot := range table {
		if table[slot] != other[slot] {
			n++
		}
	}
	return float64(n) / float64(len(table))
}

// Whoever is down, the clients of the others stay. What moves is the share of those that are down, at whatever number; the
// others divide it up by their weights.
func TestOnlyTheClientsOfServersThatAreDownMove(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for name, servers := range map[string][]Server{
		"10 equal": equal(10), "10 with weights from 1 on": ascending(10), "100 equal": equal(100),
	} {
		t.Run(name, func(t *testing.T) {
			for _, share := range []float64{0.1, 0.3, 0.5, 0.7, 0.8} {
				down := rng.Perm(len(servers))[:int(share*float64(len(servers)))]
				before, after := fallen(servers, down...)
				left := weightsOf(servers)
				for _, i := range down {
					left[i] = 0
				}
				lost := 0
				for slot, i := range before {
					if left[i] == 0 {
						lost++
					} else if after[slot] != i {
						t.Fatalf("with %d down a client of server %d, which is up, is sent to %d", len(down), i, after[slot])
					}
				}
				if got, want := moved(before, after), float64(lost)/float64(len(before)); got != want {
					t.Errorf("with %d down %.4f of the table moves, want %.4f: their share", len(down), got, want)
				}
				for i, n := range counts(after, len(servers)) {
					got, want := float64(n)/float64(len(after)), float64(left[i])/float64(sum(left))
					if got-want > 0.03 || want-got > 0.03 || (n > 0) != (left[i] > 0) {
						t.Errorf("with %d down server %d of weight %d has %.4f of the table, want %.4f", len(down), i, left[i], got, want)
					}
				}
			}
		})
	}
}

// When one more goes down, its share moves, and besides a part of what those that were down before it had.
func TestTheShareThatMovesWhileServersGoDownOneByOne(t *testing.T) {
	const servers = 10
	all := equal(servers)
	for down := range servers - 1 {
		_, before := fallen(all, ascendingTo(down)...)
		_, after := fallen(all, ascendingTo(down+1)...)
		got, own := moved(before, after), float64(counts(before, servers)[down])/float64(len(before))
		t.Logf("when number %d of %d goes down %.4f of the table moves, of which %.4f was its own", down+1, servers, got, own)
		if got < own || got-own > 0.03 {
			t.Errorf("when number %d goes down %.4f of the table moves, want its own %.4f and at most 0.03 besides", down+1, got, own)
		}
	}
	if _, none := fallen(all, ascendingTo(servers)...); none != nil {
		t.Errorf("with all down there is a table of %d entries", len(none))
	}
}

// ascendingTo are the numbers of the first n servers.
func ascendingTo(n int) []int {
	var list []int
	for i := range n {
		list = append(list, i)
	}
	return list
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
