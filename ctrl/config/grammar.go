package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// grammar is what may stand in one kind of block. T is what the block is read
// into.
type grammar[T any] struct {
	// block is the keyword of the block, for messages; empty at the top level.
	block    string
	served   map[string]keyword[T]
	unserved consequences

	// refused are the keywords without which the service would be another one:
	// they are errors.
	refused consequences
}

// keyword says how a statement is read.
type keyword[T any] struct {
	// min and max are the numbers of arguments. Further ones are passed over
	// with a warning, as keepalived passes them over.
	min, max int

	// needs names the arguments in the message that they are missing; "a
	// value" if empty.
	needs string

	// block tells whether a block must follow.
	block bool

	read func(p *parser, s *statement, into *T)
}

// read reads the statements of a block.
func (g *grammar[T]) read(p *parser, statements []*statement, into *T) {
	outer := p.keyword
	defer func() { p.keyword = outer }()
	for _, s := range statements {
		name := s.keyword()
		p.keyword = name.text
		if k, ok := g.served[name.text]; ok {
			k.check(p, s, into)
			continue
		}
		if reason, ok := g.refused[name.text]; ok {
			p.errorf(name.Position, "%s is refused: %s", name.text, reason)
			continue
		}
		if consequence, ok := g.unserved[name.text]; ok {
			p.warnf(name.Position, "%s is not served: %s", name.text, consequence)
			continue
		}
		p.unknown(name, g.vocabulary())
	}
}

// check reads a statement if it has the form of its keyword.
func (k keyword[T]) check(p *parser, s *statement, into *T) {
	name, args := s.keyword(), s.args()
	switch {
	case len(args) < k.min:
		p.errorf(name.Position, "%s needs %s", name.text, cmp.Or(k.needs, "a value"))
		return
	case k.block && s.block == nil:
		p.errorf(name.Position, "%s needs a block: \"{\" is missing", name.text)
		return
	case !k.block && s.block != nil:
		p.errorf(s.block.opened, "%s takes no block: stray \"{\"", name.text)
		return
	case len(args) > k.max:
		p.warnf(args[k.max].Position, "%q is passed over: %s takes %s",
			args[k.max].text, name.text, plural(k.max, "value"))
	}
	if len(p.undefined) > 0 && p.hasGap(s) {
		p.errors++ // told already
	}
	k.read(p, s, into)
}

// hasGap reports whether a variable without a value stands in a statement or in its
// block.
func (p *parser) hasGap(s *statement) bool {
	if slices.ContainsFunc(s.words, func(w word) bool { return p.undefined[w.Position] }) {
		return true
	}
	return s.block != nil && slices.ContainsFunc(s.block.statements, p.hasGap)
}

// vocabulary returns the words of the block.
func (g *grammar[T]) vocabulary() vocabulary {
	words := slices.Collect(maps.Keys(g.served))
	words = slices.AppendSeq(words, maps.Keys(g.unserved))
	words = slices.AppendSeq(words, maps.Keys(g.refused))
	slices.Sort(words)
	return vocabulary{block: g.block, words: words}
}

// consequences are the keywords of a block that Drover knows but does not serve,
// with what that means for the user.
type consequences map[string]string

// unserved returns the keywords, separated by white space, whose absence has
// the same consequence: the service is the same without them.
func unserved(consequence, keywords string) consequences {
	all := consequences{}
	for keyword := range strings.FieldsSeq(keywords) {
		all[keyword] = consequence
	}
	return all
}

// refused returns the keywords that are refused for the same reason.
func refused(reason, keywords string) consequences { return unserved(reason, keywords) }

// join returns the keywords of all groups.
func join(groups ...consequences) consequences {
	all := consequences{}
	for _, group := range groups {
		maps.Copy(all, group)
	}
	return all
}

// with returns the keywords of all tables.
func with[T any](tables ...map[string]keyword[T]) map[string]keyword[T] {
	all := map[string]keyword[T]{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	return all
}
