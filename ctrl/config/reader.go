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

	// maxFiles bounds the files that are read, and maxText the bytes in them.
	maxFiles = 4096
	maxText  = 2 * MaxFileSize

	// maxWords bounds the words that are read, variables and sequences written out.
	maxWords = 1 << 21
)

// reader follows the text of a configuration through included files,
// conditional lines and variables, and hands what is left to a tree.
type reader struct {
	*report
	source    Source
	configID  string
	variables map[string]string
	tree      *tree

	// host is what the configuration is checked against; nil for none.
	host *Host

	// lookup returns a variable of the environment; nil if there is none.
	lookup func(name string) (string, bool)

	// random draws the numbers of _RANDOM; nil until the first one.
	random *rand.Rand

	// files are the files being read, the innermost last; filesRead counts all,
	// and textRead the bytes in them.
	files               []string
	filesRead, textRead int

	// depth, expanded and repetitions count against maxDepth, maxExpansion and
	// maxRepetitions; exhausted is set, and reported once, when one of them is
	// passed.
	depth, expanded, repetitions int
	exhausted                    bool

	// words counts against maxWords.
	words int
}

// file reads one file.
func (r *reader) file(name string, text []byte) {
	r.files = append(r.files, name)
	r.textRead += len(text)
	lexer := &lexer{report: r.report, text: string(text), at: Position{File: name, Line: 1, Column: 1}}
	for !lexer.ended && !r.exhausted {
		r.lines(lexer.line())
	}
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
	case r.tooLong(line):
	default:
		for _, t := range line {
			r.checkDefined(t)
			t.text = commentMarks.Replace(t.text)
			r.tree.add(t)
		}
	}
}

// tooLong counts the words of a line, and tells once that they are too many.
func (r *reader) tooLong(line []token) bool {
	r.words += len(line)
	if r.words > maxWords {
		r.errorf(line[0].Position, "more than %d words up to the end of this line", maxWords)
		r.exhausted = true
	}
	return r.exhausted
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
