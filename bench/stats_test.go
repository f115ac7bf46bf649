package main

import "testing"

func TestSpread(t *testing.T) {
	for _, test := range []struct {
		name     string
		measured []float64
		want     spread
	}{
		{"one measurement is all three", []float64{5}, spread{5, 5, 5}},
		{"an odd number has a middle one", []float64{9, 1, 4}, spread{4, 1, 9}},
		{"of an even number the two in the middle are averaged", []float64{4, 1, 9, 5}, spread{4.5, 1, 9}},
		{"what is below a hundredth is noise", []float64{1.234, 1.236, 1.2351}, spread{1.24, 1.23, 1.24}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := spreadOf(test.measured); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
