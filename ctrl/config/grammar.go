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

	// leaveOut takes what the block describes out of the configuration,
	// because a keyword that is not served is essential to it. It may be nil.
	leaveOut func(into *T)
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
	for _, s := range statements {
		name := s.keyword()
		if k, ok := g.served[name.text]; ok {
			k.check(p, s, into)
			continue
		}
		consequence, ok := g.unserved[name.text]
		if !ok {
			p.unknown(name, g.vocabulary())
			continue
		}
		p.warnf(name.Position, "%s is not served yet: %s", name.text, consequence.text)
		if consequence.essential && g.leaveOut != nil {
			g.leaveOut(into)
		}
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
	k.read(p, s, into)
}

// vocabulary returns the words of the block.
func (g *grammar[T]) vocabulary() vocabulary {
	words := slices.Collect(maps.Keys(g.served))
	words = slices.AppendSeq(words, maps.Keys(g.unserved))
	slices.Sort(words)
	return vocabulary{block: g.block, words: words}
}

// consequence tells what it means for the user that a keyword is not served.
type consequence struct {
	text string

	// essential keywords change what the block is: without them it would
	// better not be.
	essential bool
}

// consequences are the keywords of a block that Drover knows but does not serve
// yet.
type consequences map[string]consequence

// unserved returns the keywords, separated by white space, whose absence has
// the same consequence.
func unserved(text, keywords string) consequences {
	return unservedAs(consequence{text: text}, keywords)
}

// essential is like unserved for keywords without which the block is left out.
func essential(text, keywords string) consequences {
	return unservedAs(consequence{text: text, essential: true}, keywords)
}

func unservedAs(c consequence, keywords string) consequences {
	all := consequences{}
	for keyword := range strings.FieldsSeq(keywords) {
		all[keyword] = c
	}
	return all
}

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
