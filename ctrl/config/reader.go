package config

import (
	"slices"
	"strings"
)

// The bounds of a configuration that someone wrote on purpose.
const (
	// maxDepth bounds includes and variables inside each other.
	maxDepth = 32

	// maxExpansion bounds the text that variables may expand to, in bytes.
	maxExpansion = 1 << 20
)

// reader follows the text of a configuration through included files,
// conditional lines and variables, and hands what is left to a tree.
type reader struct {
	*report
	source    Source
	configID  string
	variables map[string]string
	tree      *tree

	// files are the files being read, the innermost last.
	files []string

	// depth and expanded count against maxDepth and maxExpansion; exhausted
	// is set, and reported once, when one of them is passed.
	depth, expanded int
	exhausted       bool
}

// file reads one file.
func (r *reader) file(name string, text []byte) {
	r.files = append(r.files, name)
	r.lines(lex(r.report, string(text), Position{File: name, Line: 1, Column: 1}, false))
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
	if len(line) > 0 && isCondition(line[0]) {
		if !r.holds(line[0]) {
			return
		}
		line = line[1:]
	}
	switch {
	case len(line) == 0:
	case line[0].kind == definitionToken:
		r.variables[line[0].text] = line[0].value
	case isSequence(line[0]):
		r.errorf(line[0].Position,
			"%s is not served: write its lines out", line[0].text[:len("~SEQ")])
	case r.expands(line):
		r.expandLine(line)
	case isInclude(line[0]):
		r.include(line)
	default:
		for _, t := range line {
			r.checkDefined(t)
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

// isSequence reports whether a word begins a sequence or list block, ~SEQ or
// ~LST.
func isSequence(t token) bool {
	return t.kind == wordToken && !t.quoted &&
		(strings.HasPrefix(t.text, "~SEQ") || strings.HasPrefix(t.text, "~LST"))
}
