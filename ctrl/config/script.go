package config

import (
	"strings"
	"time"
)

// scriptUser is who runs a script.
type scriptUser struct{ user, group string }

// scriptKeywords are the settings of all scripts, and of FIFOs.
var scriptKeywords = map[string]keyword[globals]{
	"script_user": {min: 1, max: 2, needs: "a user", read: func(_ *parser, s *statement, into *globals) {
		into.user = userOf(s.args())
	}},
	"enable_script_security":  flag(func(g *globals) { g.scriptSecurity = true }),
	"notify_fifo":             {min: 1, max: 3, needs: "a path", read: readFIFO(func(g *globals) *fifoDraft { return &g.notifyFIFO })},
	"notify_fifo_script":      {min: 1, max: 3, needs: "a command", read: readFIFOScript(func(g *globals) *fifoDraft { return &g.notifyFIFO })},
	"vrrp_notify_fifo":        {min: 1, max: 3, needs: "a path", read: readFIFO(func(g *globals) *fifoDraft { return &g.vrrpNotifyFIFO })},
	"lvs_notify_fifo":         {min: 1, max: 3, needs: "a path", read: readFIFO(func(g *globals) *fifoDraft { return &g.lvsNotifyFIFO })},
	"lvs_notify_fifo_script":  {min: 1, max: 3, needs: "a command", read: readFIFOScript(func(g *globals) *fifoDraft { return &g.lvsNotifyFIFO })},
	"vrrp_notify_fifo_script": {min: 1, max: 3, needs: "a command", read: readFIFOScript(func(g *globals) *fifoDraft { return &g.vrrpNotifyFIFO })},
}

// userOf reads USER [GROUP].
func userOf(words []word) scriptUser {
	switch len(words) {
	case 0:
		return scriptUser{}
	case 1:
		return scriptUser{user: words[0].text}
	}
	return scriptUser{words[0].text, words[1].text}
}

var scriptGrammar = grammar[Script]{
	block: "vrrp_script",
	served: map[string]keyword[Script]{
		"script": {min: 1, max: 1, needs: "a command", read: func(p *parser, s *statement, into *Script) {
			into.Command = p.command(s.keyword(), s.args()[0])
		}},
		"interval": scriptSeconds(func(s *Script) *time.Duration { return &s.Interval }),
		"timeout":  scriptSeconds(func(s *Script) *time.Duration { return &s.Timeout }),
		"rise":     integer(1, maxInt, func(s *Script) *int { return &s.Rise }),
		"fall":     integer(1, maxInt, func(s *Script) *int { return &s.Fall }),
		"weight": weightKeyword(maxScriptWeight, func(s *Script, w weighting) {
			s.Weight, s.Reverse = w.weight, w.reverse
		}),
		"user": {min: 1, max: 2, needs: "a user", read: func(_ *parser, s *statement, into *Script) {
			by := userOf(s.args())
			into.User, into.Group = by.user, by.group
		}},
		"init_fail": flag(func(s *Script) { s.InitFail = true }),
	},
}

// maxScriptSeconds is the longest interval of scripts in keepalived.
const maxScriptSeconds = 4294

func scriptSeconds(field func(*Script) *time.Duration) keyword[Script] {
	return keyword[Script]{min: 1, max: 1, read: func(p *parser, s *statement, into *Script) {
		if n, ok := p.integer(s.keyword().text, s.args()[0], 1, maxScriptSeconds); ok {
			*field(into) = time.Duration(n) * time.Second
		}
	}}
}

// script reads a vrrp_script block.
func (p *parser) script(s *statement) {
	script, before := Script{
		Position: s.keyword().Position,
		Name:     s.args()[0].text,
		Interval: time.Second,
		Rise:     1,
		Fall:     1,
	}, p.errors
	scriptGrammar.read(p, s.block.statements, &script)
	if script.Command == nil && p.errors == before {
		p.errorf(script.Position, "vrrp_script %s needs a script", script.Name)
	}
	if script.Timeout == 0 {
		script.Timeout = script.Interval
	}
	p.checkTimeout(script.Position, "timeout", script.Timeout, "interval", script.Interval)
	if script.User == "" {
		script.User, script.Group = p.globals.user.user, p.globals.user.group
	}
	p.define(scriptKind, script.Name, tracked{script.Position, weighting{script.Weight, script.Reverse}, ""})
	p.config.Scripts = append(p.config.Scripts, script)
}

// command cuts a command into words: quotes keep blanks together, a backslash
// escapes, as in keepalived. Nothing else that a shell knows has a meaning.
func (p *parser) command(keyword, w word) []string {
	words, closed := splitCommand(w.text)
	switch {
	case !closed:
		p.errorf(w.Position, "%s: a quote inside the command is not closed", keyword.text)
	case len(words) == 0 || words[0] == "":
		p.errorf(w.Position, "%s needs a command", keyword.text)
	default:
		p.config.files = append(p.config.files, fileUse{w.Position, keyword.text, words[0], true})
		return words
	}
	return nil
}

// splitCommand returns the words of a command, and whether every quote in it is
// closed.
func splitCommand(text string) (words []string, closed bool) {
	var current strings.Builder
	var quote byte
	inWord := false
	for len(text) > 0 {
		c, length := text[0], 1
		switch {
		case c == '\\':
			var plain string
			plain, length = unescape(text)
			current.WriteString(plain)
			inWord = true
		case quote == 0 && (c == '"' || c == '\''):
			quote, inWord = c, true
		case c == quote:
			quote = 0
		case quote == 0 && (isSpace(c) || c == '\n'):
			if inWord {
				words = append(words, current.String())
			}
			current.Reset()
			inWord = false
		default:
			current.WriteByte(c)
			inWord = true
		}
		text = text[length:]
	}
	if inWord {
		words = append(words, current.String())
	}
	return words, quote == 0
}
