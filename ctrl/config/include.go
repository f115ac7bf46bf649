package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// includeChecks says what a variant of include insists on. What it does not
// insist on is a warning, as keepalived goes on without the file.
type includeChecks struct {
	// readable: every file found must be readable.
	readable bool

	// match: a name without wildcards must exist.
	match bool

	// wildcard: a pattern must match a file.
	wildcard bool

	// brace: every alternative of a {A,B} must match a file.
	brace bool
}

// includeKeywords are the variants of include (keepalived.conf(5)).
var includeKeywords = map[string]includeChecks{
	"include":  {},
	"includer": {readable: true},
	"includem": {readable: true, match: true},
	"includew": {readable: true, match: true, wildcard: true},
	"includeb": {readable: true, match: true, brace: true},
	"includea": {readable: true, match: true, wildcard: true, brace: true},
}

// isInclude reports whether a word is a variant of include.
func isInclude(t token) bool {
	_, ok := includeKeywords[t.text]
	return ok && t.kind == wordToken && !t.quoted
}

// include reads the files that an include line names.
func (r *reader) include(line []token) {
	keyword := line[0]
	pattern, ok := includePattern(line[1:])
	if !ok {
		r.lack(keyword.Position, "%s needs a file name", keyword.text)
		return
	}
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(r.currentFile()), pattern)
	}
	checks := includeKeywords[keyword.text]
	for _, name := range r.includeNames(keyword.Position, pattern, checks) {
		r.includeFile(keyword.Position, name, checks)
	}
}

// includeNames returns the files that a pattern stands for. A plain name stands
// for itself, whether the file is there or not.
func (r *reader) includeNames(at Position, pattern string, checks includeChecks) []string {
	alternatives := expandBraces(pattern)
	if len(alternatives) == 1 && !strings.ContainsAny(pattern, "*?[") {
		return alternatives
	}
	needed := checks.wildcard || checks.brace && len(alternatives) > 1
	var names, absent []string
	for _, alternative := range alternatives {
		matches, err := r.source.Glob(alternative)
		if err != nil {
			r.lack(at, "include pattern %s: %v", alternative, err)
			continue
		}
		switch {
		case len(matches) > 0:
			names = append(names, matches...)
		case needed:
			r.lack(at, "no file matches %s", alternative)
		case !strings.ContainsAny(alternative, "*?["):
			absent = append(absent, alternative)
		}
	}
	if len(absent) == len(alternatives) {
		r.missing(at, checks.match, "no file matches %s", pattern)
		return nil
	}
	for _, name := range absent {
		r.missing(at, false, "included file %s does not exist", name)
	}
	return names
}

// includePattern puts the pattern of an include line together again: to the
// lexer its braces are those of a block.
func includePattern(tokens []token) (string, bool) {
	var pattern strings.Builder
	for _, t := range tokens {
		switch t.kind {
		case openToken:
			pattern.WriteByte('{')
		case closeToken:
			pattern.WriteByte('}')
		default:
			pattern.WriteString(commentMarks.Replace(t.text))
		}
	}
	return pattern.String(), pattern.Len() > 0
}

// includeFile reads one file in the middle of another.
func (r *reader) includeFile(at Position, name string, checks includeChecks) {
	if slices.Contains(r.files, name) {
		r.lack(at, "%s includes itself", name)
		return
	}
	if len(r.files) >= maxDepth {
		r.errorf(at, "more than %d files include each other", maxDepth)
		return
	}
	if r.filesRead >= maxFiles {
		if r.filesRead == maxFiles {
			r.errorf(at, "more than %d files are read", maxFiles)
		}
		r.filesRead++
		return
	}
	r.filesRead++
	if r.textRead > maxText {
		return
	}
	text, err := r.source.ReadFile(name)
	switch {
	case errors.Is(err, ErrTooLarge):
		r.lack(at, "included file %s is too large: %v", name, cause(err))
	case errors.Is(err, fs.ErrNotExist):
		r.missing(at, checks.match, "included file %s does not exist", name)
	case err != nil:
		r.missing(at, checks.readable, "included file %s cannot be read: %v", name, cause(err))
	case r.textRead+len(text) > maxText:
		r.textRead = maxText + 1
		r.errorf(at, "the files have more than %d MiB together", maxText>>20)
	default:
		r.file(name, text)
	}
}

// missing reports an included file that is not there: an error if the keyword
// insists on it, else a warning.
func (r *reader) missing(at Position, insist bool, format string, args ...any) {
	if insist {
		r.lack(at, format, args...)
		return
	}
	r.warnf(at, format+": left out", args...)
}

// lack reports a file that the configuration cannot be without. What stands around it
// is read all the same; what the blocks lack that it stands in may be in the file, and
// whatever else is defined nowhere.
func (r *reader) lack(at Position, format string, args ...any) {
	r.errorf(at, format, args...)
	r.gaps++
	r.incomplete = true
	for _, block := range r.tree.open {
		r.skip(block.keyword().Position)
	}
}

// currentFile is the file that is being read.
func (r *reader) currentFile() string { return r.files[len(r.files)-1] }

// cause strips the operation and the file name, which the finding tells itself.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// expandBraces returns the alternatives of a pattern such as conf.d/{a,b}.conf,
// in order. Unbalanced braces stand for themselves.
func expandBraces(pattern string) []string {
	var expanded []string
	pending := []string{pattern}
	for len(pending) > 0 && len(expanded)+len(pending) <= maxAlternatives {
		next := pending[0]
		pending = pending[1:]
		start, end := braces(next)
		if end < 0 {
			expanded = append(expanded, next)
			continue
		}
		var choices []string
		for _, choice := range splitAlternatives(next[start+1 : end]) {
			choices = append(choices, next[:start]+choice+next[end+1:])
		}
		pending = append(choices, pending...)
	}
	return append(expanded, pending...)
}

// maxAlternatives bounds how many patterns the braces of one include make.
const maxAlternatives = 1024

// braces returns the indexes of the first pair of braces; end is -1 if there is
// none.
func braces(pattern string) (start, end int) {
	depth := 0
	for i := range len(pattern) {
		switch pattern[i] {
		case '{':
			if depth == 0 {
				start = i
			}
			depth++
		case '}':
			depth--
			if depth == 0 {
				return start, i
			}
			depth = max(depth, 0)
		}
	}
	return 0, -1
}

// splitAlternatives splits at the commas outside of inner braces.
func splitAlternatives(list string) []string {
	var alternatives []string
	depth, start := 0, 0
	for i := range len(list) {
		switch list[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth == 0 {
				alternatives = append(alternatives, list[start:i])
				start = i + 1
			}
		}
	}
	return append(alternatives, list[start:])
}
