package main

import (
	"math"
	"slices"
)

// spread is the middle and the ends of some measurements.
type spread struct{ median, min, max float64 }

// spreadOf rounds to a hundredth: what lies below is noise. It wants at least one measurement.
func spreadOf(measured []float64) spread {
	sorted := slices.Sorted(slices.Values(measured))
	n := len(sorted)
	return spread{
		median: hundredths((sorted[(n-1)/2] + sorted[n/2]) / 2),
		min:    hundredths(sorted[0]),
		max:    hundredths(sorted[n-1]),
	}
}

func hundredths(x float64) float64 { return math.Round(x*100) / 100 }

func thousandths(x float64) float64 { return math.Round(x*1000) / 1000 }
