package health

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRegex(t *testing.T) {
	tests := []struct {
		name  string
		regex Regex
		body  string
		found bool
	}{
		{"a word", Regex{Pattern: "ready"}, "server is ready\n", true},
		{"another word", Regex{Pattern: "ready"}, "server is down\n", false},
		{"case matters", Regex{Pattern: "READY"}, "ready", false},
		{"caseless", Regex{Pattern: "READY", Options: []string{"caseless"}}, "ready", true},
		{"alternatives", Regex{Pattern: "^down|up$", Options: []string{"caseless"}}, "is UP", true},
		{"the start", Regex{Pattern: "^up"}, "is up", false},
		{"the start of a line", Regex{Pattern: "^up"}, "is\nup", false},
		{"the start of a line with multiline", Regex{Pattern: "^up", Options: []string{"multiline"}}, "is\nup", true},
		{"the end", Regex{Pattern: "up$"}, "is up", true},
		{"before a line feed at the end", Regex{Pattern: "up$"}, "is up\n", true},
		{"before two line feeds", Regex{Pattern: "up$"}, "is up\n\n", false},
		{"before a line feed with dollar_endonly", Regex{Pattern: "up$", Options: []string{"dollar_endonly"}}, "is up\n", false},
		{"the end of a line", Regex{Pattern: "is$"}, "is\nup", false},
		{"the end of a line with multiline", Regex{Pattern: "is$", Options: []string{"multiline"}}, "is\nup", true},
		{"the end of a line with (?m)", Regex{Pattern: "(?m)is$"}, "is\nup", true},
		{"a dollar in a class", Regex{Pattern: "[$]5"}, "it costs $5", true},
		{"a dollar that is escaped", Regex{Pattern: `\$5`}, "it costs $5", true},
		{"any but a line feed", Regex{Pattern: "a.c"}, "a\nc", false},
		{"dotall", Regex{Pattern: "a.c", Options: []string{"dotall"}}, "a\nc", true},
		{"extended", Regex{Pattern: "re ady # a comment\n [ ] now", Options: []string{"extended"}}, "ready now", true},
		{"extended with an escaped blank", Regex{Pattern: `ready\ now`, Options: []string{"extended"}}, "ready now", true},
		{"a comment", Regex{Pattern: "re(?#not this)ady"}, "ready", true},
		{"quoted", Regex{Pattern: `a\Q.*\Eb`}, "a.*b", true},
		{"quoted to the end", Regex{Pattern: `\Qa.`}, "ab", false},
		{"horizontal space", Regex{Pattern: `a\hb`}, "a\tb", true},
		{"vertical space", Regex{Pattern: `a\vb`}, "a\fb", true},
		{"space in a class", Regex{Pattern: `a[\s-]b`}, "a\vb", true},
		{"a line break", Regex{Pattern: `a\Rb`}, "a\r\nb", true},
		{`the end as \Z`, Regex{Pattern: `up\Z`}, "up\n", true},
		{"a class with a bracket", Regex{Pattern: `^[]a]+$`}, "]a]", true},
		{"a class with an opening bracket", Regex{Pattern: `^[[a]+$`}, "[a[", true},
		{"a class by name", Regex{Pattern: `^[[:digit:]x]+$`}, "12x", true},
		{"a class of all others", Regex{Pattern: `^[^]a]+$`}, "bc", true},
		{"firstline", Regex{Pattern: "b", Options: []string{"firstline"}}, "ab\n", true},
		{"firstline that is over", Regex{Pattern: "b", Options: []string{"firstline"}}, "a\nb", false},
		{"firstline of one line", Regex{Pattern: "b", Options: []string{"firstline"}}, "aaab", true},
		{"at the least offset", Regex{Pattern: "up", MinOffset: 3}, "is up", true},
		{"before the least offset", Regex{Pattern: "up", MinOffset: 4}, "is up", false},
		{"again behind the least offset", Regex{Pattern: "up", MinOffset: 1}, "up up", true},
		{"the start is not at the least offset", Regex{Pattern: "^up", MinOffset: 3}, "is up", false},
		{"but that of a line can be", Regex{Pattern: "^up", MinOffset: 3, Options: []string{"multiline"}}, "is\nup", true},
		{"a word's edge at the least offset", Regex{Pattern: `\bup`, MinOffset: 3}, "is up", true},
		{"no word's edge at the least offset", Regex{Pattern: `\bup`, MinOffset: 3}, "sssup", false},
		{"a least offset behind the end", Regex{Pattern: "u*", MinOffset: 9}, "is up", false},
		{"at the most offset", Regex{Pattern: "up", EndOffset: 4}, "is up", true},
		{"at byte 0 alone", Regex{Pattern: "up", EndOffset: 1}, "up", true},
		{"not at byte 0 alone", Regex{Pattern: "up", EndOffset: 1}, "is up", false},
		{"behind the most offset", Regex{Pattern: "up", EndOffset: 3}, "is up", false},
		{"that begins before the most offset", Regex{Pattern: "is +up", EndOffset: 2}, "is          up", true},
		{"in a window", Regex{Pattern: "up", MinOffset: 3, EndOffset: 4}, "up up up", true},
		{"beside a window", Regex{Pattern: "up", MinOffset: 4, EndOffset: 6}, "up up up", false},
		{"bytes that are no text", Regex{Pattern: "up"}, "\xff\xfeup", true},
		{"in a window of a long body", Regex{Pattern: "up", MinOffset: 99_999, EndOffset: 100_002}, strings.Repeat("x", 100_000) + "up", true},
		{"beside a window of a long body", Regex{Pattern: "up", MinOffset: 100_001}, strings.Repeat("x", 100_000) + "up", false},
		{"a least offset behind a long body", Regex{Pattern: "x*", MinOffset: 100_002}, strings.Repeat("x", 100_000), false},
		{"far behind", Regex{Pattern: "up$"}, strings.Repeat("x", 100_000) + "up", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			search, err := test.regex.compile()
			if err != nil {
				t.Fatal(err)
			}
			for _, body := range []io.Reader{strings.NewReader(test.body), iotest.OneByteReader(strings.NewReader(test.body))} {
				if found := search.in(body); found != test.found {
					t.Errorf("found: %v, want %v", found, test.found)
				}
			}
		})
	}
}

