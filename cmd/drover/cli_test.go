package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drover/ctrl/api"
)

// outcome is what a command line did.
type outcome struct {
	code           int
	stdout, stderr string
}

// call runs a command line as main does.
func call(t *testing.T, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	e := env{&stdout, &stderr}
	return outcome{exitCode(e, dispatch(t.Context(), e, args)), stdout.String(), stderr.String()}
}

// expect compares the exit code and wants each stream to begin as said; empty wants it empty.
func (o outcome) expect(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d", o.code, code)
	}
	for _, stream := range []struct{ name, got, want string }{{"stdout", o.stdout, stdout}, {"stderr", o.stderr, stderr}} {
		if !strings.HasPrefix(stream.got, stream.want) || stream.want == "" && stream.got != "" {
			t.Errorf("%s is %q, want %q", stream.name, stream.got, stream.want)
		}
	}
}

func TestCommandLines(t *testing.T) {
	const usage = "usage: drover COMMAND [flags]\n"
	for line, want := range map[string]outcome{
		"":                       {exitUsage, "", "drover: no command\n" + usage},
		"help":                   {exitDone, usage, ""},
		"-h":                     {exitDone, usage, ""},
		"--help":                 {exitDone, usage, ""},
		"balance":                {exitUsage, "", "drover: unknown command \"balance\"\n" + usage},
		"--json status":          {exitUsage, "", "drover: unknown command \"--json\"\n"},
		"status -h":              {exitDone, "Usage of status:\n  -json", ""},
		"run --help":             {exitDone, "Usage of run:\n  -bpffs", ""},
		"status --yaml":          {exitUsage, "", "drover: status: flag provided but not defined: -yaml (drover status -h lists the flags)\n"},
		"status now":             {exitUsage, "", "drover: status takes no argument \"now\"\n"},
		"reload --socket":        {exitUsage, "", "drover: reload: flag needs an argument: -socket (drover reload -h"},
		"reload keepalived.conf": {exitUsage, "", "drover: reload takes no argument \"keepalived.conf\"\n"},
		"check":                  {exitUsage, "", "drover: check wants at least one file\n"},
		"explain":                {exitUsage, "", "drover: explain wants at least one file\n"},
		"explain a b":            {exitUsage, "", "drover: explain takes one file, not 2\n"},
		"run keepalived.conf":    {exitUsage, "", "drover: run takes no argument \"keepalived.conf\"\n"},
		"run --xdp-mode fast":    {exitUsage, "", "drover: run: --xdp-mode \"fast\": native, generic or auto\n"},
	} {
		t.Run(line, func(t *testing.T) {
			call(t, strings.Fields(line)...).expect(t, want.code, want.stdout, want.stderr)
		})
	}
}

func TestHelpTellsEveryCommandAndTheExitCodes(t *testing.T) {
	text := help()
	for _, c := range commands {
		if !strings.Contains(text, fmt.Sprintf("  drover %s %s\n        %s\n", c.name, c.args, c.help)) {
			t.Errorf("help does not tell %q", c.name)
		}
	}
	if !strings.HasSuffix(text, "\nExit codes: 0 done, 1 failed or invalid, 2 wrong usage.\n") {
		t.Errorf("help ends in %q", text[len(text)-60:])
	}
}

func TestExitCodes(t *testing.T) {
	wrong := errors.New("wrong")
	for name, test := range map[string]struct {
		err    error
		code   int
		stderr string
	}{
		"done":                           {nil, 0, ""},
		"help was asked for":             {fmt.Errorf("status: %w", flag.ErrHelp), 0, ""},
		"failed":                         {wrong, 1, "drover: wrong\n"},
		"failed, and has told why":       {fmt.Errorf("check: %w", errReported), 1, ""},
		"wrong usage":                    {usageError{wrong}, 2, "drover: wrong\n"},
		"wrong usage, and another error": {errors.Join(usageError{wrong}, errors.New("close")), 2, "drover: wrong\nclose\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			code := exitCode(env{stderr: &stderr}, test.err)
			outcome{code: code, stderr: stderr.String()}.expect(t, test.code, "", test.stderr)
		})
	}
}

// The first names no interface, so it is well on every host; the second is well on none.
const (
	wellAnywhere = `virtual_server 10.0.0.1 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 10.0.0.2 80 {
    weight 1
  }
}
`
	wellNowhere = `vrrp_instance A {
  interface nosuch0
  virtual_router_id 1
  virtual_ipaddress {
    10.0.0.1/24
  }
}
`
)

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keepalived.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// findingsOf is what check --json says about a file with virtual_sever.
func findingsOf(file string) string {
	return `{
  "findings": [
    {
      "file": "` + file + `",
      "line": 1,
      "column": 1,
      "severity": "error",
      "text": "unknown keyword \"virtual_sever\" at the top level; did you mean \"virtual_server\"?",
      "keyword": "virtual_sever",
      "hint": "virtual_server"
    }
  ]
}
`
}

