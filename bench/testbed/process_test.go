package testbed

import (
	"os/exec"
	"testing"
)

func TestAProcessIsKilledOnlyIfItIsTheSame(t *testing.T) {
	sleep := exec.CommandContext(t.Context(), "sleep", "1000")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	id, err := identify(sleep.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	another := processID{PID: id.PID, StartTime: "1"}
	if another.alive() || !id.alive() {
		t.Errorf("alive: the same %t, another with its number %t", id.alive(), another.alive())
	}
	if err := another.kill(); err != nil || !id.alive() {
		t.Errorf("killed for another: %v", err)
	}
	if err := id.kill(); err != nil {
		t.Error(err)
	}
	if err := sleep.Wait(); err == nil {
		t.Error("it was not killed")
	}
	if err := id.kill(); err != nil || id.alive() {
		t.Errorf("kill of a dead process: %v", err)
	}
}

func TestTheStartTimeIsField22WhateverTheProcessIsCalled(t *testing.T) {
	const after = " S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22022 23"
	for _, name := range []string{"sleep", "a b", "a ) R 1 (b", ""} {
		if got, err := startTime("77 (" + name + ")" + after); got != "22022" || err != nil {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	if got, err := startTime("77 (sleep) S 4 5"); err == nil {
		t.Errorf("a short line: %q", got)
	}
}
