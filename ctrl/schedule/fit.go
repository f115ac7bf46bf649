package schedule

import (
	"cmp"
	"slices"
)

// fit returns the smallest weights that stand in the same proportion, or as nearly the same as their sum, which is at
// most limit, allows. No weight becomes 0, so as many weights as there are is the least sum. All must be above 0.
func fit(weights []int, limit int) []int {
	fitted := reduce(weights)
	if limit = max(limit, len(weights)); sum(fitted) > limit {
		fitted = reduce(apportion(fitted, limit))
	}
	return fitted
}

// apportion hands out seats in proportion to the weights by largest remainder: each gets its quota rounded down, and
// those that lost most by it share what is left over. But one whose quota is below one seat gets one, at the cost of
// all others. There must be a seat for each.
func apportion(weights []int, seats int) []int {
	total := sum(weights)
	granted := make([]int, len(weights))
	rest := rising(weights)
	for len(rest) > 0 && weights[rest[0]]*seats < total { // the next quota only falls by it: one pass finds them all
		granted[rest[0]] = 1
		total -= weights[rest[0]]
		seats--
		rest = rest[1:]
	}
	left := seats
	for _, i := range rest {
		granted[i] = weights[i] * seats / total
		left -= granted[i]
	}
	slices.SortFunc(rest, func(a, b int) int {
		return cmp.Or(cmp.Compare(weights[b]*seats%total, weights[a]*seats%total), cmp.Compare(a, b))
	})
	for _, i := range rest[:left] {
		granted[i]++
	}
	return granted
}

// rising lists the indexes of the weights, the least weight first.
func rising(weights []int) []int {
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(weights[a], weights[b]) })
	return order
}

// reduce divides the weights by their greatest common divisor.
func reduce(weights []int) []int {
	divisor := 0
	for _, w := range weights {
		divisor = gcd(divisor, w)
	}
	reduced := make([]int, len(weights))
	for i, w := range weights {
		reduced[i] = w / divisor
	}
	return reduced
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func sum(weights []int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	return total
}
