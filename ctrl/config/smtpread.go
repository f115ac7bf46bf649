package config

// defaultHelo is what keepalived's checks call themselves.
const defaultHelo = "smtpchecker.keepalived.org"

// smtpDraft is an SMTP_CHECK block while it is read.
type smtpDraft struct {
	checkDraft
	SMTPCheck

	// hosts are read when the whole block is known, which holds their defaults.
	hosts []*statement
}

var smtpCheckGrammar = grammar[smtpDraft]{
	block: "SMTP_CHECK",
	served: with(commonKeywords(func(c *smtpDraft) *checkDraft { return &c.checkDraft }), map[string]keyword[smtpDraft]{
		"helo_name": wireWord(func(c *smtpDraft) *string { return &c.HeloName }),
		"host":      {block: true, read: collect(func(c *smtpDraft) *[]*statement { return &c.hosts })},
	}),
}

// smtpHostGrammar is that of a host block, where words that are not about the
// socket are for the whole check, as in keepalived.
var smtpHostGrammar = grammar[checkDraft]{
	block:  "host",
	served: commonKeywords(func(c *checkDraft) *checkDraft { return c }),
}

// smtpCheck reads an SMTP_CHECK block.
func (p *parser) smtpCheck(s *statement, r *realDraft) Check {
	c := smtpDraft{checkDraft: newCheck(s, r), SMTPCheck: SMTPCheck{HeloName: defaultHelo}}
	smtpCheckGrammar.read(p, s.block.statements, &c)
	for _, block := range c.hosts {
		host := c.checkDraft
		smtpHostGrammar.read(p, block.block.statements, &host)
		if host.socket.ownWay != c.socket.ownWay || host.socket.addressAt != c.socket.addressAt {
			p.ownWay(host.socket, host.settings.path)
		}
		c.Hosts = append(c.Hosts, p.checkSocket(block.keyword().Position, host.socket, host.settings.path, smtpDefaults))
		host.socket = c.socket
		c.checkDraft = host
	}
	return p.connected(&c.checkDraft, smtpDefaults, &c.SMTPCheck)
}
