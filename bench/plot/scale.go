package plot

import (
	"math"
	"strconv"
	"strings"
)

// scale maps values from zero on to a height in pixels.
type scale struct {
	step   float64 // between two ticks
	ticks  int     // above zero
	height float64 // of all ticks together
}

// newScale has three to six ticks at round values, the last at or above highest.
func newScale(highest, height float64) scale {
	if highest <= 0 {
		return scale{step: 1, ticks: 1, height: height}
	}
	rough := highest / 5
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * power
	for _, round := range []float64{1, 2, 2.5, 5} {
		if rough <= round*power {
			step = round * power
			break
		}
	}
	return scale{step: step, ticks: int(math.Ceil(highest/step - 1e-9)), height: height}
}

func (s scale) top() float64 { return s.step * float64(s.ticks) }

// pixels is how far above zero the value is drawn. What lies above the scale ends at its top.
func (s scale) pixels(value float64) float64 { return min(value, s.top()) / s.top() * s.height }

// number writes a value in four characters or so.
func number(value float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		size := unit.size
		if unit.name == "k" {
			size = 1e3
		}
		if value >= unit.size {
			return digits(value/size) + unit.name
		}
	}
	return digits(value)
}

// digits writes three significant digits, and all that are left of the point.
func digits(value float64) string {
	decimals := 0
	switch {
	case value < 1:
		decimals = 3
	case value < 10:
		decimals = 2
	case value < 100:
		decimals = 1
	}
	text := strconv.FormatFloat(value, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
