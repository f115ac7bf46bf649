package health

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Regex is what an answer's body must match (keepalived: regex and what belongs to it).
//
// keepalived's are PCRE2, Go's are RE2, which takes no more time than the body is long. What RE2 has not, such as back
// references and look-around, is an error. What both have means here what it means to PCRE2.
//
// The body is what follows the header, from offset 0. (keepalived counts from the start of the header, and looks at it,
// where header and body come in one packet, which the server decides.)
type Regex struct {
	// Pattern is what to look for (keepalived: regex).
	Pattern string
	// NoMatch is true for a body that must not match (keepalived: regex_no_match).
	NoMatch bool
	// Options are of PCRE2, by their names in keepalived.conf (keepalived: regex_options). See [RegexOptions].
	Options []string
	// MinOffset is where in the body the search begins, from 0 on, in bytes (keepalived: regex_min_offset).
	MinOffset int
	// EndOffset is the first place where no match may begin any more, in bytes; 0 is none (keepalived: regex_max_offset
	// is the last place where one may).
	EndOffset int
}

// regexOptions are keepalived's words for options of PCRE2, with the flag that means it to Go. Those without one change
// nothing: they are about speed, about what only PCRE2 has, or about UTF-8, which Go always takes for characters.
var regexOptions = map[string]string{
	"caseless": "i", "multiline": "m", "dotall": "s", "ungreedy": "U",
	"extended": "", "dollar_endonly": "", "firstline": "",
	"auto_callout": "", "dupnames": "", "never_ucp": "", "never_utf": "", "no_auto_capture": "", "no_auto_possess": "",
	"no_dotstar_anchor": "", "no_start_optimize": "", "utf": "", "never_backslash_c": "", "alt_verbnames": "",
	"use_offset_limit": "", "match_unset_backref": "",
}

// refusedOptions would mean another pattern.
var refusedOptions = []string{"allow_empty_class", "alt_bsux", "alt_circumflex", "ucp"}

// RegexOptions lists the options that a Regex may have.
func RegexOptions() []string {
	var words []string
	for word := range regexOptions {
		words = append(words, word)
	}
	slices.Sort(words)
	return words
}

// Check returns why the regular expression cannot be used, or nil.
func (r *Regex) Check() error {
	_, err := r.compile()
	return err
}

// search is a Regex that is ready for use.
type search struct {
	regex  Regex
	offset int64 // of the first byte that the compiled one looks at
	// compiled matches from its first byte on, which is the one before MinOffset if that is not 0, so that ^ and \b can
	// look behind. Its first group is the match.
	compiled *regexp.Regexp
	// alone is the pattern itself, for a whole body that is looked at from its start.
	alone     *regexp.Regexp
	firstLine bool
}

func (r *Regex) compile() (*search, error) {
	if r.MinOffset < 0 || r.EndOffset < 0 {
		return nil, errors.New("offset of the regular expression is negative")
	}
	if r.EndOffset > 0 && r.MinOffset >= r.EndOffset {
		return nil, fmt.Errorf("regular expression is looked for from offset %d to %d: never found", r.MinOffset, r.EndOffset-1)
	}
	flags := ""
	for _, option := range r.Options {
		flag, known := regexOptions[option]
		if slices.Contains(refusedOptions, option) {
			return nil, fmt.Errorf("option %q of a regular expression is not supported", option)
		}
		if !known {
			return nil, fmt.Errorf("option %q of a regular expression is none of %s", option, strings.Join(RegexOptions(), " "))
		}
		flags += flag
	}
	extended, dollarEnds := slices.Contains(r.Options, "extended"), slices.Contains(r.Options, "dollar_endonly")
	pattern, err := translate(r.Pattern, extended, dollarEnds || strings.Contains(flags, "m"))
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", r.Pattern, err)
	}
	// By itself first, for the error is to be about what the operator wrote.
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", r.Pattern, err)
	}
	if flags != "" {
		pattern = "(?" + flags + ":" + pattern + ")"
	}
	alone, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", r.Pattern, err)
	}
	lead := `\A`
	if r.MinOffset > 0 {
		lead = `\A(?s:.)`
	}
	compiled, err := regexp.Compile(lead + `(?s:.*?)(` + pattern + `)`)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", r.Pattern, err)
	}
	return &search{
		regex: *r, offset: int64(max(r.MinOffset-1, 0)), compiled: compiled, alone: alone,
		firstLine: slices.Contains(r.Options, "firstline"),
	}, nil
}

// shortBody is how much of a body is kept for the search, in bytes. One that is no longer is searched in one piece, which
// is many times faster than as a stream.
const shortBody = 32 << 10

// in looks for the match in a body, of which it need not read all. It takes every error of the body for its end.
func (s *search) in(body io.Reader) (found bool) {
	if s == nil {
		return false
	}
	lines := &firstLine{from: body, end: math.MaxInt64}
	var head bytes.Buffer
	_, err := io.CopyN(&head, lines, shortBody)
	at := int64(-1)
	if err != nil {
		at = s.inWhole(head.Bytes())
	} else {
		at = s.inStream(io.MultiReader(&head, lines))
	}
	return at >= 0 && (s.regex.EndOffset == 0 || at < int64(s.regex.EndOffset)) && (!s.firstLine || at <= lines.end)
}

// startOfFirst is where the start of the first group stands in what package regexp returns.
const startOfFirst = 2

// inWhole returns where in a whole body the match begins, or a negative number.
func (s *search) inWhole(body []byte) int64 {
	if s.regex.MinOffset == 0 {
		if match := s.alone.FindIndex(body); match != nil {
			return int64(match[0])
		}
		return -1
	}
	if groups := s.compiled.FindSubmatchIndex(body[min(s.offset, int64(len(body))):]); groups != nil {
		return s.offset + int64(groups[startOfFirst])
	}
	return -1
}

// inStream returns where in a long body the match begins, or a negative number.
func (s *search) inStream(body io.Reader) int64 {
	if _, err := io.CopyN(io.Discard, body, s.offset); err != nil {
		return -1
	}
	groups := s.compiled.FindReaderSubmatchIndex(bufio.NewReader(body))
	if groups == nil {
		return -1
	}
	return s.offset + int64(groups[startOfFirst])
}

// verdict is whether the body is as wanted.
func (s *search) verdict(found bool) error {
	switch {
	case s == nil, found != s.regex.NoMatch:
		return nil
	case found:
		return fmt.Errorf("body matches %q", s.regex.Pattern)
	}
	return fmt.Errorf("body does not match %q", s.regex.Pattern)
}

// firstLine notices where the first line of what is read ends.
type firstLine struct {
	from io.Reader
	read int64
	end  int64
}

func (f *firstLine) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	if at := bytes.IndexByte(p[:n], '\n'); at >= 0 {
		f.end = min(f.end, f.read+int64(at))
	}
	f.read += int64(n)
	return n, err
}
