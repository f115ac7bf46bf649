package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// vocabulary is all the words that a kind of block knows.
type vocabulary struct {
	block string
	words []string
}

// place returns where the words stand, for a message.
func (v vocabulary) place() string {
	if v.block == "" {
		return "at the top level"
	}
	return "in " + v.block
}

// unknown reports a keyword that its block does not know, with what was
// probably meant.
func (p *parser) unknown(keyword word, here vocabulary) {
	if p.full(Error) || p.undefined[keyword.Position] {
		p.errors++
		return
	}
	text := fmt.Sprintf("unknown keyword %q %s", keyword.text, here.place())
	near := ""
	if places := p.places(keyword.text); len(places) > 0 {
		text += "; it belongs " + strings.Join(places, " or ")
	} else if word, ok := nearest(keyword.text, here.words); ok {
		near = word
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	p.add(Finding{Position: keyword.Position, Severity: Error, Text: text, Keyword: keyword.text, Hint: near})
	p.errors++
}

// maxPlaces is how many places a finding names.
const maxPlaces = 3

// places returns where a keyword is known.
func (p *parser) places(keyword string) []string {
	var all []string
	for _, v := range p.vocabularies {
		if slices.Contains(v.words, keyword) {
			all = append(all, v.place())
		}
	}
	if more := len(all) - maxPlaces; more > 0 {
		all = append(all[:maxPlaces], fmt.Sprintf("%d other places", more))
	}
	return all
}

// nearest returns the word with the fewest typing errors between it and text,
// if they are few enough to be typing errors. A wrong case is no typing error; of
// equals the first wins.
func nearest(text string, words []string) (string, bool) {
	best, fewest := "", max(2, len(text)/4)+1
	for _, candidate := range words {
		if d := len(candidate) - len(text); d >= fewest || -d >= fewest {
			continue
		}
		if edits := distance(strings.ToLower(text), strings.ToLower(candidate)); edits < fewest && edits < len(candidate) {
			best, fewest = candidate, edits
		}
	}
	return best, best != ""
}

// maxHints is how many names a hint is searched for among.
const maxHints = 500

// nearestName returns the end of a message about a name that nothing has, if the
// message will be told.
func nearestName[T any](r *report, name string, known map[string]T) string {
	if r.full(Error) || len(known) > maxHints {
		return ""
	}
	if near, ok := nearest(name, slices.Sorted(maps.Keys(known))); ok {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbors that turn a into b (optimal string alignment).
func distance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := above[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(above[j]+1, row[j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

// plural returns a count with its noun: no value, 1 value, 2 values.
func plural(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