// Perl's and PCRE2's regular expressions mean the same by all that stands here.
func TestRegexBesidePerl(t *testing.T) {
	perl, err := exec.LookPath("perl")
	if err != nil && os.Getenv("DROVER_TEST_STRICT") == "1" {
		t.Fatal("perl is not installed, and DROVER_TEST_STRICT forbids to skip")
	}
	if err != nil {
		t.Skip("perl is not installed")
	}
	patterns := []string{
		"up", "^up", "up$", "^up$", "u.p", `\bup\b`, `u\hp`, `u\vp`, `u[\s]p`, `u[\h.]p`, `up\Z`, `up\z`, `\Aup`, `u(?#c)p`, `(?i)UP`, `(?m)^up$`, `(?s)u.p`,
		`[]u]+p`, `[^]u]p`, `[[:alpha:]]+$`, `u\Rp`, `u\Np`, `\$$`, `a|^u|p$`, `u{1,2}p`, `(u)(p)`, `u\e?p`, `[$]`, `\x75p`, `\S+\s\S`,
	}
	bodies := []string{"", "up", "up\n", "up\n\n", "is up\nup", "u p", "u\tp", "u\vp", "u\np", "u\r\np", "u.p", "UP", "]]p", "a", "$", "uup x", "\nup\n", "xxup"}
	for _, pattern := range patterns {
		search, err := (&Regex{Pattern: pattern}).compile()
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		const script = `$/ = "\0"; while (<STDIN>) { chomp; print /$ARGV[0]/ ? "1" : "0" }`
		cmd := exec.Command(perl, "-e", script, pattern)
		cmd.Stdin = strings.NewReader(strings.Join(bodies, "\x00") + "\x00")
		out, err := cmd.CombinedOutput()
		if err != nil || len(out) != len(bodies) {
			t.Fatalf("perl on %s: %v: %s", pattern, err, out)
		}
		for i, body := range bodies {
			if got, want := search.in(strings.NewReader(body)), out[i] == '1'; got != want {
				t.Errorf("%s in %q: found %v, by perl %v", pattern, body, got, want)
			}
		}
	}
}

func TestRegexThatCannotBeIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		regex Regex
		want  string
	}{
		"a back reference":          {Regex{Pattern: `(a)\1`}, "invalid escape sequence: `\\1`"},
		"a look ahead":              {Regex{Pattern: `a(?=b)`}, "invalid or unsupported Perl syntax: `(?=`"},
		"an open group":             {Regex{Pattern: `a(b`}, "missing closing ): `a(b`"},
		"an open class":             {Regex{Pattern: `a[b`}, "missing closing ]"},
		"a group closed too often":  {Regex{Pattern: `a)(b`}, "unexpected )"},
		"a backslash at the end":    {Regex{Pattern: `a\`}, `it ends with \`},
		"a byte that is no text":    {Regex{Pattern: `\xff`}, "above 7f"},
		"an option that is none":    {Regex{Pattern: "a", Options: []string{"greedy"}}, `option "greedy" of a regular expression is none of alt_verbnames auto_callout caseless`},
		"an option of PCRE2's only": {Regex{Pattern: "a", Options: []string{"ucp"}}, `option "ucp" of a regular expression is not supported`},
		"a negative offset":         {Regex{Pattern: "a", MinOffset: -1}, "offset of the regular expression is negative"},
		"an empty window":           {Regex{Pattern: "a", MinOffset: 9, EndOffset: 6}, "from offset 9 to 5: never found"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, test.regex.Check(), test.want) })
	}
}

func TestAnswersThatMustMatch(t *testing.T) {
	const header = "HTTP/1.0 200 OK\r\nX: header\r\n\r\n"
	match := func(r Regex) expectation {
		search, err := r.compile()
		if err != nil {
			t.Fatal(err)
		}
		return expectation{statusCodes: []StatusRange{{200, 299}}, maxBody: 100, search: search}
	}
	digested := match(Regex{Pattern: "up"})
	digested.digest = digestOf("is up, and more")
	tests := []struct {
		name   string
		want   expectation
		answer string
		reason string // empty: healthy
	}{
		{"a match", match(Regex{Pattern: "up"}), header + "is up", ""},
		{"no match", match(Regex{Pattern: "up"}), header + "is down", `body does not match "up"`},
		{"the header is not looked at", match(Regex{Pattern: "header"}), header + "body", `body does not match "header"`},
		{"a match that must not be", match(Regex{Pattern: "up", NoMatch: true}), header + "is up", `body matches "up"`},
		{"no match, as must be", match(Regex{Pattern: "up", NoMatch: true}), header + "is down", ""},
		{"a status goes before the match", match(Regex{Pattern: "up"}), "HTTP/1.0 500 Oops\r\n\r\nis up", "status 500"},
		{"a body that is too large goes before the match", match(Regex{Pattern: "up"}), header + "up" + strings.Repeat("x", 100), "body is larger than 100 bytes"},
		{"a match and the digest of all", digested, header + "is up, and more", ""},
		{"a match and another digest", digested, header + "is up, and less", "body has digest"},
		{"the digest and no match", func() expectation { e := match(Regex{Pattern: "up$"}); e.digest = digestOf("is"); return e }(),
			header + "is", `body does not match "up$"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, test.want.judge(strings.NewReader(test.answer)), test.reason)
			wantError(t, test.want.judge(iotest.OneByteReader(strings.NewReader(test.answer))), test.reason)
		})
	}
	t.Run("a connection that breaks while the match is looked for", func(t *testing.T) {
		broken := io.MultiReader(strings.NewReader(header+"is "), iotest.ErrReader(errors.New("broken")))
		wantError(t, match(Regex{Pattern: "up", NoMatch: true}).judge(broken), "after 3 bytes of body: broken")
	})
}

// A pattern is the operator's and a body the server's: whatever they are, neither stops the daemon, and the match does
// not depend on how the body is cut into packets.
func FuzzRegex(f *testing.F) {
	f.Add("up$", []byte("is up\n"), uint16(0), uint16(0), true)
	f.Add(`[]\s]\Q.*\E(?#x)\R`, []byte("]x"), uint16(3), uint16(9), false)
	f.Add(`[[:alpha:]`, []byte("a"), uint16(1), uint16(0), false)
	f.Fuzz(func(t *testing.T, pattern string, body []byte, least, most uint16, extended bool) {
		regex := Regex{Pattern: pattern, MinOffset: int(least), EndOffset: int(most)}
		if extended {
			regex.Options = []string{"extended", "caseless"}
		}
		search, err := regex.compile()
		if err != nil {
			return
		}
		whole := search.in(bytes.NewReader(body))
		if pieces := search.in(iotest.HalfReader(bytes.NewReader(body))); pieces != whole {
			t.Errorf("%q in %q: found %v in one piece, %v in several", pattern, body, whole, pieces)
		}
	})
}
