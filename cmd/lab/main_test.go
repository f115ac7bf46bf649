package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
)

// asLab in the environment makes the test executable lab itself, for the processes that lab starts.
const asLab = "DROVER_LAB_TEST_MAIN"

func TestMain(m *testing.M) {
	testbed.RunChild()
	if os.Getenv(asLab) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestACommandLineThatMakesNoSenseIsRefused(t *testing.T) {
	for _, line := range []string{
		"", "bogus", "demo extra", "demo --bogus", "up extra", "down extra", "hosts extra", "pull", "pull a b", "pull a/b",
		"exec", "exec thinkpad", "internal-web",
	} {
		var stdout, stderr bytes.Buffer
		err := run(t.Context(), environment{stdout: &stdout, stderr: &stderr}, strings.Fields(line))
		if !errors.Is(err, errUsage) || report(&stderr, err) != exitUsage {
			t.Errorf("lab %s: %v", line, err)
		}
		if stdout.Len() > 0 {
			t.Errorf("lab %s: on standard output: %s", line, &stdout)
		}
	}
}

func TestHelpNamesEveryCommandButInternalOnes(t *testing.T) {
	var stdout bytes.Buffer
	if err := run(t.Context(), environment{stdout: &stdout}, []string{"help"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		internal := strings.HasPrefix(c.name, "internal-")
		if strings.Contains(stdout.String(), "lab "+c.name) == internal {
			t.Errorf("%s in the help: %t", c.name, !internal)
		}
	}
}

func TestTheExitCodeOfExecIsTheCommands(t *testing.T) {
	var stderr bytes.Buffer
	if code := report(&stderr, fmt.Errorf("exec: %w", childExit(7))); code != 7 || stderr.Len() > 0 {
		t.Errorf("code %d, %q", code, &stderr)
	}
	if code := report(&stderr, errors.New("broken")); code != exitFailed || stderr.String() != "lab: broken\n" {
		t.Errorf("code %d, %q", code, &stderr)
	}
}

func TestADroverThatIsNoProgramIsNamed(t *testing.T) {
	dir := t.TempDir()
	text := dir + "/text"
	if err := os.WriteFile(text, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir + "/none": "build it, or name it with --drover FILE", dir: "is not a program", text: "is not a program",
	} {
		if _, err := findDrover(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestTheTableCountsWhatDiffers(t *testing.T) {
	var out bytes.Buffer
	n := newNarrator(&out)
	n.heading("2.3.4", "Confirmation")
	n.same("who answers", "web150", "web150")
	n.same("who answers now", "web150", "web151")
	n.between("soon", 0, time.Second, 900*time.Millisecond)
	n.between("late", 0, time.Second, 1100*time.Millisecond)
	n.between("early", time.Second, 2*time.Second, 900*time.Millisecond)
	if differ := n.summarize(); differ != 3 {
		t.Errorf("%d differ:\n%s", differ, &out)
	}
	for _, row := range []string{
		"2.3.4  who answers      web150      web150\n", "2.3.4  who answers now  web150      web151  <-- differs\n",
		"2.3.4  late             0.0 to 1.0 s  1.10 s  <-- differs\n",
	} {
		if squeeze := strings.Join(strings.Fields(row), " "); !strings.Contains(strings.Join(strings.Fields(out.String()), " "), squeeze) {
			t.Errorf("no row %q in\n%s", squeeze, &out)
		}
	}
}

func TestTheLongestSilenceIsBetweenAnswersThatArrived(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(0, int64(s*1e9)) }
	for name, c := range map[string]struct {
		answers []answer
		want    time.Duration
	}{
		"nobody asked":                   {nil, 0},
		"one answer":                     {[]answer{{got: at(1)}}, 0},
		"a late answer ends it":          {[]answer{{got: at(1)}, {got: at(6)}, {got: at(2)}, {got: at(5)}}, 3 * time.Second},
		"a failure is no answer":         {[]answer{{got: at(1)}, {got: at(2), err: os.ErrDeadlineExceeded}, {got: at(4)}}, 3 * time.Second},
		"the time before does not count": {[]answer{{asked: at(0), got: at(10)}, {got: at(11)}}, time.Second},
	} {
		if got := longestSilence(c.answers); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
