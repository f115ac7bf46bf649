package config

import (
	"strconv"
	"strings"
)

// namedEscapes are the escapes of one letter inside quotes (keepalived.conf(5),
// "Quoted strings").
var namedEscapes = map[byte]string{
	'a': "\a", 'b': "\b", 'E': "\x1b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescape reads the escape that text begins with: what it stands for and how
// many bytes it takes. A backslash before any other character is that
// character.
func unescape(text string) (plain string, length int) {
	if len(text) < 2 || text[1] == '\n' {
		return "\\", 1
	}
	c := text[1]
	if named, ok := namedEscapes[c]; ok {
		return named, 2
	}
	switch {
	case c == 'x':
		return numericEscape(text, 2, 16, 2, "0123456789abcdefABCDEF")
	case '0' <= c && c <= '7':
		return numericEscape(text, 1, 8, 3, "01234567")
	case c == 'c' && len(text) > 2 && text[2] != '\n':
		return string([]byte{text[2] & 0x1f}), 3
	}
	return text[1:2], 2
}

// numericEscape reads at most max digits from start. Octal 777 does not fit
// into a byte and loses its top bit, as in C.
func numericEscape(text string, start, base, max int, digits string) (string, int) {
	end := start
	for end < len(text) && end < start+max && strings.IndexByte(digits, text[end]) >= 0 {
		end++
	}
	value, err := strconv.ParseUint(text[start:end], base, 16)
	if err != nil {
		return text[1:2], 2
	}
	return string([]byte{byte(value)}), end
}
