package config

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

var tcpCheckGrammar = grammar[checkDraft]{
	block:  "TCP_CHECK",
	served: commonKeywords(func(c *checkDraft) *checkDraft { return c }),
}

// tcpCheck reads a TCP_CHECK block.
func (p *parser) tcpCheck(s *statement, r *realDraft) Check {
	c := newCheck(s, r)
	tcpCheckGrammar.read(p, s.block.statements, &c)
	return p.connected(&c, usualDefaults, &TCPCheck{})
}

var pingCheckGrammar = grammar[checkDraft]{
	block:  "PING_CHECK",
	served: commonKeywords(func(c *checkDraft) *checkDraft { return c }),
}

// pingCheck reads a PING_CHECK block.
func (p *parser) pingCheck(s *statement, r *realDraft) Check {
	c := newCheck(s, r)
	pingCheckGrammar.read(p, s.block.statements, &c)
	return p.connected(&c, usualDefaults, &PingCheck{})
}

// udpDraft is a UDP_CHECK block while it is read.
type udpDraft struct {
	checkDraft
	UDPCheck
	replyAt word
}

// maxReply is the longest reply that keepalived can ask for.
const maxReply = 65535

// maxPayload is the longest payload of UDP over IPv4.
const maxPayload = 65507

var udpCheckGrammar = grammar[udpDraft]{
	block: "UDP_CHECK",
	served: with(commonKeywords(func(c *udpDraft) *checkDraft { return &c.checkDraft }), map[string]keyword[udpDraft]{
		"payload":          {min: 1, max: maxInt, needs: "hexadecimal digits", read: readPayload},
		"require_reply":    {max: maxInt, read: readReply},
		"min_reply_length": replyLength(func(c *udpDraft) *int { return &c.MinReply }),
		"max_reply_length": replyLength(func(c *udpDraft) *int { return &c.MaxReply }),
	}),
}

// replyLength reads a length, which means something with require_reply only.
func replyLength(field func(*udpDraft) *int) keyword[udpDraft] {
	k := integer(0, maxReply, field)
	read := k.read
	k.read = func(p *parser, s *statement, into *udpDraft) {
		into.replyAt = s.keyword()
		read(p, s, into)
	}
	return k
}

// udpCheck reads a UDP_CHECK block.
func (p *parser) udpCheck(s *statement, r *realDraft) Check {
	c := udpDraft{checkDraft: newCheck(s, r), UDPCheck: UDPCheck{MaxReply: 255}}
	udpCheckGrammar.read(p, s.block.statements, &c)
	switch {
	case !c.RequireReply && c.replyAt.text != "":
		p.warnf(c.replyAt.Position, "%s has no effect without require_reply", c.replyAt.text)
	case c.MinReply > c.MaxReply:
		p.errorf(c.replyAt.Position, "min_reply_length %d is above max_reply_length %d: the check could never succeed", c.MinReply, c.MaxReply)
	}
	return p.connected(&c.checkDraft, usualDefaults, &c.UDPCheck)
}

func readPayload(p *parser, s *statement, into *udpDraft) {
	into.Payload, _ = p.hexString(s, false)
	if len(into.Payload) > maxPayload {
		p.errorf(s.args()[0].Position, "payload has %d bytes, and a datagram has room for %d", len(into.Payload), maxPayload)
	}
}

// readReply reads require_reply [HEX].
func readReply(p *parser, s *statement, into *udpDraft) {
	into.RequireReply = true
	if len(s.args()) > 0 {
		into.Reply, into.ReplyMask = p.hexString(s, true)
	}
}

// hexString reads bytes as keepalived does: words of hexadecimal digits, two a
// byte; the odd last digit of a word is a byte of its own. With a mask, x stands
// for four bits that do not count.
func (p *parser) hexString(s *statement, masked bool) (bytes, mask []byte) {
	for _, w := range s.args() {
		for digits := range slices.Chunk([]byte(w.text), 2) {
			value, counts := hexDigits(digits, masked)
			b, err := hex.DecodeString(value)
			m, maskErr := hex.DecodeString(counts)
			if err != nil || maskErr != nil {
				p.errorf(w.Position, "%s: %q is not made of hexadecimal digits", s.keyword().text, w.text)
				return nil, nil
			}
			bytes, mask = append(bytes, b...), append(mask, m...)
		}
	}
	return bytes, mask
}

