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
		{"single quotes keep double quotes on the lines of commands", `script 'b "c" d'`, `[script|b "c" d]`},
		{"single quotes are letters elsewhere", `auth_pass it's`, "[auth_pass|it's]"},
		{"quotes may begin and end inside a word", `script b"c d"e'f g'`, "[script|bc def g]"},
		{"quotes keep backslashes", `auth_pass "a\b\x41"`, `[auth_pass|a\b\x41]`},
		{"a backslash before the mark of a comment keeps it", `auth_pass a\#b\!c`, "[auth_pass|a#b!c]"},
		{"names stand for the marks of comments", "a b${_HASH}c \"${_BANG}\"", "[a|b#c|!]"},
		{"quotes may be empty", `a ""`, "[a|]"},
		{"letters are escaped in quotes of commands", `script "\a\b\E\f\n\r\t\v"`, "[script|\a\b\x1b\f\n\r\t\v]"},
		{"numbers are escaped in quotes of commands", `script "\101\x42\x4\0\777"`, "[script|AB\x04\x00\xff]"},
		{"control characters are escaped in quotes of commands", `script "\cAb"`, "[script|\x01b]"},
		{"any other character is escaped in quotes of commands", `script "\"\\\'\xg"`, `[script|"\'xg]`},
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
		{"keep quotes of commands and what they protect", "$A='b c'\nscript $A", "[script|b c]"},
		{"may hide the mark of a comment", "$A=\"b # c\" # d\ne $A", "[e|b # c]"},
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

func TestSequences(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"count up", "~SEQ(A, 1, 3) a $A", "[a|1][a|2][a|3]"},
		{"count down", "~SEQ(A, 3, 1) a $A", "[a|3][a|2][a|1]"},
		{"begin with 1 where no start is written", "~SEQ(A,2) a $A", "[a|1][a|2]"},
		{"begin with -1 where the end is below", "~SEQ(A,-2) a $A", "[a|-1][a|-2]"},
		{"take steps and end before the end", "~SEQ(A,1,2,6) a $A", "[a|1][a|3][a|5]"},
		{"take steps down", "~SEQ(A,5,-2,0) a $A", "[a|5][a|3][a|1]"},
		{"write hexadecimal numbers", "~SEQx(A,9,0xb) a $A", "[a|9][a|a][a|b]"},
		{"nest, the last one fastest", "~SEQ(A,1,2) ~SEQ(B,1,2) a${A}${B}", "[a11][a12][a21][a22]"},
		{"need no space behind them", "~SEQ(A,1,2)a $A", "[a|1][a|2]"},
		{"repeat variables of several lines", "$V= \\\n a ${A} { \\\n } \\\n b\n~SEQ(A,1,2) $V", "[a|1]{}[b][a|2]{}[b]"},
		{"come from variables", "$S=~SEQ(A,1,2)\n$S a ${A}", "[a|1][a|2]"},
		{"hold variables", "$N=2\n~SEQ(A,1,${N}) a ${A}", "[a|1][a|2]"},
		{"leave their last value", "~SEQ(A,1,2) a $A\nb $A", "[a|1][a|2][b|2]"},
		{"repeat definitions", "~SEQ(A,1,2) $B=x${A}\nb $B", "[b|x2]"},
		{"repeat conditions", "~SEQ(A,1,2) @main a $A", "[a|1][a|2]"},
		{"stand behind conditions", "@main ~SEQ(A,1,2) a $A\n@^main ~SEQ(A,1,2) b $A", "[a|1][a|2]"},
		{"give a list of words", "~LST(A, x, yy) a $A", "[a|x][a|yy]"},
		{"give lists to several variables", "~LST({A, B}, {x,1},{y,2}) a $A $B", "[a|x|1][a|y|2]"},
		{"leave what a list lacks empty", "~LST({A,B},{x},y) a \"$A $B\"", "[a|x ][a|y ]"},
		{"combine with lists", "~LST({A,B},{x,1}) ~SEQ(C,1,2) a${A}${B}${C}", "[ax11][ax12]"},
		{"are words elsewhere", "a ~SEQ(A,1,2)", "[a|~SEQ(A,1,2)]"},
		{"may repeat nothing", "~SEQ(A,1,2)\na", "[a]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			statements, findings := readTree(memory{"main": test.text}, WithConfigID("main"))
			if got := outline(statements); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if len(findings) > 0 {
				t.Errorf("found\n%s", lines(findings))
			}
		})
	}
}

func TestVariablesOfTheEnvironment(t *testing.T) {
	environment := WithEnvironment(func(name string) (string, bool) {
		return map[string]string{"SITE": "north # pole"}[name], name == "SITE"
	})
	for _, test := range []struct{ name, text, want, found string }{
		{"have their value", `a "${_ENV SITE}"`, "[a|north # pole]", ""},
		{"must be there", "a ${_ENV CITY}", "[a|${_ENV CITY}]",
			"main:1:3: error: ${_ENV CITY} has no value: there is no CITY in the environment\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			statements, findings := readTree(memory{"main": test.text}, environment)
			if got := outline(statements); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := lines(findings); got != test.found {
				t.Errorf("found %q, want %q", got, test.found)
			}
		})
	}
}

// TestRandomNumbers holds them to their range, to be the same at every reading on
// one machine, and to differ between machines.
func TestRandomNumbers(t *testing.T) {
	text := "~SEQ(N,1,200) a ${_RANDOM 3 5}\nb ${_RANDOM} ${_RANDOM 7 7}"
	read := func(id string) string {
		statements, findings := readTree(memory{"main": text}, WithConfigID(id))
		if len(findings) > 0 {
			t.Fatalf("found\n%s", lines(findings))
		}
		return outline(statements)
	}
	one := read("one")
	for _, number := range []string{"[a|3]", "[a|4]", "[a|5]", "|7]"} {
		if !strings.Contains(one, number) {
			t.Errorf("%s is not in %s", number, one)
		}
	}
	if strings.Contains(one, "[a|2]") || strings.Contains(one, "[a|6]") {
		t.Errorf("out of range in %s", one)
	}
	if again := read("one"); again != one {
		t.Errorf("first\n%s\nthen\n%s", one, again)
	}
	if read("two") == one {
		t.Error("two machines draw the same numbers")
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
		"main":  "# comment\na  \"b\" {\n\td \"e f\" \\\n  g\n}\n$V=x y\nh $V i\ninclude other",
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
