package main

import (
	"strings"
	"testing"

	"drover/ctrl/api"
	"drover/dataplane"
)

// The command line itself, and what is wrong with a file on any host, is tried in cli_test.go.
func TestBadInputIsRefusedWithAMessageThatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	n := newBalancers(t)
	n.must(n.high.WriteFile("/etc/absent.conf", strings.ReplaceAll(tutorialConfig(12), "enp1s0", "enp9s9")))
	n.must(n.high.WriteFile("/etc/empty.conf", ""))
	n.must(n.high.WriteFile("/run/regular.socket", ""))
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"check of a good file", []string{"check", defaultConfig}, exitDone, nil},
		{"check of a directory", []string{"check", "/etc"}, exitFailed, []string{"/etc", "is a directory"}},
		{"check of an interface that is not there", []string{"check", "--host", "/etc/absent.conf"}, exitFailed, []string{"/etc/absent.conf:4:13: error:", "enp9s9"}},
		{"run with a missing file", []string{"run", "--config", "/etc/nothing.conf"}, exitFailed, []string{"/etc/nothing.conf", "no such configuration file"}},
		{"run with a directory", []string{"run", "--config", "/etc"}, exitFailed, []string{"is a directory"}},
		{"run on an interface that is not there", []string{"run", "--config", "/etc/absent.conf"}, exitFailed, []string{"/etc/absent.conf:4:13", "enp9s9"}},
		{"check of a file that was emptied", []string{"check", "/etc/empty.conf"}, exitFailed, []string{"/etc/empty.conf:1:1: error: there is nothing to do"}},
		{"run without a BPF file system", []string{"run", "--bpffs", "/run"}, exitFailed, []string{dataplane.ErrNoBPFFS.Error()}},
		{"run where the socket is another file", []string{"run", "--socket", "/run/regular.socket"}, exitFailed, []string{api.ErrNotSocket.Error()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.t = t
			stdout, stderr, code := n.ask(n.high, c.args...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.says {
				if !strings.Contains(stdout+stderr, want) {
					t.Errorf("%q does not say %q", stdout+stderr, want)
				}
			}
			n.mustBeClean(n.high)
		})
	}
}

// One file for several machines: its conditional lines are read for the name that is given, again when it is reloaded.
func TestADaemonIsTheMachineThatItIsToldToBe(t *testing.T) {
	t.Parallel()
	n := newBalancers(t)
	shared := func(priority string) string {
		return strings.Replace(tutorialConfig(12), "  priority 12\n", "@first   priority "+priority+"\n@second  priority 99\n", 1)
	}
	n.must(n.high.WriteFile(defaultConfig, shared("31")))
	n.start(n.high, "--id", "first")
	priority := func(want uint8) {
		t.Helper()
		n.untilStatus(n.high, "its priority", func(s api.Status) bool { return len(s.Instances) == 1 && s.Instances[0].Priority == want })
	}
	priority(31)
	n.reload(n.high, shared("32"))
	priority(32)

	n.must(n.high.WriteFile(defaultConfig, "@second bad\n"+shared("32")))
	for id, wrong := range map[string]bool{"first": false, "second": true} {
		stdout, stderr, _ := n.ask(n.high, "doctor", "--id", id)
		if got := strings.Contains(stdout, `unknown keyword "bad"`); got != wrong || stderr != "" && !wrong {
			t.Errorf("the doctor says of %s %q, %q", id, stdout, stderr)
		}
	}
}

func TestASecondDaemonOnTheSameHostIsRefused(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	_, stderr, code := n.ask(n.high, "run")
	if code != exitFailed || !strings.Contains(stderr, api.ErrRunning.Error()) {
		t.Errorf("the second one exits with %d and says %q", code, stderr)
	}
	n.untilState(n.high, "MASTER")
	if _, err := n.get(); err != nil {
		t.Error(err)
	}
}
