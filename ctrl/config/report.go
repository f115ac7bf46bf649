package config

import "fmt"

// maxFindings bounds the findings of one configuration.
const maxFindings = 1000

// report collects findings while a configuration is read.
type report struct {
	findings Findings

	// errors counts the findings that are errors.
	errors int

	// undefined are the places of variables without a value, and of the keywords of
	// blocks that a file is missing in; gaps counts the errors about them. What
	// follows from them is not told.
	undefined map[Position]bool
	gaps      int
	// incomplete: a file is missing that may hold any block and any variable.
	incomplete bool

	// keyword is what further findings are about; empty if it is none.
	keyword string
}

// full reports whether a further finding would not be told.
func (r *report) full(s Severity) bool {
	return len(r.findings) > maxFindings && (s == Warning || r.errors > 0)
}

// errorf adds a finding that makes the configuration unusable.
func (r *report) errorf(at Position, format string, args ...any) {
	if !r.full(Error) && !r.undefined[at] {
		r.add(Finding{Position: at, Severity: Error, Keyword: r.keyword, Text: fmt.Sprintf(format, args...)})
	}
	r.errors++
}

// absentf is errorf about what is defined nowhere, unless it may be in a file that is
// missing.
func (r *report) absentf(at Position, format string, args ...any) {
	if !r.incomplete {
		r.errorf(at, format, args...)
	}
}

// skip has nothing told of a place that follows from what is missing there.
func (r *report) skip(at Position) {
	if r.undefined == nil {
		r.undefined = map[Position]bool{}
	}
	r.undefined[at] = true
}

// warnf adds a finding that the configuration can run with.
func (r *report) warnf(at Position, format string, args ...any) {
	if !r.full(Warning) {
		r.add(Finding{Position: at, Severity: Warning, Keyword: r.keyword, Text: fmt.Sprintf(format, args...)})
	}
}

// add adds a finding, which there must be room for. The last one says that there
// is no more, but for the first error, which is told in any case.
func (r *report) add(f Finding) {
	if len(r.findings) == maxFindings {
		f.Text = fmt.Sprintf("more than %d findings: mend these first", maxFindings)
	}
	r.findings = append(r.findings, f)
}
