package api

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Severities of findings.
const (
	SeverityError   = "error"   // clients suffer, or will
	SeverityWarning = "warning" // something is not as it should be
	SeverityNotice  = "notice"  // worth knowing
)

// Finding is something that is wrong, or may be, with this host or what is around it.
type Finding struct {
	Severity string `json:"severity"` // error, warning or notice
	// Kind names what was looked for, as xdp-mode or vip-answered; programs may go by it.
	Kind     string `json:"kind"`
	Subject  string `json:"subject"`            // the interface, the real server, the address that it is about
	Text     string `json:"text"`               // what is wrong, and what follows from it
	Evidence string `json:"evidence,omitempty"` // what shows it
	Cure     string `json:"cure,omitempty"`     // what to do, with commands
}

// SortFindings puts the worst first, and those of one severity in the order of their kinds and subjects.
func SortFindings(list []Finding) {
	rank := []string{SeverityError, SeverityWarning, SeverityNotice}
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(rank, a.Severity), slices.Index(rank, b.Severity)), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Text, b.Text))
	})
}

// WriteFindings prints findings for people.
func WriteFindings(w io.Writer, list []Finding) error {
	for _, f := range list {
		text := fmt.Sprintf("%s: %s: %s\n", f.Severity, f.Subject, f.Text)
		for _, more := range []struct{ name, text string }{{"evidence", f.Evidence}, {"cure", f.Cure}} {
			if more.text != "" {
				text += fmt.Sprintf("    %s: %s\n", more.name, more.text)
			}
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}