// hexDigits returns two digits for a byte, and two that say which bits of it
// count.
func hexDigits(digits []byte, masked bool) (value, counts string) {
	if len(digits) == 1 {
		value, counts = "0", "f"
	}
	for _, d := range digits {
		if masked && (d == 'x' || d == 'X') {
			value, counts = value+"0", counts+"0"
			continue
		}
		value, counts = value+string(d), counts+"f"
	}
	return value, counts
}

// dnsDraft is a DNS_CHECK block while it is read.
type dnsDraft struct {
	checkDraft
	DNSCheck
}

// dnsTypes are the types of keepalived's questions. Their case does not matter.
var dnsTypes = []string{"A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA"}

var dnsCheckGrammar = grammar[dnsDraft]{
	block: "DNS_CHECK",
	served: with(commonKeywords(func(c *dnsDraft) *checkDraft { return &c.checkDraft }), map[string]keyword[dnsDraft]{
		"type": {min: 1, max: 1, read: func(p *parser, s *statement, into *dnsDraft) {
			kind := s.args()[0]
			kind.text = strings.ToUpper(kind.text)
			if p.oneOf(s.keyword(), kind, dnsTypes) {
				into.Type = kind.text
			}
		}},
		"name": {min: 1, max: 1, read: func(p *parser, s *statement, into *dnsDraft) {
			name := s.args()[0]
			if into.Name = name.text; !isDomainName(name.text) {
				p.errorf(name.Position, "%q is not a domain name: its parts have 1 to 63 bytes, all together at most 253", name.text)
			}
		}},
	}),
}

// isDomainName reports whether a question can be about a name (RFC 1035 section
// 2.3.4). "." is the root.
func isDomainName(name string) bool {
	name = strings.TrimSuffix(name, ".")
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) > 63 || label == "" && name != "" {
			return false
		}
	}
	return true
}

// dnsCheck reads a DNS_CHECK block.
func (p *parser) dnsCheck(s *statement, r *realDraft) Check {
	c := dnsDraft{checkDraft: newCheck(s, r), DNSCheck: DNSCheck{Type: "SOA", Name: "."}}
	dnsCheckGrammar.read(p, s.block.statements, &c)
	return p.connected(&c.checkDraft, dnsDefaults, &c.DNSCheck)
}

// miscDraft is a MISC_CHECK block while it is read.
type miscDraft struct {
	checkDraft
	MiscCheck

	// runtimeAt is where the Timeout is written.
	runtimeAt Position
}

var miscCheckGrammar = grammar[miscDraft]{
	block: "MISC_CHECK",
	served: with(timedKeywords(func(c *miscDraft) *checkDraft { return &c.checkDraft }), map[string]keyword[miscDraft]{
		"misc_path": {min: 1, max: 1, needs: "a command", read: func(p *parser, s *statement, into *miscDraft) {
			into.Command = p.command(s.keyword(), s.args()[0])
		}},
		"misc_timeout": {min: 1, max: 1, read: func(p *parser, s *statement, into *miscDraft) {
			into.runtimeAt = s.args()[0].Position
			if n, ok := p.integer("misc_timeout", s.args()[0], 0, maxScriptSeconds); ok {
				into.Timeout = time.Duration(n) * time.Second
			}
		}},
		"misc_dynamic": flag(func(c *miscDraft) { c.Dynamic = true }),
		"user": {min: 1, max: 2, needs: "a user", read: func(_ *parser, s *statement, into *miscDraft) {
			by := userOf(s.args())
			into.User, into.Group = by.user, by.group
		}},
	}),
	unserved: unserved("the command finds its own way to the real server", "check_path"),
}

// miscCheck reads a MISC_CHECK block.
func (p *parser) miscCheck(s *statement, r *realDraft) Check {
	c, before := miscDraft{checkDraft: newCheck(s, r)}, p.errors
	miscCheckGrammar.read(p, s.block.statements, &c)
	if len(c.Command) == 0 && p.errors == before {
		p.errorf(c.Position, "MISC_CHECK needs a misc_path")
	}
	if c.Timeout == 0 {
		c.Timeout = r.serverDelay
	}
	if c.User == "" {
		c.User, c.Group = p.globals.user.user, p.globals.user.group
	}
	check := p.complete(&c.checkDraft, miscDefaults, &c.MiscCheck)
	p.checkTimeout(c.runtimeAt, "misc_timeout", c.Timeout, "delay_loop", check.DelayLoop)
	return check
}
