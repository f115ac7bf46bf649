package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Position is a place in a configuration file. Lines and columns count from
// 1; columns count bytes.
type Position struct {
	File         string
	Line, Column int
}

// String returns FILE:LINE:COL.
func (p Position) String() string {
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Severity tells whether a configuration with the finding can run.
type Severity int

// The severities. A configuration with an Error is refused; one with a Warning
// runs, though not quite as written.
const (
	Error Severity = iota
	Warning
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Finding is one thing that the reader of a configuration should know.
type Finding struct {
	Position
	Severity
	Text string

	// Keyword is the word of the configuration that the finding is about; empty
	// if it is about the text itself.
	Keyword string

	// Hint is what was probably meant instead of an unknown Keyword; empty if
	// nothing is near.
	Hint string
}

// String returns FILE:LINE:COL: error|warning: text.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s", f.Position, f.Severity, f.Text)
}

// Findings are sorted by position.
type Findings []Finding

// HasErrors reports whether any finding is an Error.
func (f Findings) HasErrors() bool {
	return slices.ContainsFunc(f, func(one Finding) bool { return one.Severity == Error })
}

// Err returns all findings of severity Error as one error, a line each, or nil
// if there is none.
func (f Findings) Err() error {
	var errs []error
	for _, one := range f {
		if one.Severity == Error {
			errs = append(errs, errors.New(one.String()))
		}
	}
	return errors.Join(errs...)
}

// Merge returns the findings of all lists, sorted, each once: what several
// configurations include is found by all of them.
func Merge(lists ...Findings) Findings {
	all := slices.Concat(lists...)
	all.sort()
	return slices.Compact(all)
}

// sort orders findings by position. Findings of one place keep their order, and
// files are in alphabetical order.
func (f Findings) sort() {
	slices.SortStableFunc(f, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
}
