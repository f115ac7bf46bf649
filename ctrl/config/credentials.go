package config

var credentialsGrammar = grammar[Credentials]{
	block: "SSL",
	served: map[string]keyword[Credentials]{
		"password":    text(func(c *Credentials) *string { return &c.Password }),
		"certificate": text(func(c *Credentials) *string { return &c.Certificate }),
		"key":         text(func(c *Credentials) *string { return &c.Key }),
	},
	unserved: unserved("no check verifies the certificate of a server; nor does keepalived's, which only loads the file", "ca"),
}

// credentials reads an SSL block. Of several the last counts, as in keepalived.
func (p *parser) credentials(s *statement) {
	if p.config.SSL != (Credentials{}) {
		p.warnf(s.keyword().Position, "SSL is written already: this block takes the place of the other one")
	}
	p.config.SSL = Credentials{}
	credentialsGrammar.read(p, s.block.statements, &p.config.SSL)
}
