package config

var credentialsGrammar = grammar[Credentials]{
	block: "SSL",
	served: map[string]keyword[Credentials]{
		"password":    text(func(c *Credentials) *string { return &c.Password }),
		"certificate": credentialFile(func(c *Credentials) *string { return &c.Certificate }),
		"key":         credentialFile(func(c *Credentials) *string { return &c.Key }),
	},
	unserved: unserved("no check verifies the certificate of a server; nor does keepalived's, which only loads the file", "ca"),
}

// credentialFile reads the name of a file.
func credentialFile(field func(*Credentials) *string) keyword[Credentials] {
	return keyword[Credentials]{min: 1, max: 1, read: func(p *parser, s *statement, into *Credentials) {
		name := s.args()[0]
		*field(into) = name.text
		p.config.files = append(p.config.files, fileUse{name.Position, s.keyword().text, name.text, false})
	}}
}

// credentials reads an SSL block. Of several the last counts, as in keepalived.
func (p *parser) credentials(s *statement) {
	if p.config.SSL != (Credentials{}) {
		p.warnf(s.keyword().Position, "SSL is written already: this block takes the place of the other one")
	}
	p.config.SSL = Credentials{}
	credentialsGrammar.read(p, s.block.statements, &p.config.SSL)
}
