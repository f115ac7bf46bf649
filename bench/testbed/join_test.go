package testbed_test

import (
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"testing"

	"drover/bench/testbed"
)

func TestAnotherProcessFindsTheLabAndEntersAHost(t *testing.T) {
	p := newPair(t)
	labs, err := testbed.Labs()
	check(t, err)
	if !slices.Contains(labs, p.lab.Dir()) {
		t.Fatalf("%s is not among %v", p.lab.Dir(), labs)
	}
	ns, err := testbed.OpenHost(p.lab.Dir(), "right")
	check(t, err)
	defer ns.Close()
	var output bytes.Buffer
	cmd := exec.CommandContext(within(t), "hostname")
	cmd.Stdout = &output
	check(t, ns.Start(cmd))
	check(t, cmd.Wait())
	if output.String() != "right\n" {
		t.Errorf("host name %q", &output)
	}
}

func TestAHostThatIsOffOrUnknownCannotBeEntered(t *testing.T) {
	p := newPair(t)
	check(t, p.right.PowerOff())
	for _, name := range []string{"right", "nobody"} {
		if _, err := testbed.OpenHost(p.lab.Dir(), name); !errors.Is(err, testbed.ErrHostOff) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
