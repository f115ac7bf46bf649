package track

import (
	"fmt"
	"strconv"
	"strings"
)

// parseNumber reads the number that a tracked file begins with, as C's strtol does with base 0: after white space an
// optional sign, then decimal, 0x and hexadecimal, or 0 and octal digits. What follows is ignored, and no number is 0.
// It returns an error if the number is not within 32 bits.
func parseNumber(text string) (int, error) {
	text = strings.TrimLeft(text, " \t\n\v\f\r")
	sign, digits := "", text
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		sign, digits = digits[:1], digits[1:]
	}
	base, digits := splitBase(digits)
	if digits == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(sign+digits, base, 32)
	if err != nil {
		return 0, fmt.Errorf("number %s%s is not within 32 bits", sign, digits)
	}
	return int(n), nil
}

// splitBase returns the base of the number that text begins with, and its digits.
func splitBase(text string) (base int, digits string) {
	base = 10
	if rest, hex := cutHexadecimal(text); hex {
		base, text = 16, rest
	} else if strings.HasPrefix(text, "0") {
		base = 8
	}
	end := strings.IndexFunc(text, func(r rune) bool { return !isDigit(r, base) })
	if end < 0 {
		end = len(text)
	}
	return base, text[:end]
}

// cutHexadecimal cuts 0x off, if a hexadecimal digit follows it; else the number is the 0.
func cutHexadecimal(text string) (rest string, found bool) {
	if len(text) < 3 || text[0] != '0' || text[1]|0x20 != 'x' || !isDigit(rune(text[2]), 16) {
		return text, false
	}
	return text[2:], true
}

// isDigit says whether r is a digit of a number of that base.
func isDigit(r rune, base int) bool {
	switch {
	case '0' <= r && r <= '9':
		return int(r-'0') < base
	case 'a' <= r|0x20 && r|0x20 <= 'f':
		return base == 16
	default:
		return false
	}
}
