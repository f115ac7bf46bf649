package config

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checkExplain holds the explanation of a configuration to be the same
// configuration. It returns the text.
func checkExplain(t *testing.T, config *Config) string {
	t.Helper()
	text, err := config.Explain()
	if err != nil {
		t.Fatal(err)
	}
	again, findings := Load("explained", memory{"explained": text})
	if again == nil {
		t.Fatalf("the explanation has errors\n%s%s", lines(findings), numbered(text))
	}
	if d := difference(*again, *config); d != "" {
		t.Fatalf("%s\n%s", d, numbered(text))
	}
	return text
}

// numbered writes a text with the numbers of its lines.
func numbered(text string) string {
	var out strings.Builder
	n := 0
	for line := range strings.Lines(text) {
		n++
		fmt.Fprintf(&out, "%4d %s", n, line)
	}
	return out.String()
}

// testFiles returns the configurations of the test data.
func testFiles(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.conf", "findings/*.conf", "tutorial/*.conf"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no configurations in testdata/%s (%v)", pattern, err)
		}
		all = append(all, files...)
	}
	return all
}

func TestExplanationsSayTheSame(t *testing.T) {
	count := 0
	for _, file := range testFiles(t) {
		config, _ := Load(filepath.Base(file), directory(filepath.Dir(file)))
		if config == nil {
			continue
		}
		count++
		t.Run(filepath.Base(file), func(t *testing.T) { checkExplain(t, config) })
	}
	if count < 60 {
		t.Errorf("only %d configurations without an error", count)
	}
}

// TestExplanationsOfPieces explains what is left of the reference and the test
// data when statements are left out at random.
func TestExplanationsOfPieces(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	files := testFiles(t)
	tried := 0
	for n := range 1500 {
		file := files[rng.IntN(len(files))]
		if n%2 == 0 {
			file = "testdata/reference.conf"
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := &report{}
		tree := &tree{report: found}
		for _, token := range tokensOf(found, string(text), Position{"main", 1, 1}) {
			tree.add(token)
		}
		config := parse(found, without(rng, tree.finish(), rng.IntN(40)))
		if found.errors > 0 {
			continue
		}
		if _, err := config.Explain(); err != nil {
			continue // variables that no reader has replaced
		}
		tried++
		checkExplain(t, config)
	}
	if tried < 300 {
		t.Errorf("only %d pieces without an error", tried)
	}
}

// without leaves each statement out with a chance in percent.
func without(rng *rand.Rand, statements []*statement, percent int) []*statement {
	var kept []*statement
	for _, s := range statements {
		if rng.IntN(100) < percent {
			continue
		}
		if s.block != nil {
			s = &statement{words: s.words, block: &block{opened: s.block.opened, statements: without(rng, s.block.statements, percent)}}
		}
		kept = append(kept, s)
	}
	return kept
}

// TestExplanationsHeedEveryField changes one field after the other of the
// reference and wants another explanation.
func TestExplanationsHeedEveryField(t *testing.T) {
	config, _ := Load("reference.conf", directory("testdata"))
	before, err := config.Explain()
	if err != nil {
		t.Fatal(err)
	}
	heeded := map[string]bool{}
	for _, path := range fieldPaths(reflect.ValueOf(*config), "") {
		value := valueAt(reflect.ValueOf(config).Elem(), path)
		if strings.HasSuffix(path, ".Group") && value.String() == "" {
			continue // a group needs a user or members
		}
		old := reflect.New(value.Type()).Elem()
		old.Set(value)
		change(value)
		after, err := config.Explain()
		value.Set(old)
		kind := regexp.MustCompile(`\.\d+`).ReplaceAllString(path, "")
		heeded[kind] = heeded[kind] || err != nil || after != before
	}
	// Fields that others decide about.
	for _, field := range []string{
		".Instances.Addresses.OnVMAC", ".Instances.ExcludedAddresses.OnVMAC", ".StaticAddresses.OnVMAC",
		".VirtualServers.RealServers.Checks.Question.Path", ".Instances.Rules.IPv6", ".StaticRules.IPv6",
		".VirtualServers.RealServers.Checks.Question.TLS.Credentials.Certificate",
		".VirtualServers.RealServers.Checks.Question.TLS.Credentials.Key",
		".VirtualServers.RealServers.Checks.Question.TLS.Credentials.Password",
	} {
		if told, ok := heeded[field]; !ok || told {
			t.Errorf("%s is not among the fields that others decide about", field)
		}
		heeded[field] = true
	}
	for field, told := range heeded {
		if !told {
			t.Errorf("%s is changed, and the explanation is not", field)
		}
	}
}

// TestExplanationsQuoteWhatNeedsIt puts words that are hard to write through
// Explain and back.
func TestExplanationsQuoteWhatNeedsIt(t *testing.T) {
	for _, word := range []string{"a b", "it's", `back\slash`, "#hash", "!bang", "{brace}", "include", "@id", "~SEQ(A,1)", "$A", "", "ä"} {
		config := &Config{
			RouterID:       word,
			VirtualServers: mustLoad(t, withCheck("MISC_CHECK {\nmisc_path /bin/true\n}\nHTTP_GET {\nurl {\npath /\nregex x\n}\n}")).VirtualServers,
		}
		checks := config.VirtualServers[0].RealServers[0].Checks
		checks[0].Question.(*MiscCheck).Command = []string{"/bin/echo", word, word + "\n\"'${_PWD}"}
		if word != "" {
			checks[1].Question.(*HTTPCheck).URLs[0].Regex.Pattern = "^" + strings.NewReplacer("{", "", "}", "", "(", "", ")", "", `\`, `\\`).Replace(word) + `"x`
		}
		checkExplain(t, config)
	}
	for _, word := range []string{`a"b`, "a\nb", "a${_PWD}"} {
		if text, err := (&Config{RouterID: word}).Explain(); err == nil {
			t.Errorf("%q became\n%s", word, text)
		}
	}
}

// TestKeepalivedAcceptsExplanations gives them to keepalived, but for the block of
// drover and what follows it.
func TestKeepalivedAcceptsExplanations(t *testing.T) {
	needKeepalived(t)
	dir := t.TempDir()
	var files []string
	for _, file := range testFiles(t) {
		config, _ := Load(filepath.Base(file), directory(filepath.Dir(file)))
		if config == nil || usesNewWords(config) {
			continue
		}
		text, err := config.Explain()
		if err != nil {
			t.Fatal(err)
		}
		common, _, _ := bytes.Cut([]byte(text), []byte("\ndrover {"))
		name := filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(name, append(common, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	for file, said := range askKeepalived(t, files) {
		for line := range strings.Lines(said.text) {
			// A FIFO belongs to script_user, who is written with each script here.
			known := strings.Contains(line, "Unable to set default user keepalived_script")
			if !known && !slices.ContainsFunc(objections, func(o objection) bool { return strings.Contains(line, o.says) }) {
				t.Errorf("%s: keepalived says %s", filepath.Base(file), line)
			}
		}
	}
}

// usesNewWords reports whether an explanation has words that keepalived 2.2.7 does
// not know.
func usesNewWords(c *Config) bool {
	for _, v := range c.VirtualServers {
		for _, r := range v.RealServers {
			for _, check := range r.Checks {
				if web, ok := check.Question.(*HTTPCheck); ok && web.TLS != nil && (web.TLS.SNIName != "" || web.TLS.Compliant) {
					return true
				}
				if check.Path != c.Drover.CheckPath {
					return true
				}
			}
		}
	}
	return false
}
