package config

import "fmt"

// maxFindings bounds the findings of one configuration.
const maxFindings = 1000

// report collects findings while a configuration is read.
type report struct {
	findings Findings

	// errors counts the findings that are errors.
	errors int

	// undefined are the places of variables without a value, and gaps counts the
	// errors about them. What follows from them is not told.
	undefined map[Position]bool
	gaps      int

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
