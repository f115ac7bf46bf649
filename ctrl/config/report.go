package config

import "fmt"

// maxFindings bounds the findings of one configuration.
const maxFindings = 1000

// report collects findings while a configuration is read.
type report struct {
	findings Findings

	// errors counts the findings that are errors.
	errors int

	// keyword is what further findings are about; empty if it is none.
	keyword string
}

// errorf adds a finding that makes the configuration unusable.
func (r *report) errorf(at Position, format string, args ...any) {
	r.errors++
	r.add(Finding{Position: at, Severity: Error, Keyword: r.keyword, Text: fmt.Sprintf(format, args...)})
}

// warnf adds a finding that the configuration can run with.
func (r *report) warnf(at Position, format string, args ...any) {
	r.add(Finding{Position: at, Severity: Warning, Keyword: r.keyword, Text: fmt.Sprintf(format, args...)})
}

// add adds a finding if there is room. One of those that have none says so, and
// the first error is told in any case.
func (r *report) add(f Finding) {
	if len(r.findings) == maxFindings {
		f.Text = fmt.Sprintf("more than %d findings: mend these first", maxFindings)
	}
	if len(r.findings) <= maxFindings || f.Severity == Error && r.errors == 1 {
		r.findings = append(r.findings, f)
	}
}
