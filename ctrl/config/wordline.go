package config

import "slices"

// wordLine is the grammar of a line as ip-route(8) and ip-rule(8) have them:
// words that have a value behind them and words that stand alone, in any order.
type wordLine[T any] struct {
	what     string // such a line describes
	values   map[string]func(p *parser, value word, into *T)
	unserved []string // words without which it would describe another one
	// flag reads a word that stands alone, and reports whether it is known.
	flag func(p *parser, w word, into *T) bool
	// adjust, if there is one, sees all words that are left before each is read.
	adjust func(words []word, into *T) []word
}

// read reads the words of a line, and reports whether all are served.
func (l wordLine[T]) read(p *parser, words []word, into *T) bool {
	for len(words) > 0 {
		if l.adjust != nil {
			words = l.adjust(words, into)
		}
		w := words[0]
		if slices.Contains(l.unserved, w.text) {
			p.warnf(w.Position, "%s is not served: the %s is left out", w.text, l.what)
			return false
		}
		value, hasValue := l.values[w.text]
		switch {
		case hasValue && len(words) < 2:
			p.errorf(w.Position, "%s needs a value", w.text)
			return false
		case hasValue:
			value(p, words[1], into)
			words = words[2:]
		case !l.flag(p, w, into):
			return false
		default:
			words = words[1:]
		}
	}
	return true
}
