package main

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// One fault of keepalived's pair: the whole instrument, in few seconds.
func TestFailoverBenchmarkMeasuresAKilledMasterAndItsReturn(t *testing.T) {
	needRoot(t)
	if _, err := exec.LookPath("keepalived"); err != nil {
		if os.Getenv("DROVER_TEST_STRICT") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	a := allAdverts()[1]
	o := failoverOptions{
		adverts: []adverts{a}, pairs: []pair{{"keepalived", keepalivedDaemon, keepalivedDaemon}},
		faults: slices.DeleteFunc(allFaults(), func(f fault) bool { return f.name != "kill" }), rounds: 1,
	}
	report, err := benchFailover(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	var paths []Path
	for _, row := range report.Rows {
		paths = append(paths, row.Path)
		if row.Program != "keepalived" || row.Max < row.Median || row.Median < 0 {
			t.Errorf("%+v", row)
		}
	}
	if want := []Path{a.path(NoEvent), a.path(Kill), a.path(Restart)}; !slices.Equal(paths, want) {
		t.Errorf("measured %q, want %q", paths, want)
	}
	for _, want := range []string{a.String() + ": 1 rounds", string(a.path(Kill)) + ": ms to the first advert", a.String() + ": ms in which"} {
		if !slices.ContainsFunc(report.Notes, func(note string) bool { return strings.HasPrefix(note, want) }) {
			t.Errorf("no note begins with %q: %q", want, report.Notes)
		}
	}
}

func TestAChoiceIsOfWhatThereIs(t *testing.T) {
	chosen := allPairs()
	c := newChoice(&chosen, func(p pair) string { return p.name })
	if err := c.Set("keepalived,drover"); err != nil || c.String() != "keepalived,drover" {
		t.Errorf("got %s, %v", c, err)
	}
	if err := c.Set("drover,vrrpd"); err == nil || !strings.Contains(err.Error(), `"vrrpd" is none of drover,keepalived,`) {
		t.Errorf("got %v", err)
	}
}

func TestTheProcessorsAreSharedInHalves(t *testing.T) {
	first, second, err := shares()
	if err != nil {
		t.Fatal(err)
	}
	if len(first) == 0 || len(second) == 0 || len(first) > len(second) {
		t.Errorf("got %v and %v", first, second)
	}
	command := share{2, 3}.restrict([]string{"drover", "run"})
	if want := "taskset --cpu-list 2,3 drover run"; strings.Join(command, " ") != want {
		t.Errorf("got %q, want %q", command, want)
	}
}
