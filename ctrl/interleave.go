package ctrl

import (
	"drover/dataplane"
)

// share is a real server's part in a schedule.
type share struct {
	id     dataplane.RealID
	weight int // 0 takes no new connections
}

// maxTurns bounds the length of a schedule. Weights that would need more turns are rounded to it, which moves a share by
// less than one part in a thousand.
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
	if total <= maxTurns {
		return scaled
	}
	for i, s := range scaled {
		if s.weight > 0 {
			scaled[i].weight = max(1, s.weight*maxTurns/total)
		}
	}
	return scaled
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
