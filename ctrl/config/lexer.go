package config

import (
	"cmp"
	"strings"
)

// tokenKind tells what a token is.
type tokenKind int

const (
	wordToken tokenKind = iota
	openToken
	closeToken
	newlineToken

	// definitionToken is a whole $NAME=VALUE line.
	definitionToken

	// sequenceToken is a ~SEQ(...) or ~LST(...) at the begin of a line.
	sequenceToken
)

// token is the smallest piece of a configuration that has a meaning.
type token struct {
	Position
	kind tokenKind

	// text is the word without its quotes, the name of a definition, or what
	// stands in the parentheses of a sequence.
	text string

	// quoted words are never an include, a condition or several words.
	quoted bool

	// value is the raw text of a definition; its lines end with "\n". For a
	// sequence it is the word before the parentheses.
	value string
}

// lexer cuts the text of one file into tokens. Quotes end at the end of their
// line, comments begin with # or ! anywhere outside quotes, and a backslash at
// the end of a line joins it with the next.
//
// As in keepalived, double quotes keep text as it is. Only on the lines of
// commands and expressions, which begin with one of escapedLines, do single quotes
// keep text, too, and stands a backslash in quotes for an escape.
type lexer struct {
	*report
	text   string
	offset int
	at     Position

	// fixed lexers work on the value of a variable: all tokens are where the
	// variable is used.
	fixed bool

	// escaped: all lines are as those of escapedLines.
	escaped bool

	tokens []token

	// ended: all of the text is read.
	ended bool

	// first is the word that the statement at the cursor begins with, empty if
	// there is none yet. Conditions do not count.
	first string
}

// escapedLines are the keywords of lines with escapes.
var escapedLines = words(`script misc_path process regex startup_script shutdown_script
	notify notify_master notify_backup notify_fault notify_stop notify_deleted notify_master_rx_lower_pri
	notify_up notify_down quorum_up quorum_down notify_fifo_script vrrp_notify_fifo_script lvs_notify_fifo_script`)

// words returns the set of the words in text.
func words(text string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		set[word] = true
	}
	return set
}

// lexValue returns the tokens of the value of a variable, which is used at a
// position, on a line with escapes or without.
func lexValue(r *report, text string, at Position, escaped bool) []token {
	l := lexer{report: r, text: text, at: at, fixed: true, escaped: escaped}
	for l.offset < len(l.text) {
		l.next()
	}
	return l.tokens
}

// line returns the tokens of the next line until it is called again. The last one
// is a newline. A line of too many words is the last one.
func (l *lexer) line() []token {
	l.tokens = l.tokens[:0]
	for l.offset < len(l.text) {
		l.next()
		n := len(l.tokens)
		if n > 0 && l.tokens[n-1].kind == newlineToken {
			return l.tokens
		}
		if n > maxWords {
			break
		}
	}
	l.ended = true
	l.add(token{Position: l.at, kind: newlineToken})
	return l.tokens
}

// next reads one token, one comment or one piece of white space.
func (l *lexer) next() {
	at := l.at
	switch c := l.text[l.offset]; {
	case c == '\n':
		l.advance(1)
		l.add(token{Position: at, kind: newlineToken})
	case isSpace(c):
		l.advance(1)
	case l.continued():
		l.skipContinuation()
	case isComment(c):
		l.skipComment()
	case c == '{':
		l.advance(1)
		l.add(token{Position: at, kind: openToken})
	case c == '}':
		l.advance(1)
		l.add(token{Position: at, kind: closeToken})
	default:
		if name, ok := l.definition(); ok {
			l.advance(len("$") + len(name) + len("="))
			l.add(token{Position: at, kind: definitionToken, text: name, value: l.rawLine()})
			return
		}
		if !l.sequence() {
			l.word()
		}
	}
}

// word reads a word up to white space, a brace or a comment outside quotes.
func (l *lexer) word() {
	word, escaped := token{Position: l.at, kind: wordToken}, l.escaped || escapedLines[l.first]
	var text strings.Builder
	for l.offset < len(l.text) {
		c := l.text[l.offset]
		if isSpace(c) || c == '\n' || c == '{' || c == '}' || isComment(c) || l.continued() {
			break
		}
		if c == '"' || c == '\'' && escaped {
			word.quoted = true
			l.quoted(c, escaped, &text)
			continue
		}
		if rest := l.text[l.offset:]; len(rest) > 1 && c == '\\' && isComment(rest[1]) {
			l.advance(1)
		}
		n := l.reference()
		text.WriteString(l.text[l.offset : l.offset+n])
		l.advance(n)
	}
	word.text = text.String()
	l.add(word)
}

