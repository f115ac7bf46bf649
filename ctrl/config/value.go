package config

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The functions below make the keyword of a statement with one plain value. The
// value goes to the field that the given function points to.

// text reads one word as it stands.
func text[T any](field func(*T) *string) keyword[T] {
	return keyword[T]{min: 1, max: 1, read: func(_ *parser, s *statement, into *T) {
		*field(into) = s.args()[0].text
	}}
}

// wireWord reads one word that is sent to servers as it stands, in a line that a
// space or a line break in it would end.
func wireWord[T any](field func(*T) *string) keyword[T] {
	return keyword[T]{min: 1, max: 1, read: func(p *parser, s *statement, into *T) {
		value := s.args()[0]
		if strings.ContainsFunc(value.text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			p.errorf(value.Position, "%s %q has a space or a control character, which would end it on its way to the server", s.keyword().text, value.text)
			return
		}
		*field(into) = value.text
	}}
}

// integer reads a decimal number from low to high.
func integer[T any, N int | uint8 | uint16 | uint32](low, high int, field func(*T) *N) keyword[T] {
	return keyword[T]{min: 1, max: 1, read: func(p *parser, s *statement, into *T) {
		if n, ok := p.integer(s.keyword().text, s.args()[0], low, high); ok {
			*field(into) = N(n)
		}
	}}
}

// seconds reads a time in seconds with up to six decimals, from low to high.
func seconds[T any](low, high time.Duration, field func(*T) *time.Duration) keyword[T] {
	return keyword[T]{min: 1, max: 1, read: func(p *parser, s *statement, into *T) {
		if d, ok := p.seconds(s.keyword().text, s.args()[0], low, high); ok {
			*field(into) = d
		}
	}}
}

// wholeSeconds reads a time in whole seconds from 0 to maxWholeSeconds.
func wholeSeconds[T any](field func(*T) *time.Duration) keyword[T] {
	return keyword[T]{min: 1, max: 1, read: func(p *parser, s *statement, into *T) {
		if n, ok := p.integer(s.keyword().text, s.args()[0], 0, maxWholeSeconds); ok {
			*field(into) = time.Duration(n) * time.Second
		}
	}}
}

// boolean reads on, true, yes, off, false or no; no value means on.
func boolean[T any](field func(*T) *bool) keyword[T] {
	return keyword[T]{max: 1, read: func(p *parser, s *statement, into *T) {
		if on, ok := p.boolean(s); ok {
			*field(into) = on
		}
	}}
}

// flag reads a keyword without value.
func flag[T any](set func(*T)) keyword[T] {
	return keyword[T]{read: func(_ *parser, _ *statement, into *T) { set(into) }}
}

const (
	// maxInt is the largest value of keepalived's counters.
	maxInt = 1<<31 - 1

	// maxWholeSeconds is a year.
	maxWholeSeconds = 365 * 24 * 60 * 60

	longest = maxWholeSeconds * time.Second
)

// integer reads a decimal number from low to high. what names it in messages.
func (p *parser) integer(what string, w word, low, high int) (int, bool) {
	n, err := strconv.Atoi(w.text)
	if err != nil || n < low || n > high || w.text[0] == '+' {
		p.errorf(w.Position, "%s %q is not a number from %d to %d", what, w.text, low, high)
		return 0, false
	}
	return n, true
}

// seconds reads a time in seconds from low to high.
func (p *parser) seconds(what string, w word, low, high time.Duration) (time.Duration, bool) {
	whole, decimals, _ := strings.Cut(w.text, ".")
	valid := isDigits(whole) && (decimals == "" || isDigits(decimals)) && len(decimals) <= 6
	d, err := time.ParseDuration(w.text + "s")
	if !valid || err != nil || d < low || d > high {
		p.errorf(w.Position, "%s %q is not a time from %s to %s seconds", what, w.text, plain(low), plain(high))
		return 0, false
	}
	return d, true
}

// plain writes a time in seconds without an exponent.
func plain(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

// isDigits reports whether text is one decimal digit or more.
func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// boolean reads the value of an on/off keyword; none means on.
func (p *parser) boolean(s *statement) (on, ok bool) {
	if len(s.args()) == 0 {
		return true, true
	}
	switch value := s.args()[0]; value.text {
	case "on", "true", "yes":
		return true, true
	case "off", "false", "no":
		return false, true
	default:
		p.errorf(value.Position, "%s %q is not one of on, true, yes, off, false, no", s.keyword().text, value.text)
		return false, false
	}
}

// ip reads an IP address of either family.
func (p *parser) ip(w word) (netip.Addr, bool) {
	a, err := netip.ParseAddr(w.text)
	if err != nil || !isPlain(a) {
		p.errorf(w.Position, "%q is not an IP address", w.text)
		return netip.Addr{}, false
	}
	return a, true
}

// isPlain reports whether packets can carry the address as it is: without a
// zone, and not an IPv4 address in IPv6 writing.
func isPlain(a netip.Addr) bool { return a.Zone() == "" && !a.Is4In6() }

// ipv4 reads an IPv4 address.
func (p *parser) ipv4(w word) (netip.Addr, bool) {
	a, err := netip.ParseAddr(w.text)
	if err != nil || !a.Is4() {
		p.errorf(w.Position, "%q is not an IPv4 address", w.text)
		return netip.Addr{}, false
	}
	return a, true
}

// oneOf reports whether the value of a keyword is one of the choices.
func (p *parser) oneOf(keyword, value word, choices []string) bool {
	if slices.Contains(choices, value.text) {
		return true
	}
	p.errorf(value.Position, "%s %q is not one of %s", keyword.text, value.text, strings.Join(choices, ", "))
	return false
}

// anyAddress reads an IP address of either family.
func anyAddress[T any](field func(*T) *netip.Addr) keyword[T] {
	return keyword[T]{min: 1, max: 1, read: func(p *parser, s *statement, into *T) {
		if a, ok := p.ip(s.args()[0]); ok {
			*field(into) = a
		}
	}}
}

// choice reads one of the words of a table.
func choice[T, V any](field func(*T) *V, values map[string]V) keyword[T] {
	return keyword[T]{min: 1, max: 1, read: func(p *parser, s *statement, into *T) {
		if p.oneOf(s.keyword(), s.args()[0], slices.Sorted(maps.Keys(values))) {
			*field(into) = values[s.args()[0].text]
		}
	}}
}
