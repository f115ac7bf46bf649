package api

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestFindingsAreSortedByWhatTheyMean(t *testing.T) {
	want := []Finding{
		{Severity: SeverityError, Kind: "b", Subject: "x"}, {Severity: SeverityWarning, Kind: "a", Subject: "x"},
		{Severity: SeverityWarning, Kind: "a", Subject: "y"}, {Severity: SeverityWarning, Kind: "b", Subject: "x"},
		{Severity: SeverityNotice, Kind: "a", Subject: "x"},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	SortFindings(got)
	if !slices.Equal(got, want) {
		t.Errorf("sorted as %+v", got)
	}
}

func TestAFindingIsWrittenWithEvidenceAndCure(t *testing.T) {
	var text bytes.Buffer
	err := WriteFindings(&text, []Finding{
		{Severity: SeverityError, Subject: "enp1s0", Text: "it is down", Evidence: "no carrier", Cure: "plug it in"},
		{Severity: SeverityNotice, Subject: "kernel", Text: "it is new"},
	})
	const want = "error: enp1s0: it is down\n    evidence: no carrier\n    cure: plug it in\nnotice: kernel: it is new\n"
	if err != nil || text.String() != want {
		t.Errorf("%v, text\n%swant\n%s", err, &text, want)
	}
	gone := errors.New("gone")
	if err := WriteFindings(broken{gone}, []Finding{{}}); !errors.Is(err, gone) {
		t.Errorf("error %v, want %v", err, gone)
	}
}
