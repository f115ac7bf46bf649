package ctrl

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drover/ctrl/config"
)

// oneFile is a config.Source of a file without others beside it.
type oneFile string

func (text oneFile) ReadFile(name string) ([]byte, error) {
	if name != "main" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

func (oneFile) Glob(string) ([]string, error) { return nil, nil }

// FuzzEveryCheckThatIsReadCanBeMade holds what a check of the file accepts to what the daemon accepts. Certificates are
// another matter: only the host has them.
func FuzzEveryCheckThatIsReadCanBeMade(f *testing.F) {
	for _, text := range configurations(f) {
		f.Add(text)
	}
	for _, check := range []string{
		"HTTP_GET {\nurl {\npath \"/a b\"\n}\n}", "HTTP_GET {\nvirtualhost \"a\tb\"\nurl {\npath /\n}\n}", "SMTP_CHECK {\nhelo_name \"a b\"\n}",
		"UDP_CHECK {\npayload " + strings.Repeat("00", 65508) + "\n}", "UDP_CHECK {\nrequire_reply\nmax_reply_length 65535\n}",
	} {
		f.Add("virtual_server 10.0.0.1 80 {\nlb_kind DR\nreal_server 10.0.0.2 80 {\n" + check + "\n}\n}\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg, findings := config.Load("main", oneFile(text), config.WithConfigID("host"))
		if findings.HasErrors() {
			return
		}
		for n := range cfg.VirtualServers {
			for _, real := range cfg.VirtualServers[n].RealServers {
				for _, check := range real.Checks {
					if pages, is := check.Question.(*config.HTTPCheck); is && pages.TLS != nil {
						pages.TLS.Credentials = config.Credentials{}
					}
				}
			}
		}
		if err := probingIn().validChecks(cfg); err != nil {
			t.Errorf("%v\nin\n%s", err, text)
		}
	})
}

// configurations are those that the tests of config have: whole files, and examples inside of what stands before them
// in the files of the corpus, in the place of a line "%".
func configurations(t testing.TB) []string {
	t.Helper()
	all := readAll(t, "config/testdata/*.conf", "config/testdata/*/*.conf")
	for _, text := range readAll(t, "config/testdata/corpus/*.txt") {
		around, examples, _ := strings.Cut("\n"+text, "\n= ")
		for example := range strings.SplitSeq("\n= "+examples, "\n=") {
			header, body, _ := strings.Cut(example, "\n")
			header, _, _ = strings.Cut(header, " ## ")
			if !strings.HasPrefix(header, "= ") { // of "== NAME"
				body = header
			}
			all = append(all, strings.Replace(around, "%\n", body+"\n", 1))
		}
	}
	return all
}

// readAll returns the texts of the files that patterns match.
func readAll(t testing.TB, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no file matches %s (%v)", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(text))
		}
	}
	return all
}
