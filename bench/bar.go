package main

import (
	"fmt"
	"math"
	"strconv"
)

// Bar is a promise that a benchmark keeps: most often a ratio of medians, and its limit.
type Bar struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Limit   float64 `json:"limit"`
	AtLeast bool    `json:"at_least,omitempty"` // the limit is the least, not the most
	Held    bool    `json:"held"`
}

func atMost(name string, value, limit float64) Bar {
	return Bar{Name: name, Value: value, Limit: limit, Held: value <= limit}
}

func atLeast(name string, value, limit float64) Bar {
	return Bar{Name: name, Value: value, Limit: limit, AtLeast: true, Held: value >= limit}
}

// ratio compares two rows, to a hundredth: what lies below is noise.
func ratio(a, b Row) float64 { return hundredths(a.Median / b.Median) }

func (b Bar) String() string {
	limit := "at most"
	if b.AtLeast {
		limit = "at least"
	}
	return fmt.Sprintf("%s: %s, %s %s", b.Name, plain(b.Value), limit, plain(b.Limit))
}

// plain writes a number with two decimals, and more where those would not tell it from a whole one.
func plain(x float64) string {
	if x == math.Trunc(x) || x != hundredths(x) {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// check returns an error that names the bars that were not held.
func (r Report) check() error {
	var missed []string
	for _, bar := range r.Bars {
		if !bar.Held {
			missed = append(missed, bar.String())
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("%s: bars not held: %q", r.Benchmark, missed)
	}
	return nil
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", grouped(n), what)
}

// grouped writes a number with spaces between the thousands, once it is hard to read without.
func grouped(n int) string {
	text := strconv.Itoa(n)
	if len(text) <= 4 {
		return text
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}
