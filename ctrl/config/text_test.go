package config

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
)

// memory is a Source over texts.
type memory map[string]string

func (m memory) ReadFile(name string) ([]byte, error) {
	text, ok := m[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

func (m memory) Glob(pattern string) ([]string, error) {
	var matches []string
	for name := range m {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return nil, err
		}
		if ok {
			matches = append(matches, name)
		}
	}
	slices.Sort(matches)
	return matches, nil
}

// readTree reads the file main into statements.
func readTree(source memory, options ...Option) ([]*statement, Findings) {
	found := &report{}
	r := &reader{report: found, source: source, variables: map[string]string{}, tree: &tree{report: found}}
	for _, option := range options {
		option(r)
	}
	r.file("main", []byte(source["main"]))
	return r.tree.finish(), found.findings
}

// outline writes statements on one line: words in brackets, blocks in braces.
func outline(statements []*statement) string {
	var out strings.Builder
	for _, s := range statements {
		out.WriteString("[")
		for i, w := range s.words {
			if i > 0 {
				out.WriteString("|")
			}
			out.WriteString(w.text)
		}
		out.WriteString("]")
		if s.block != nil {
			fmt.Fprintf(&out, "{%s}", outline(s.block.statements))
		}
	}
	return out.String()
}

func TestTextBecomesStatements(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a statement ends with its line", "a b\nc", "[a|b][c]"},
		{"white space separates words", " a \t b\r\n\tc\v\f", "[a|b][c]"},
		{"a number sign begins a comment", "# a\nb # c\nd", "[b][d]"},
		{"an exclamation mark begins a comment in the middle of a word", "a!b\nc", "[a][c]"},
		{"a comment hides braces", "a # {\nb", "[a][b]"},
		{"a block follows on the same line", "a b {\nc\n}", "[a|b]{[c]}"},
		{"a block follows on the next line", "a b\n\n{\nc\n}", "[a|b]{[c]}"},
		{"a brace may touch its neighbors", "a{b c}d", "[a]{[b|c]}[d]"},
		{"a block may stand on one line", "url { path / }", "[url]{[path|/]}"},
		{"blocks nest", "a { b { c\n } d\n}", "[a]{[b]{[c]}[d]}"},
		{"a block may be empty", "a {\n}", "[a]{}"},
		{"a backslash joins lines", "a \\\n  b \\\r\nc\nd", "[a|b|c][d]"},
		{"a backslash elsewhere is itself", `a\b c\`, `[a\b|c\]`},
		{"double quotes keep white space, braces and comments", `a "b { # ! } c"`, "[a|b { # ! } c]"},
		{"single quotes keep double quotes", `a 'b "c" d'`, `[a|b "c" d]`},
		{"quotes may begin and end inside a word", `a b"c d"e'f g'`, "[a|bc def g]"},
		{"quotes may be empty", `a ""`, "[a|]"},
		{"letters are escaped in quotes", `a "\a\b\E\f\n\r\t\v"`, "[a|\a\b\x1b\f\n\r\t\v]"},
		{"numbers are escaped in quotes", `a "\101\x42\x4\0\777"`, "[a|AB\x04\x00\xff]"},
		{"control characters are escaped in quotes", `a "\cAb"`, "[a|\x01b]"},
		{"any other character is escaped in quotes", `a "\"\\\'\xg"`, `[a|"\'xg]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			statements, findings := readTree(memory{"main": test.text})
			if got := outline(statements); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if len(findings) > 0 {
				t.Errorf("found\n%s", lines(findings))
			}
		})
	}
}

