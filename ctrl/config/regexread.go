package config

import (
	"regexp"
	"slices"
	"strings"
)

// regexDraft is what a url says about its regular expression.
type regexDraft struct {
	Regex
	pattern word

	// maxOffset is nil if it is not written.
	maxOffset *int

	// otherAt is the last of the other words.
	otherAt word
}

// regexKeywords are about the regular expression of a url.
var regexKeywords = map[string]keyword[urlDraft]{
	"regex": {min: 1, max: 1, needs: "an expression", read: func(_ *parser, s *statement, into *urlDraft) {
		into.regex.pattern = s.args()[0]
	}},
	"regex_no_match":   ofRegex(flag(func(u *urlDraft) { u.regex.NoMatch = true })),
	"regex_options":    ofRegex(keyword[urlDraft]{min: 1, max: maxInt, read: readRegexOptions}),
	"regex_min_offset": ofRegex(integer(0, maxInt, func(u *urlDraft) *int { return &u.regex.MinOffset })),
	"regex_max_offset": ofRegex(keyword[urlDraft]{min: 1, max: 1, read: func(p *parser, s *statement, into *urlDraft) {
		if n, ok := p.integer("regex_max_offset", s.args()[0], 0, maxInt-1); ok {
			into.regex.maxOffset = &n
		}
	}}),
}

// ofRegex notes that something stands about an expression.
func ofRegex(k keyword[urlDraft]) keyword[urlDraft] {
	read := k.read
	k.read = func(p *parser, s *statement, into *urlDraft) {
		into.regex.otherAt = s.keyword()
		read(p, s, into)
	}
	return k
}

// regexOptions are PCRE2's options that keepalived knows, with the flag of Go's
// regexp that does the same. Those with "-" change nothing that can be told from
// a match, those with "?" cannot be served.
var regexOptions = map[string]string{
	"caseless": "i", "dotall": "s", "multiline": "m", "ungreedy": "U",

	"auto_callout": "-", "never_ucp": "-", "never_utf": "-", "no_auto_capture": "-", "no_auto_possess": "-",
	"no_dotstar_anchor": "-", "no_start_optimize": "-", "utf": "-", "never_backslash_c": "-", "alt_verbnames": "-",
	"use_offset_limit": "-", "dollar_endonly": "-", "dupnames": "-",

	"allow_empty_class": "?", "alt_bsux": "?", "extended": "?", "firstline": "?", "match_unset_backref": "?",
	"ucp": "?", "alt_circumflex": "?",
}

func readRegexOptions(p *parser, s *statement, into *urlDraft) {
	for _, w := range s.args() {
		switch effect := regexOptions[w.text]; {
		case effect == "":
			p.errorf(w.Position, "regex_options has no %q%s", w.text, nearestName(p.report, w.text, regexOptions))
		case effect == "?":
			p.errorf(w.Position, "regex option %s is not served: Drover's regular expressions have no such mode", w.text)
		case !slices.Contains(into.regex.Options, w.text):
			into.regex.Options = append(into.regex.Options, w.text)
		}
	}
}

// completeRegex turns what was written into what will be used; nil without an
// expression.
func (p *parser) completeRegex(d *regexDraft) *Regex {
	if d.pattern.text == "" {
		if d.otherAt.text != "" {
			p.warnf(d.otherAt.Position, "%s has no effect without regex", d.otherAt.text)
		}
		return nil
	}
	r := d.Regex
	r.Position, r.Pattern = d.pattern.Position, d.pattern.text
	if _, err := regexp.Compile(r.Expression()); err != nil {
		p.errorf(r.Position, "regex cannot be served: %s; Drover's regular expressions are Go's, without look-around and back-references",
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	r.MaxOffset = anywhere
	if d.maxOffset != nil {
		r.MaxOffset = *d.maxOffset
	}
	if r.MaxOffset != anywhere && r.MinOffset > r.MaxOffset {
		p.warnf(d.otherAt.Position, "regex_min_offset %d is above regex_max_offset %d: both are passed over", r.MinOffset, r.MaxOffset)
		r.MinOffset, r.MaxOffset = 0, anywhere
	}
	return &r
}

// anywhere is a MaxOffset without a limit.
const anywhere = -1

// Expression returns the expression in the language of package regexp, Options
// included.
func (r Regex) Expression() string {
	var flags strings.Builder
	for _, option := range r.Options {
		if effect := regexOptions[option]; effect >= "A" {
			flags.WriteString(effect)
		}
	}
	expression := r.Pattern
	if !slices.Contains(r.Options, "multiline") && !slices.Contains(r.Options, "dollar_endonly") {
		expression = beforeLastNewline(expression)
	}
	if flags.Len() > 0 {
		return "(?" + flags.String() + ":" + expression + ")"
	}
	return expression
}

// beforeLastNewline gives the $ of an expression the meaning that it has in
// PCRE2: the end of the text, or before a newline that ends it. In Go it is the
// end of the text only.
func beforeLastNewline(expression string) string {
	const end = `(?:\n?\z)`
	var out strings.Builder
	inClass := false
	for i := 0; i < len(expression); i++ {
		c := expression[i]
		switch {
		case strings.HasPrefix(expression[i:], `\Q`):
			literal, _, _ := strings.Cut(expression[i:], `\E`)
			out.WriteString(literal)
			i += len(literal) - 1
			continue
		case strings.HasPrefix(expression[i:], `\Z`) && !inClass:
			out.WriteString(end)
			i++
			continue
		case c == '\\' && i+1 < len(expression):
			out.WriteByte(c)
			i++
			c = expression[i]
		case c == '[' && !inClass:
			inClass = true
			// A ] right behind the bracket, or behind its ^, belongs to the class.
			for _, first := range []string{"[^]", "[]", "[^"} {
				if strings.HasPrefix(expression[i:], first) {
					out.WriteString(first[:len(first)-1])
					i += len(first) - 1
					c = first[len(first)-1]
					break
				}
			}
		case c == ']':
			inClass = false
		case c == '$' && !inClass:
			out.WriteString(end)
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}
