package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		name string
		args string
		code int
		says string
	}{
		{"no benchmark named", "", 2, "which benchmark?"},
		{"one that does not exist", "fast", 2, `no benchmark "fast"`},
		{"asking for help is no error", "packet -h", 0, "-rounds"},
		{"an unknown flag", "packet --fast", 2, "-fast"},
		{"an argument too many", "packet now", 2, `unexpected argument "now"`},
		{"no rounds", "packet --rounds 0", 2, "at least 1"},
		{"no packets", "packet --packets 0", 2, "at least 1"},
		{"more packets than a script holds", "packet --rounds 1000 --packets 1000000", 2, "more than 50000000"},
		{"no flows", "packet --flows 0", 2, `"0" is not a number from 1 to 10000000`},
		{"flows that are no number", "packet --flows 1,many", 2, `"many" is not a number`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stderr strings.Builder
			err := run(context.Background(), environment{io.Discard, &stderr}, strings.Fields(test.args))
			if code := exitCode(err, &stderr); code != test.code || !strings.Contains(stderr.String(), test.says) {
				t.Errorf("exit code %d, want %d, and %q in:\n%s", code, test.code, test.says, stderr.String())
			}
		})
	}
}

func TestExitCodeOfAFailureIsOne(t *testing.T) {
	var stderr strings.Builder
	if code := exitCode(errors.New("no luck"), &stderr); code != 1 || stderr.String() != "bench: no luck\n" {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

func TestFlagsReachTheBenchmark(t *testing.T) {
	f, err := parsePacketFlags(environment{io.Discard, io.Discard},
		strings.Fields("--json --check --rounds 3 --packets 10 --flows 1,20"))
	if err != nil {
		t.Fatal(err)
	}
	if !f.json || !f.check || f.rounds != 3 || f.packets != 10 || !slices.Equal(f.flows, []int{1, 20}) {
		t.Errorf("got %+v", f)
	}
}
