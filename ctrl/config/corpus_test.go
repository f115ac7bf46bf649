package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// example is a configuration of testdata/corpus with one idea.
type example struct {
	name, text string

	// opinion and reason tell how Drover disagrees with keepalived: it is
	// stricter, with an error where keepalived -t is content, milder, with warnings
	// where keepalived meets an unknown keyword or a missing brace, or laxer, silent
	// where keepalived -t is not. Both are empty where they agree.
	opinion, reason string
}

// corpus reads a file of testdata/corpus. What stands before the first example is
// the configuration around them, in the place of its line "%". An example is a line
// "= TEXT", or "== NAME" with its text below. "## OPINION: REASON" ends a line that
// begins an example where Drover disagrees with keepalived.
func corpus(t *testing.T, file string) []example {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var around string
	var all []example
	for line := range strings.Lines(string(text)) {
		header, disagreement, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ## ")
		opinion, reason, _ := strings.Cut(disagreement, ": ")
		if name, ok := strings.CutPrefix(header, "== "); ok {
			all = append(all, example{name, "", opinion, reason})
		} else if text, ok := strings.CutPrefix(header, "= "); ok {
			all = append(all, example{text, text + "\n", opinion, reason})
		} else if len(all) == 0 {
			around += line
		} else {
			all[len(all)-1].text += line
		}
	}
	for i := range all {
		all[i].text = strings.Replace(around, "%\n", all[i].text, 1)
	}
	return all
}

// The opinions.
const (
	stricter = "stricter"
	laxer    = "laxer"
	milder   = "milder"
)

// TestAgreementWithKeepalived gives every example to Drover and to keepalived -t.
// keepalived's exit status does not tell a warning from an error; an unknown keyword or
// a missing brace is one. Otherwise they agree if
// both have something to say, if neither has, and if Drover has only warnings.
func TestAgreementWithKeepalived(t *testing.T) {
	needKeepalived(t)
	files, err := filepath.Glob("testdata/corpus/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus (%v)", err)
	}
	dir := t.TempDir()
	examples := map[string]example{}
	var names []string
	for _, file := range files {
		for n, e := range corpus(t, file) {
			name := filepath.Join(dir, fmt.Sprintf("%s-%d.conf", strings.TrimSuffix(filepath.Base(file), ".txt"), n))
			if err := os.WriteFile(name, []byte(e.text), 0o600); err != nil {
				t.Fatal(err)
			}
			examples[name] = e
			names = append(names, name)
		}
	}
	if len(examples) < 500 {
		t.Errorf("only %d examples", len(examples))
	}
	for name, said := range askKeepalived(t, names) {
		e := examples[name]
		t.Run(strings.TrimSuffix(filepath.Base(name), ".conf")+" "+e.name, func(t *testing.T) {
			config, findings := Load(filepath.Base(name), directory(dir), WithConfigID("host"))
			content := said.status == 0 || onlySecurity(said.text)
			opinion := ""
			switch {
			case content && config == nil:
				opinion = stricter
			case !content && len(findings) == 0:
				opinion = laxer
			case fatal(said.text) && config != nil:
				opinion = milder
			}
			switch {
			case opinion != e.opinion:
				t.Errorf("Drover is %q, want %q; it says\n%skeepalived says with status %d\n%s", opinion, e.opinion, lines(findings), said.status, said.text)
			case opinion != "" && e.reason == "":
				t.Errorf("there is no reason why Drover is %s", opinion)
			}
		})
	}
}

// fatal reports whether keepalived says what is no mere warning to it.
func fatal(text string) bool {
	return strings.Contains(text, "Unknown keyword") || strings.Contains(text, "issing '{") || strings.Contains(text, "issing '}") || strings.Contains(text, "nexpected '{") || strings.Contains(text, "nexpected '}")
}

// onlySecurity reports whether all that keepalived says is that scripts run
// without enable_script_security.
func onlySecurity(text string) bool {
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "SECURITY VIOLATION") {
			return false
		}
	}
	return text != ""
}
