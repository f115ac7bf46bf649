package schedule

// Turns returns the order in which the servers take new connections, to be gone through over and over (schedulers rr,
// wrr, twos; give rr weights of 1). It is smooth weighted round robin: a server's turns lie as far apart as its weight
// allows, and equal weights simply alternate.
//
// The result has at most limit turns, or one for each server where they are more than that. Weights that need no more
// have exactly their share; others are fitted by largest remainder, though never to nothing: that moves a share by less
// than (1+g)/limit, where g is the number of servers that got a whole turn without having earned it.
//
// After any number of turns a server of n has had less than one turn more than its share, since only who is owed
// something is next, and at most 1/2 + 1/3 + ... + 1/n turns fewer, which is no more than ln n: this is the greedy
// player of the cup emptying game. So any run of turns, wherever it begins, gives a server its share within 1 + ln n
// turns, and within one if the weights are equal.
func Turns(servers []Server, limit int) []int {
	return turnsOf(servers, takers(servers), limit)
}

// turnsOf is Turns among some of the servers. When two are due alike, the one that is listed first goes first.
func turnsOf(servers []Server, who []int, limit int) []int {
	weights := make([]int, len(who))
	for n, i := range who {
		weights[n] = servers[i].Weight
	}
	turns := interleave(fit(weights, limit))
	for t, n := range turns {
		turns[t] = who[n]
	}
	return turns
}

// peers are the servers of one weight. Among themselves they take turns in their order, and so only the next of them
// has to be compared with the servers of other weights.
type peers struct {
	weight  int
	members []int
	next    int // in members
	credit  int // of the next one: what it has earned, less what its turns have cost
}

func (p *peers) first() int { return p.members[p.next] }

// interleave gives each server as many turns as its weight, spread out. In each turn every server earns its weight, the
// richest takes the turn, and pays for it what all have earned together.
//
// There are few different weights in few turns, at most the square root of twice their number, which bounds the cost of
// a turn however many servers there are.
func interleave(weights []int) []int {
	total := sum(weights)
	groups := group(weights)
	turns := make([]int, 0, total)
	for range total {
		var best *peers
		for g := range groups {
			p := &groups[g]
			p.credit += p.weight
			if best == nil || p.credit > best.credit || p.credit == best.credit && p.first() < best.first() {
				best = p
			}
		}
		turns = append(turns, best.first())
		if best.next++; best.next == len(best.members) { // all have paid alike: the first is the next again
			best.next = 0
			best.credit -= total
		}
	}
	return turns
}

// group puts servers of the same weight together, each group in the order of the servers.
func group(weights []int) []peers {
	var groups []peers
	at := make(map[int]int)
	for i, w := range weights {
		g, known := at[w]
		if !known {
			g = len(groups)
			at[w] = g
			groups = append(groups, peers{weight: w})
		}
		groups[g].members = append(groups[g].members, i)
	}
	return groups
}
