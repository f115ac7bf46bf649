package health

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// Escapes that mean something else to PCRE2 than to Go, or nothing to Go: outside of a class, and inside of one.
var (
	escapes = map[byte]string{
		's': `[\t-\r ]`, 'S': `[^\t-\r ]`, 'h': `[\t ]`, 'H': `[^\t ]`, 'v': `[\n-\r]`, 'V': `[^\n-\r]`,
		'N': `[^\n]`, 'R': `(?:\r\n|[\n-\r])`, 'Z': `(?:\n?\z)`, 'e': `\x1b`,
	}
	classEscapes = map[byte]string{'s': `\t-\r `, 'h': `\t `, 'v': `\n-\r`, 'e': `\x1b`}
)

// translator turns a pattern of PCRE2 into one of Go that means the same.
type translator struct {
	pattern string
	at      int
	out     strings.Builder
	// extended ignores white space and comments. dollarEnds: $ means what it means to Go; else it matches before a line
	// feed at the end, too.
	extended, dollarEnds bool
}

// translate returns the pattern in Go's syntax. What RE2 has not is left for the compiler to refuse.
func translate(pattern string, extended, dollarEnds bool) (string, error) {
	t := &translator{pattern: pattern, extended: extended, dollarEnds: dollarEnds || inlineMultiline.MatchString(pattern)}
	for t.at < len(t.pattern) {
		if err := t.step(); err != nil {
			return "", err
		}
	}
	return t.out.String(), nil
}

// inlineMultiline finds (?m).
var inlineMultiline = regexp.MustCompile(`\(\?[a-zA-Z]*m`)

// step takes the next piece of the pattern.
func (t *translator) step() error {
	rest := t.pattern[t.at:]
	switch c := rest[0]; {
	case strings.HasPrefix(rest, `\Q`):
		quoted, _, _ := strings.Cut(rest[2:], `\E`)
		t.put(regexp.QuoteMeta(quoted), min(len(rest), len(`\Q\E`)+len(quoted)))
	case c == '\\':
		return t.escape(escapes)
	case c == '[':
		return t.class()
	case strings.HasPrefix(rest, "(?#"):
		comment, _, _ := strings.Cut(rest, ")")
		t.put("", min(len(rest), len(comment)+1))
	case c == '$' && !t.dollarEnds:
		t.put(`(?:\n?\z)`, 1)
	case t.extended && c == '#':
		comment, _, _ := strings.Cut(rest, "\n")
		t.put("", len(comment))
	case t.extended && strings.IndexByte(" \t\n\v\f\r", c) >= 0:
		t.put("", 1)
	default:
		t.put(rest[:1], 1)
	}
	return nil
}

// put writes text in the place of the next bytes of the pattern.
func (t *translator) put(text string, bytes int) {
	t.out.WriteString(text)
	t.at += bytes
}

// escape takes a backslash and what belongs to it.
func (t *translator) escape(meanings map[byte]string) error {
	rest := t.pattern[t.at:]
	if len(rest) == 1 {
		return errors.New(`it ends with \`)
	}
	if meaning, differs := meanings[rest[1]]; differs {
		t.put(meaning, 2)
		return nil
	}
	if isHighByte(rest) {
		return errors.New(`\x with a number above 7f is a byte to PCRE2, which cannot be matched here`)
	}
	t.put(rest[:2], 2)
	return nil
}

// isHighByte says whether a pattern begins with \x and the number of a byte that is no ASCII.
func isHighByte(rest string) bool {
	digits, hex := strings.CutPrefix(rest, `\x`)
	if !hex || len(digits) < 2 {
		return false
	}
	n, err := strconv.ParseUint(digits[:2], 16, 8)
	return err == nil && n > 0x7f
}

// class takes a class of characters, up to its end or that of the pattern.
func (t *translator) class() error {
	t.put("[", 1)
	for _, first := range []string{"^", "]"} { // a bracket that comes first does not close
		if strings.HasPrefix(t.pattern[t.at:], first) {
			t.put(map[string]string{"^": "^", "]": `\]`}[first], 1)
		}
	}
	for t.at < len(t.pattern) {
		rest := t.pattern[t.at:]
		switch {
		case rest[0] == ']':
			t.put("]", 1)
			return nil
		case rest[0] == '\\':
			if err := t.escape(classEscapes); err != nil {
				return err
			}
		case strings.HasPrefix(rest, "[:"):
			name, _, closed := strings.Cut(rest, ":]")
			if !closed {
				t.put(`\[`, 1)
				continue
			}
			t.put(name+":]", len(name)+2)
		case rest[0] == '[':
			t.put(`\[`, 1)
		default:
			t.put(rest[:1], 1)
		}
	}
	return nil
}
