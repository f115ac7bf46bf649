package config

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
)

// ruleDraft is a rule while its line is read.
type ruleDraft struct {
	Rule
	priorityWritten bool

	// addressed is what has decided about the family.
	addressed word
	uses      []interfaceUse
}

// unservedRuleWords are the words of ip-rule(8) in keepalived without which a
// rule would be another one.
var unservedRuleWords = strings.Fields(`dport dsfield goto ip_proto ipproto l3mdev nop not protocol realms sport
	suppress_ifgroup suppress_prefixlen suppress_prefixlength tos track_group tun_id uidrange nat map`)

// ruleActions are what a rule can do instead of naming a table.
var ruleActions = []string{"blackhole", "unreachable", "prohibit"}

// ruleWords say how the words with a value are read.
var ruleWords = map[string]func(*parser, word, *ruleDraft){
	"from":       func(p *parser, w word, r *ruleDraft) { r.From = p.ruleNetwork(w, r) },
	"to":         func(p *parser, w word, r *ruleDraft) { r.To = p.ruleNetwork(w, r) },
	"iif":        func(_ *parser, w word, r *ruleDraft) { r.IIf = r.use(w) },
	"dev":        func(_ *parser, w word, r *ruleDraft) { r.IIf = r.use(w) },
	"oif":        func(_ *parser, w word, r *ruleDraft) { r.OIf = r.use(w) },
	"fwmark":     readMark,
	"table":      func(p *parser, w word, r *ruleDraft) { r.Action, r.Table = "table", p.table(w) },
	"lookup":     func(p *parser, w word, r *ruleDraft) { r.Action, r.Table = "table", p.table(w) },
	"priority":   func(p *parser, w word, r *ruleDraft) { r.setPriority(p.uint32("priority", w)) },
	"preference": func(p *parser, w word, r *ruleDraft) { r.setPriority(p.uint32("preference", w)) },
	"order":      func(p *parser, w word, r *ruleDraft) { r.setPriority(p.uint32("order", w)) },
	"type":       readRuleType,
}

// firstRulePriority is what keepalived gives to the first rule without one; the
// next have one less each, so that they come before it.
const firstRulePriority = 16384

// rules reads the lines of a block of rules.
func (p *parser) rules(s *statement, into *[]Rule, uses *[]interfaceUse) {
	for _, line := range s.block.statements {
		if p.refuseBlock(line) {
			continue
		}
		r, before := &ruleDraft{Rule: Rule{Position: line.keyword().Position}}, p.errors
		if !ruleLine.read(p, line.words, r) || p.errors > before {
			continue
		}
		if r.Action == "" {
			p.errorf(r.Position, "the rule does nothing: write table with a number, or one of %s", strings.Join(ruleActions, ", "))
			continue
		}
		if !r.priorityWritten {
			r.Priority = firstRulePriority - p.rulesWithoutPriority
			p.rulesWithoutPriority++
			p.warnf(r.Position, "the rule has no priority: it gets %d, which is rarely what is meant", r.Priority)
		}
		*into = append(*into, r.Rule)
		*uses = append(*uses, r.uses...)
	}
}

// ruleLine is the grammar of a rule.
var ruleLine = wordLine[ruleDraft]{
	what: "rule", values: ruleWords, unserved: unservedRuleWords, flag: (*parser).ruleFlag,
}

// ruleFlag reads a word without a value.
func (p *parser) ruleFlag(w word, r *ruleDraft) bool {
	switch {
	case w.text == "inet6":
		r.IPv6 = true
	case w.text == "inet" || w.text == "no_track":
		// IPv4 is the default, and no rule is tracked.
	case slices.Contains(ruleActions, w.text):
		r.Action, r.Table = w.text, 0
	default:
		p.errorf(w.Position, "unknown word %q in a rule%s", w.text, didYouMean(w.text, slices.Sorted(maps.Keys(ruleWords))))
		return false
	}
	return true
}

// ruleNetwork reads a network, or all.
func (p *parser) ruleNetwork(w word, r *ruleDraft) netip.Prefix {
	switch w.text {
	case "all", "any", "default":
		return netip.Prefix{}
	}
	prefix, ok := p.prefix(w)
	if !ok {
		return netip.Prefix{}
	}
	if r.addressed.text != "" && prefix.Addr().Is6() != r.IPv6 {
		p.errorf(w.Position, "%s has another address family than %s", w.text, r.addressed.text)
	}
	r.addressed, r.IPv6 = w, prefix.Addr().Is6()
	return prefix.Masked()
}

// use notes the interface that a word names.
func (r *ruleDraft) use(w word) string {
	r.uses = append(r.uses, interfaceUse{w.Position, w.text})
	return w.text
}

func (r *ruleDraft) setPriority(n uint32) {
	r.Priority, r.priorityWritten = n, true
}

// readMark reads MARK[/MASK].
func readMark(p *parser, w word, r *ruleDraft) {
	mark, mask, hasMask := strings.Cut(w.text, "/")
	r.FWMark, r.FWMask = p.uint32("fwmark", word{w.Position, mark}), math.MaxUint32
	if hasMask {
		r.FWMask = p.uint32("the mask of fwmark", word{w.Position, mask})
	}
}

func readRuleType(p *parser, w word, r *ruleDraft) {
	if p.oneOf(word{text: "type"}, w, ruleActions) {
		r.Action, r.Table = w.text, 0
	}
}
