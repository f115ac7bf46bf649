package ctrl

import (
	"cmp"
	"slices"

	"drover/dataplane"
)

// share is a real server's part in a schedule.
type share struct {
	id     dataplane.RealID
	weight int // 0 takes no new connections
}

// maxTurns is how many turns a schedule is fitted into whose weights would need more. The rounding moves a share by less
// than one part in a thousand, and by as much again for each real server that must be given a turn although its weight
// does not earn one: those turns make the schedule longer.
const maxTurns = 1024

// interleave lays the real servers out in the order in which they take new connections: each as often as its weight
// says, spread as evenly as can be (smooth weighted round robin), so that equal weights simply alternate.
func interleave(shares []share) []dataplane.RealID {
	shares = scale(shares)
	total := 0
	for _, s := range shares {
		total += s.weight
	}
	turns := make([]dataplane.RealID, 0, total)
	credit := make([]int, len(shares))
	for range total {
		best := -1
		for i, s := range shares {
			credit[i] += s.weight
			if s.weight > 0 && (best < 0 || credit[i] > credit[best]) {
				best = i
			}
		}
		credit[best] -= total
		turns = append(turns, shares[best].id)
	}
	return turns
}

// scale divides the weights by what they have in common, then fits them into maxTurns.
func scale(shares []share) []share {
	divisor, total := 0, 0
	for _, s := range shares {
		divisor = gcd(divisor, s.weight)
	}
	scaled := make([]share, len(shares))
	for i, s := range shares {
		scaled[i] = s
		if divisor > 1 {
			scaled[i].weight /= divisor
		}
		total += scaled[i].weight
	}
	if total > maxTurns {
		fit(scaled, total)
	}
	return scaled
}

// fit makes the weights add up to maxTurns by largest remainder: each is rounded down, but never to nothing, and what
// that leaves over goes to those that lost most by it.
func fit(shares []share, total int) {
	turns := min(maxTurns, dataplane.MaxSchedule-len(shares)) // even with one turn more for each the table has room
	left := turns
	lost := make([]int, len(shares))
	order := make([]int, len(shares))
	for i, s := range shares {
		order[i] = i
		exact := s.weight * turns
		shares[i].weight, lost[i] = exact/total, exact%total
		if exact > 0 && exact < total {
			shares[i].weight, lost[i] = 1, 0
		}
		left -= shares[i].weight
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(lost[b], lost[a]) })
	for _, i := range order[:max(0, left)] {
		shares[i].weight++
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
