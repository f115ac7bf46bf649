package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// directory is a Source over the files of one directory, so that findings name
// them as the reader of a test does.
type directory string

func (d directory) ReadFile(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(d), name))
}

func (d directory) Glob(pattern string) ([]string, error) {
	matches, err := filepath.Glob(filepath.Join(string(d), pattern))
	if err != nil {
		return nil, err
	}
	for i, match := range matches {
		if matches[i], err = filepath.Rel(string(d), match); err != nil {
			return nil, err
		}
	}
	return matches, nil
}

// lines writes findings one a line.
func lines(findings Findings) string {
	var out strings.Builder
	for _, f := range findings {
		out.WriteString(f.String() + "\n")
	}
	return out.String()
}

// TestFindings loads every configuration of testdata/findings and compares what
// is found with the .want file beside it.
func TestFindings(t *testing.T) {
	const dir = "testdata/findings"
	files, err := filepath.Glob(filepath.Join(dir, "*.conf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no configurations in %s (%v)", dir, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.ReplaceAll(strings.TrimSuffix(name, ".conf"), "-", " "), func(t *testing.T) {
			want, err := os.ReadFile(strings.TrimSuffix(file, ".conf") + ".want")
			if err != nil {
				t.Fatal(err)
			}
			config, findings := Load(name, directory(dir))
			if got := lines(findings); got != string(want) {
				t.Errorf("found\n%swant\n%s", got, want)
			}
			if (config == nil) != findings.HasErrors() {
				t.Errorf("config is nil: %v, errors: %v", config == nil, findings.HasErrors())
			}
		})
	}
}

// broken is a Source that fails.
type broken struct{ err error }

func (b broken) ReadFile(name string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: b.err}
}

func (b broken) Glob(string) ([]string, error) { return nil, b.err }

func TestConfigurationFileThatCannotBeRead(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"a missing file is an error", fs.ErrNotExist,
			"drover.conf:1:1: error: no such configuration file\n"},
		{"a protected file is an error with its remedy", fs.ErrPermission,
			"drover.conf:1:1: error: no permission to read the configuration file: run as root, or let this user read it\n"},
		{"another failure is told as it is", errors.New("input/output error"),
			"drover.conf:1:1: error: cannot read the configuration file: input/output error\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, findings := Load("drover.conf", broken{test.err})
			if config != nil {
				t.Error("there is a config")
			}
			if got := lines(findings); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// protected is a Source whose included files may not be read.
type protected struct{ memory }

func (p protected) ReadFile(name string) ([]byte, error) {
	if name == "main" {
		return p.memory.ReadFile(name)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

func TestIncludedFileThatCannotBeRead(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"is a warning", "include x",
			"main:1:1: warning: included file x cannot be read: permission denied: left out\n"},
		{"is an error for those who insist", "includer x",
			"main:1:1: error: included file x cannot be read: permission denied\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, findings := Load("main", protected{memory{"main": test.text}})
			if got := lines(findings); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestFindingsAsOneError(t *testing.T) {
	_, findings := Load("main", memory{"main": "drover {\n  flows 1\n}\nbfd_instance x {\n}\nabc\n"})
	if len(findings) != 3 || !findings.HasErrors() {
		t.Fatalf("found\n%s", lines(findings))
	}
	const want = "main:2:9: error: flows \"1\" is not a number from 1000 to 64000000\n" +
		"main:6:1: error: unknown keyword \"abc\" at the top level"
	if err := findings.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	warnings := Findings{findings[1]}
	if err := warnings.Err(); err != nil || warnings.HasErrors() {
		t.Errorf("a warning became the error %v", err)
	}
}

func TestFindingsWithoutEnd(t *testing.T) {
	for _, test := range []struct {
		name, line string
		count      int
	}{
		{"are cut", "smtp_alert\n", maxFindings + 1},
		{"keep the first error", "smtp_alert\n", maxFindings + 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := "global_defs {\n" + strings.Repeat(test.line, 2*maxFindings)
			if test.count > maxFindings+1 {
				text += "mystery\nenigma\n"
			}
			config, findings := Load("main", memory{"main": text + "}\n"})
			if len(findings) != test.count || (config == nil) != (test.count > maxFindings+1) {
				t.Errorf("%d findings, want %d; config is nil: %v", len(findings), test.count, config == nil)
			}
			if cut := findings[maxFindings].Text; cut != "more than 1000 findings: mend these first" {
				t.Errorf("the last one says %q", cut)
			}
		})
	}
}

func TestFilesWithoutEnd(t *testing.T) {
	source := memory{"main": "~SEQ(N,1,5000) include x\n", "x": ""}
	_, findings := Load("main", source)
	if got, want := lines(findings), "main:1:16: error: more than 4096 files are read\n"; got != want {
		t.Errorf("found\n%swant\n%s", got, want)
	}
}

func TestTextWithoutEnd(t *testing.T) {
	full := strings.Repeat("#"+strings.Repeat("x", 1022)+"\n", MaxFileSize>>10)
	for _, test := range []struct {
		name   string
		source memory
		want   string
	}{
		{"files that are too large together", memory{"main": "include x\ninclude x\n include x\n", "x": full},
			"main:2:1: error: the files have more than 32 MiB together\n"},
		{"too many words on a line", memory{"main": "# a\n" + strings.Repeat("a ", maxWords+1)},
			"main:2:1: error: more than 2097152 words up to the end of this line\n"},
		{"too many lines", memory{"main": strings.Repeat("a\n", maxWords+5)},
			"main:2097153:1: error: more than 2097152 words up to the end of this line\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, findings := Load("main", test.source)
			if got := lines(findings); got != test.want {
				t.Errorf("found\n%swant\n%s", got[:min(len(got), 500)], test.want)
			}
		})
	}
}

func TestIncludesInsideEachOtherWithoutEnd(t *testing.T) {
	source := memory{}
	name := "main"
	for range maxDepth + 1 {
		next := name + "x"
		source[name] = "include " + next
		name = next
	}
	source[name] = ""
	_, findings := Load("main", source)
	if len(findings) != 1 || !strings.Contains(findings[0].Text, "more than 32 files include each other") {
		t.Errorf("found\n%s", lines(findings))
	}
}

func TestSequencesOfLongLines(t *testing.T) {
	text := "~SEQ(N,1,50000) " + strings.Repeat("word ", 10000)
	_, findings := Load("main", memory{"main": text})
	if len(findings) != 1 || !strings.HasPrefix(findings[0].Text, "variables or sequences expand without end") {
		t.Errorf("found %d, first\n%s", len(findings), lines(findings[:min(3, len(findings))]))
	}
}

func TestVariablesThatExplode(t *testing.T) {
	text := "$A=" + strings.Repeat("x", 1000) + "\n"
	for name := 'B'; name <= 'Z'; name++ {
		text += "$" + string(name) + "=" + strings.Repeat("${"+string(name-1)+"} ", 10) + "\n"
	}
	_, findings := Load("main", memory{"main": text + "global_defs {\n router_id $Z\n}\n"})
	if len(findings) != 1 || !strings.HasPrefix(findings[0].Text, "variables or sequences expand without end") {
		t.Errorf("found %d, first\n%s", len(findings), lines(findings[:min(3, len(findings))]))
	}
}
