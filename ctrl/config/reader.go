package config

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// The bounds of a configuration that someone wrote on purpose.
const (
	// maxDepth bounds includes and variables inside each other.
	maxDepth = 32

	// maxExpansion bounds the text that variables may expand to, in bytes.
	maxExpansion = 4 << 20

	// maxFiles bounds the files that are read.
	maxFiles = 4096
)

// reader follows the text of a configuration through included files,
// conditional lines and variables, and hands what is left to a tree.
type reader struct {
	*report
	source    Source
	configID  string
	variables map[string]string
	tree      *tree

	// lookup returns a variable of the environment; nil if there is none.
	lookup func(name string) (string, bool)

	// random draws the numbers of _RANDOM; nil until the first one.
	random *rand.Rand

	// files are the files being read, the innermost last; filesRead counts all.
	files     []string
	filesRead int

	// depth, expanded and repetitions count against maxDepth, maxExpansion and
	// maxRepetitions; exhausted is set, and reported once, when one of them is
	// passed.
	depth, expanded, repetitions int
	exhausted                    bool
}

// file reads one file.
func (r *reader) file(name string, text []byte) {
	r.files = append(r.files, name)
	r.lines(lex(r.report, string(text), Position{File: name, Line: 1, Column: 1}))
	r.files = r.files[:len(r.files)-1]
}

// lines reads tokens line by line; the last token is a newline.
func (r *reader) lines(tokens []token) {
	for len(tokens) > 0 {
		end := slices.IndexFunc(tokens, func(t token) bool { return t.kind == newlineToken })
		r.line(tokens[:end])
		r.tree.add(tokens[end])
		tokens = tokens[end+1:]
	}
}

// line reads the tokens of one line.
func (r *reader) line(line []token) {
	if r.exhausted {
		return
	}
	for len(line) > 0 && isCondition(line[0]) {
		if !r.holds(line[0]) {
			return
		}
		line = line[1:]
	}
	switch {
	case len(line) == 0:
	case line[0].kind == definitionToken:
		r.variables[line[0].text] = line[0].value
	case line[0].kind == sequenceToken:
		r.repeat(line)
	case r.expands(line):
		r.expandLine(line)
	case isInclude(line[0]):
		r.include(line)
	default:
		for _, t := range line {
			r.checkDefined(t)
			t.text = commentMarks.Replace(t.text)
			r.tree.add(t)
		}
	}
}

// holds reports whether the line that a condition begins is for this machine:
// @ID for the machine of this configuration id, @^ID for all others.
func (r *reader) holds(condition token) bool {
	id, others := strings.CutPrefix(condition.text[1:], "^")
	if r.configID == "" {
		r.warnf(condition.Position,
			"line depends on the configuration id, and there is none: taken as for any machine but %q", id)
	}
	return (id == r.configID) != others
}