func TestVariables(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"replace a word", "$A=b\nc $A d", "[c|b|d]"},
		{"replace a part of a word in braces", "$A=b\nc x${A}y", "[c|xby]"},
		{"become several words", "$A=b c\n$A d", "[b|c|d]"},
		{"become several lines", "$A= \\\n b { \\\n  c \\\n } \\\n d\n$A", "[b]{[c]}[d]"},
		{"stay one word in quotes", "$A=b c\nd \"${A} e\"", "[d|b c e]"},
		{"are replaced when used, not when defined", "$A=${B}\n$B=1\nc $A\n$B=2\nc $A", "[c|1][c|2]"},
		{"are defined inside blocks and values", "$A= \\\n $N=1 \\\n b ${N} \\\n $N=2 \\\n b ${N}\nc {\n $A\n}", "[c]{[b|1][b|2]}"},
		{"may be empty", "$A=\nb $A c", "[b|c]"},
		{"lose the comment behind them", "$A=b # c\nd $A", "[d|b]"},
		{"keep quotes and what they protect", "$A=\"b # c\"\nd $A", "[d|b # c]"},
		{"give the directory of the file", "a ${_PWD}", "[a|.]"},
		{"need a name before the equal sign", "$=b\n$1=c", "[$=b][$1=c]"},
		{"are left alone in quotes when unknown", `a "$1 $X ${Y}"`, "[a|$1 $X ${Y}]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			statements, findings := readTree(memory{"main": test.text})
			if got := outline(statements); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if len(findings) > 0 {
				t.Errorf("found\n%s", lines(findings))
			}
		})
	}
}

func TestConditionalLines(t *testing.T) {
	const text = "@main a 1\n@^main a 2\n@main $B=3\n@^main $B=4\na ${B}\na ${_INSTANCE}"
	for _, test := range []struct{ name, id, want string }{
		{"hold for their own machine", "main", "[a|1][a|3][a|main]"},
		{"do not hold for another machine", "backup", "[a|2][a|4][a|backup]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			statements, findings := readTree(memory{"main": text}, WithConfigID(test.id))
			if got := outline(statements); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if len(findings) > 0 {
				t.Errorf("found\n%s", lines(findings))
			}
		})
	}
}

func TestIncludes(t *testing.T) {
	for _, test := range []struct {
		name   string
		source memory
		want   string
	}{
		{"stand in the place of the line", memory{"main": "a\ninclude x\nc", "x": "b"}, "[a][b][c]"},
		{"read all files of a pattern in order",
			memory{"main": "include d/*.conf", "d/2.conf": "b", "d/1.conf": "a", "d/3": "c"}, "[a][b]"},
		{"are relative to their own file", memory{"main": "include d/x", "d/x": "include y", "d/y": "a", "y": "b"}, "[a]"},
		{"take absolute names", memory{"main": "include /d/x", "/d/x": "a"}, "[a]"},
		{"expand braces", memory{"main": "includeb d/{a,b{1,2}}", "d/a": "a", "d/b1": "b1", "d/b2": "b2"}, "[a][b1][b2]"},
		{"may close a block", memory{"main": "a {\ninclude x", "x": "b\n}"}, "[a]{[b]}"},
		{"read a file twice, but not inside itself", memory{"main": "include x\ninclude x", "x": "a"}, "[a][a]"},
		{"expand variables", memory{"main": "$D=d\ninclude ${D}/x", "d/x": "a"}, "[a]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			statements, findings := readTree(test.source)
			if got := outline(statements); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if len(findings) > 0 {
				t.Errorf("found\n%s", lines(findings))
			}
		})
	}
}

func TestWordsKnowTheirPositions(t *testing.T) {
	statements, findings := readTree(memory{
		"main":  "# comment\na  \"b\" {\n\td 'e f' \\\n  g\n}\n$V=x y\nh $V i\ninclude other",
		"other": "j",
	})
	if len(findings) > 0 {
		t.Fatalf("found\n%s", lines(findings))
	}
	want := []string{
		"a main:2:1", "b main:2:4", "d main:3:2", "e f main:3:4", "g main:4:3",
		"h main:7:1", "x main:7:3", "y main:7:3", "i main:7:6", "j other:1:1",
	}
	if got := places(statements); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// places returns all words with their positions.
func places(statements []*statement) []string {
	var all []string
	for _, s := range statements {
		for _, w := range s.words {
			all = append(all, w.text+" "+w.Position.String())
		}
		if s.block != nil {
			all = append(all, places(s.block.statements)...)
		}
	}
	return all
}