func TestCheck(t *testing.T) {
	good := writeConfig(t, wellAnywhere)
	unknown := writeConfig(t, "virtual_sever 10.0.0.1 80 {\n}\n")
	away := writeConfig(t, wellNowhere)
	twin := writeConfig(t, wellNowhere)
	shared := writeConfig(t, "@one $I=one\n"+wellNowhere+"@three mystery\n")
	warned := writeConfig(t, "bfd_instance B {\n}\n"+wellAnywhere)
	alone := writeConfig(t, "SSL {\n  key /nosuch\n}\n"+wellAnywhere)
	ill := writeConfig(t, "vrrp_script S {\n  script nosuch\n}\n"+wellAnywhere)
	wrong := writeConfig(t, "mystery\n"+wellNowhere)
	missing := filepath.Join(t.TempDir(), "missing.conf")
	for name, test := range map[string]struct {
		args   []string
		code   int
		stdout string
	}{
		"a good file says nothing":                {[]string{good}, exitDone, ""},
		"an unknown keyword":                      {[]string{unknown}, exitFailed, unknown + ":1:1: error: "},
		"an interface that is not here":           {[]string{"--host", away}, exitFailed, away + ":2:13: error: no interface \"nosuch0\" on this host; it has "},
		"a key that is not here":                  {[]string{"--host", alone}, exitDone, alone + ":2:7: warning: key: file /nosuch cannot be found: no such file or directory\n"},
		"a program that is not here":              {[]string{"--host", ill}, exitDone, ill + ":1:1: warning: vrrp_script S is tracked by nothing: it has no effect\n" + ill + ":2:10: warning: script: program nosuch cannot be found: executable file not found in $PATH\n"},
		"the host beside an error":                {[]string{"--host", wrong}, exitFailed, wrong + ":1:1: error: unknown keyword \"mystery\" at the top level\n" + wrong + ":3:13: error: no interface \"nosuch0\""},
		"an interface that may be elsewhere":      {[]string{away}, exitDone, ""},
		"a warning only":                          {[]string{warned}, exitDone, warned + ":1:1: warning: bfd_instance is not served"},
		"a missing file":                          {[]string{missing}, exitFailed, missing + ":1:1: error: no such configuration file\n"},
		"one bad file of two":                     {[]string{good, unknown}, exitFailed, unknown + ":1:1: error: "},
		"the other files are checked, too":        {[]string{unknown, missing}, exitFailed, unknown},
		"members of a pair are compared":          {[]string{away, twin}, exitDone, twin + ":1:1: warning: instance A and its peer A at " + away},
		"conditional lines are read for an id":    {[]string{"--id", "one", shared}, exitDone, ""},
		"members in one file are compared":        {[]string{"--id", "one,two", shared}, exitDone, shared + ":2:1: warning: instance A and its peer A at " + shared},
		"JSON for a good file has no finding":     {[]string{"--json", good}, exitDone, "{\n  \"findings\": []\n}\n"},
		"JSON has the place, the word and a hint": {[]string{"--json", unknown}, exitFailed, findingsOf(unknown)},
	} {
		t.Run(name, func(t *testing.T) {
			call(t, append([]string{"check"}, test.args...)...).expect(t, test.code, test.stdout, "")
		})
	}
}

func TestExplain(t *testing.T) {
	good := writeConfig(t, wellAnywhere)
	explained := call(t, "explain", good)
	explained.expect(t, exitDone, "global_defs {\n}\nvirtual_server 10.0.0.1 80 {\n  lb_algo rr\n", "")
	again := call(t, "explain", writeConfig(t, explained.stdout))
	again.expect(t, exitDone, explained.stdout, "")
	warned := writeConfig(t, "bfd_instance B {\n}\n"+wellAnywhere)
	call(t, "explain", warned).expect(t, exitDone, explained.stdout, warned+":1:1: warning: ")
	bad := writeConfig(t, "virtual_sever 10.0.0.1 80 {\n}\n")
	call(t, "explain", bad).expect(t, exitFailed, "", bad+":1:1: error: ")
}

func TestRunRefusesABadConfiguration(t *testing.T) {
	file := writeConfig(t, "virtual_sever 10.0.0.1 80 {\n}\n")
	socket := filepath.Join(t.TempDir(), "drover.sock")
	got := call(t, "run", "--config", file, "--socket", socket, "--bpffs", t.TempDir())
	if got.code != exitFailed || !strings.HasSuffix(got.stderr, "drover: "+file+": not started because of the errors above\n") ||
		!strings.Contains(got.stderr, "level=ERROR") || !strings.Contains(got.stderr, "at="+file+":1:1") {
		t.Errorf("exit code %d, stderr\n%s\nwant 1, the error with its place, and that it is not started", got.code, got.stderr)
	}
	if _, err := os.Lstat(socket); err == nil {
		t.Error("there is a socket")
	}
}

// answering is a daemon that only answers.
func answering(t *testing.T, status api.Status, reload api.Reload) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "drover.sock")
	listener, err := api.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		ended <- api.Serve(ctx, listener, api.Handlers{
			Status: func(context.Context) (api.Status, error) { return status, nil },
			Reload: func(context.Context) (api.Reload, error) { return reload, nil },
		}, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return socket
}

func TestStatus(t *testing.T) {
	socket := answering(t, api.Status{Interfaces: []api.Interface{{Name: "enp1s0", XDPMode: "native", ProgramID: 7}}}, api.Reload{})
	call(t, "status", "--socket", socket).expect(t, exitDone, "INTERFACE  XDP     PROGRAM  REASON\nenp1s0     native  7\n", "")
	call(t, "status", "--json", "--socket", socket).expect(t, exitDone, "{\n  \"instances\": null,\n", "")
}

func TestReload(t *testing.T) {
	applied := answering(t, api.Status{}, api.Reload{Applied: true, Findings: []string{"f:1:1: warning: x"}})
	call(t, "reload", "--socket", applied).expect(t, exitDone, "f:1:1: warning: x\n", "")
	refused := answering(t, api.Status{}, api.Reload{Findings: []string{"f:2:1: error: y"}})
	call(t, "reload", "--socket", refused).expect(t, exitFailed, "f:2:1: error: y\n", "drover: refused; the running configuration stays\n")
}

func TestAskingWithoutADaemonSaysSo(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "drover.sock")
	for _, command := range []string{"status", "reload"} {
		call(t, command, "--socket", socket).expect(t, exitFailed, "",
			"drover: "+socket+": no drover answers on this socket: is it running? (drover run)\n")
	}
}
