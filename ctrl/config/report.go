package config

import "fmt"

// report collects findings while a configuration is read.
type report struct {
	findings Findings

	// errors counts the findings that are errors.
	errors int
}

// errorf adds a finding that makes the configuration unusable.
func (r *report) errorf(at Position, format string, args ...any) {
	r.errors++
	r.findings = append(r.findings, Finding{at, Error, fmt.Sprintf(format, args...)})
}

// warnf adds a finding that the configuration can run with.
func (r *report) warnf(at Position, format string, args ...any) {
	r.findings = append(r.findings, Finding{at, Warning, fmt.Sprintf(format, args...)})
}
