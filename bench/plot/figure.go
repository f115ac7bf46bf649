// Package plot draws measurements as SVG: groups of bars with whiskers, several panels to a figure.
//
// It is pure: the same figure gives the same bytes.
package plot

import (
	"errors"
	"fmt"
	"slices"
)

// Figure is a page of panels that share a legend. A series has the same colour in all of them.
type Figure struct {
	Title  string
	Notes  []string // lines below the title: what was measured, where and how often
	Panels []Panel  // two to a row
	// Order has series come first in the legend, in this order, and keep their colours whichever of them there are.
	Order []string
}

// Panel is a chart of its own. Its scale starts at zero and is its own.
type Panel struct {
	Title  string
	Unit   string   // of the values
	Groups []string // along the axis
	Series []Series
	Limit  float64 // drawn as a line; none if zero
}

// Series is what is drawn in one colour.
type Series struct {
	Name   string
	Values []Value // one for each group
}

// Value is a bar with a whisker from Low to High. The zero Value is a place where nothing was measured.
type Value struct{ Middle, Low, High float64 }

// problem says what keeps the figure from being drawn.
func (f Figure) problem() error {
	if len(f.Panels) == 0 {
		return errors.New("the figure has no panel")
	}
	for _, p := range f.Panels {
		for _, s := range p.Series {
			if len(s.Values) != len(p.Groups) {
				return fmt.Errorf("panel %q: series %q has %d values for %d groups", p.Title, s.Name, len(s.Values), len(p.Groups))
			}
		}
	}
	return nil
}

// names lists all series, those of Order first.
func (f Figure) names() []string {
	names := slices.Clone(f.Order)
	for _, p := range f.Panels {
		for _, s := range p.Series {
			if !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// shows tells whether a series of the name is in a panel.
func (f Figure) shows(name string) bool {
	return slices.ContainsFunc(f.Panels, func(p Panel) bool {
		return slices.ContainsFunc(p.Series, func(s Series) bool { return s.Name == name })
	})
}

// highest is what the panel's scale must reach: every bar and the limit, and the whiskers as far as they are of the
// same order. One round in which the machine did something else must not press all bars to the ground.
func (p Panel) highest() float64 {
	var bar, whisker float64
	for _, s := range p.Series {
		for _, v := range s.Values {
			bar, whisker = max(bar, v.Middle), max(whisker, v.High)
		}
	}
	bar = max(bar, p.Limit)
	return max(bar, min(whisker, 1.5*bar))
}