// quoted reads a quoted piece of a word.
func (l *lexer) quoted(quote byte, escaped bool, text *strings.Builder) {
	opened := l.at
	l.advance(1)
	for l.offset < len(l.text) && l.text[l.offset] != '\n' {
		switch c := l.text[l.offset]; {
		case c == quote:
			l.advance(1)
			return
		case c == '\\' && escaped:
			plain, n := unescape(l.text[l.offset:])
			text.WriteString(plain)
			l.advance(n)
		default:
			text.WriteByte(c)
			l.advance(1)
		}
	}
	l.errorf(opened, "quote %c is not closed on this line", quote)
}

// reference returns the length of the ${...} at the cursor, whose braces are
// not those of a block, or 1 if there is none.
func (l *lexer) reference() int {
	rest := l.text[l.offset:]
	if !strings.HasPrefix(rest, "${") {
		return 1
	}
	end := strings.IndexAny(rest, "}\n")
	if end < 0 || rest[end] == '\n' {
		return 1
	}
	return end + 1
}

// definition returns the NAME of the $NAME= at the cursor. Only a line that
// begins so, after a condition at most, defines a variable.
func (l *lexer) definition() (string, bool) {
	rest := l.text[l.offset:]
	if rest[0] != '$' || !l.begins() {
		return "", false
	}
	n := nameLength(rest[1:])
	if n == 0 || !strings.HasPrefix(rest[1+n:], "=") {
		return "", false
	}
	return rest[1 : 1+n], true
}

// begins reports whether a definition or a sequence may stand here: at the begin
// of a statement, but for conditions and sequences.
func (l *lexer) begins() bool { return l.first == "" }

// sequence reads the ~SEQ(...), ~SEQx(...) or ~LST(...) at the cursor, if one may
// stand there. Its end is the parenthesis on the same line that closes it.
func (l *lexer) sequence() bool {
	rest := l.text[l.offset:]
	open := strings.IndexByte(rest[:min(len(rest), longestSequence)], '(')
	if open < 0 || sequences[rest[:open]] == nil || !l.begins() {
		return false
	}
	t := token{Position: l.at, kind: sequenceToken, value: rest[:open]}
	end := strings.IndexAny(rest, ")\n")
	if end < 0 || rest[end] == '\n' {
		l.errorf(l.at, "%s( is not closed on this line", t.value)
		l.rawLine()
		return true
	}
	t.text = rest[open+1 : end]
	l.advance(end + 1)
	l.add(t)
	return true
}

// rawLine reads the rest of the line with its quotes but without its comment. A
// backslash at the end keeps the line break and goes on.
func (l *lexer) rawLine() string {
	var raw strings.Builder
	quoted := false
	for l.offset < len(l.text) && l.text[l.offset] != '\n' {
		c := l.text[l.offset]
		switch {
		case l.continued():
			l.skipContinuation()
			raw.WriteByte('\n')
			continue
		case c == '\\' && l.offset+1 < len(l.text) && l.text[l.offset+1] != '\n':
			raw.WriteByte(c)
			l.advance(1)
			c = l.text[l.offset]
		case !quoted && isComment(c):
			l.skipComment()
			continue
		case c == '"':
			quoted = !quoted
		}
		raw.WriteByte(c)
		l.advance(1)
	}
	return strings.TrimSpace(raw.String())
}

// continued reports whether a backslash that ends its line is at the cursor.
func (l *lexer) continued() bool {
	rest := l.text[l.offset:]
	return strings.HasPrefix(rest, "\\\n") || strings.HasPrefix(rest, "\\\r\n")
}

func (l *lexer) skipContinuation() {
	l.advance(strings.IndexByte(l.text[l.offset:], '\n') + 1)
}

func (l *lexer) skipComment() {
	n := strings.IndexByte(l.text[l.offset:], '\n')
	if n < 0 {
		n = len(l.text) - l.offset
	}
	l.advance(n)
}

// advance moves the cursor by n bytes.
func (l *lexer) advance(n int) {
	passed := l.text[l.offset : l.offset+n]
	l.offset += n
	if l.fixed {
		return
	}
	if last := strings.LastIndexByte(passed, '\n'); last >= 0 {
		l.at.Line += strings.Count(passed, "\n")
		l.at.Column = n - last
		return
	}
	l.at.Column += n
}

func (l *lexer) add(t token) {
	switch {
	case t.kind == wordToken && l.first == "" && !isCondition(t):
		l.first = cmp.Or(t.text, `""`)
	case t.kind != wordToken && t.kind != sequenceToken:
		l.first = ""
	}
	l.tokens = append(l.tokens, t)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }

func isComment(c byte) bool { return c == '#' || c == '!' }

// isCondition reports whether a word says for which machines its line is.
func isCondition(t token) bool {
	return t.kind == wordToken && !t.quoted && strings.HasPrefix(t.text, "@")
}

// nameLength returns the length of the variable name that text begins with.
func nameLength(text string) int {
	n := 0
	for n < len(text) && isNameByte(text[n], n) {
		n++
	}
	return n
}

func isNameByte(c byte, index int) bool {
	letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	return letter || index > 0 && '0' <= c && c <= '9'
}
