package config

import (
	"net/netip"
	"strings"
)

// missing tells what was not read because of errors. What would follow from that is
// not told; the rest is.
type missing struct {
	// held are the addresses of blocks with errors that hold addresses, words are
	// all words of any with errors.
	held  map[netip.Addr]netip.Prefix
	words map[string]bool
	// holders: such a block may hold an address that nobody can tell; uses: a
	// block with errors may name what nobody can tell.
	holders, uses bool
}

// noteErrors reads a statement, and notes what it says if there are errors in it.
// holds tells that it may be a block that holds addresses.
func (m *missing) noteErrors(p *parser, s *statement, holds bool, read func(*statement)) {
	before := p.errors
	if read(s); p.errors > before {
		m.note(p, s, holds)
	}
}

// note notes the words of a statement. Whatever it was meant to be, it holds no other
// addresses and uses no other names, unless there is one that cannot be read.
func (m *missing) note(p *parser, s *statement, holds bool) {
	if m.words == nil {
		m.words, m.held = map[string]bool{}, map[netip.Addr]netip.Prefix{}
	}
	for _, w := range s.words {
		m.words[w.text] = true
		undefined := p.undefined[w.Position]
		m.uses = m.uses || undefined
		if !holds {
			continue
		}
		if prefix, ok := addressIn(w.text); ok {
			m.held[prefix.Addr()] = prefix
		} else if undefined || resemblesAddress(w.text) {
			m.holders = true
		}
	}
	if s.block == nil {
		return
	}
	for _, inner := range s.block.statements {
		m.note(p, inner, holds)
	}
}

// mayHold reports whether a block with errors may hold an address.
func (m *missing) mayHold(a netip.Addr) bool {
	_, held := m.held[a]
	return m.holders || held
}

// mayUse reports whether a block with errors may use what has this name.
func (m *missing) mayUse(name string) bool { return m.uses || m.words[name] }

// addressIn reads an address, with a prefix length or without.
func addressIn(text string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	prefix, err := netip.ParsePrefix(text)
	return prefix, err == nil
}

// resemblesAddress reports whether a text may be an address with a mistake in it, and
// not a path or a line of a script.
func resemblesAddress(text string) bool {
	return !strings.ContainsAny(text, " \t\n") && !strings.HasPrefix(text, "/") &&
		(strings.Count(text, ".") > 1 || strings.Count(text, ":") > 1)
}
