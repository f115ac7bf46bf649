package config

import (
	"iter"
	"slices"
	"strings"
)

// expands reports whether a variable with a known value occurs in the line.
func (r *reader) expands(line []token) bool {
	return slices.ContainsFunc(line, func(t token) bool {
		if t.kind != wordToken {
			return false
		}
		for _, name := range references(t.text) {
			if _, ok := r.value(name); ok {
				return true
			}
		}
		return false
	})
}

// expandLine replaces the variables of a line by their values and reads the
// result, which may be several lines and may hold variables again.
func (r *reader) expandLine(line []token) {
	var expanded []token
	escaped := escapedLines[line[0].text]
	for _, t := range line {
		if t.kind != wordToken {
			expanded = append(expanded, t)
			continue
		}
		text := r.substitute(t.text)
		if t.quoted || text == t.text {
			t.text = text
			expanded = append(expanded, t)
			continue
		}
		expanded = append(expanded, lexValue(r.report, text, t.Position, escaped)...)
	}
	if r.depth >= maxDepth || r.expanded > maxExpansion {
		r.exhaust(line[0].Position)
		return
	}
	r.depth++
	r.lines(append(expanded, token{Position: line[0].Position, kind: newlineToken}))
	r.depth--
}

// exhaust reports once that variables expand too far.
func (r *reader) exhaust(at Position) {
	if !r.exhausted {
		r.errorf(at, "variables or sequences expand without end, to more than %d bytes or %d lines: look for one that holds itself",
			maxExpansion, maxRepetitions)
	}
	r.exhausted = true
}

// substitute replaces references to variables by their values. What is not
// defined, or beyond maxExpansion, stays as written.
func (r *reader) substitute(text string) string {
	var out strings.Builder
	for piece, name := range references(text) {
		if value, ok := r.value(name); ok && r.expanded <= maxExpansion {
			r.expanded += len(value)
			piece = value
		}
		out.WriteString(piece)
	}
	return out.String()
}

// checkDefined finds the variables that a word still refers to when all known
// ones are replaced. A $NAME may be meant for a script and stays; in quotes it
// is common.
func (r *reader) checkDefined(t token) {
	if t.kind != wordToken || t.quoted {
		return
	}
	for piece, name := range references(t.text) {
		switch {
		case name == "_HASH" || name == "_BANG":
		case strings.HasPrefix(name, "_"):
			r.errorf(t.Position, "${%s} has no value: %s", name, r.builtinProblem(name))
			r.gaps++
			r.skip(t.Position)
		case strings.HasPrefix(piece, "${") && name != "":
			r.absentf(t.Position, "variable %s is not defined", name)
			if !r.incomplete {
				r.gaps++
			}
			r.skip(t.Position)
		case name != "":
			if !r.incomplete {
				r.warnf(t.Position, "variable %s is not defined: the text stays as written", name)
			}
		}
	}
}

// value returns the value of a variable, or of a name that keepalived defines
// itself.
func (r *reader) value(name string) (string, bool) {
	if value, ok := r.variables[name]; ok {
		return value, true
	}
	return r.builtin(name)
}

// references cuts text into pieces: references to variables, with their names,
// and what is between them, with an empty name.
func references(text string) iter.Seq2[string, string] {
	return func(yield func(piece, name string) bool) {
		for text != "" {
			dollar := strings.IndexByte(text, '$')
			if dollar < 0 {
				dollar = len(text)
			}
			if dollar > 0 && !yield(text[:dollar], "") {
				return
			}
			if text = text[dollar:]; text == "" {
				return
			}
			name, length := variableName(text)
			if !yield(text[:length], name) {
				return
			}
			text = text[length:]
		}
	}
}

// variableName returns the name that the $ at the begin of text refers to, with
// the length of the reference; an empty name if it is no reference. ${NAME}
// stands anywhere, $NAME only where a word ends.
func variableName(text string) (name string, length int) {
	if strings.HasPrefix(text, "${") {
		end := strings.IndexByte(text, '}')
		if end < 0 {
			return "", 1
		}
		return text[2:end], end + 1
	}
	n := nameLength(text[1:])
	if n == 0 || 1+n < len(text) && !isSpace(text[1+n]) {
		return "", 1
	}
	return text[1 : 1+n], 1 + n
}
