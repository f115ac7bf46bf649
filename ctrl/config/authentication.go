package config

// maxPassword is the size of the authentication data of an advert in bytes, RFC
// 2338 section 5.3.10.
const maxPassword = 8

// authentication is an authentication block; without a Position there is none.
type authentication struct {
	Position
	kind     word
	password word
}

var authenticationGrammar = grammar[authentication]{
	block: "authentication",
	served: map[string]keyword[authentication]{
		"auth_type": {min: 1, max: 1, read: func(_ *parser, s *statement, into *authentication) { into.kind = s.args()[0] }},
		"auth_pass": {min: 1, max: 1, read: func(_ *parser, s *statement, into *authentication) { into.password = s.args()[0] }},
	},
}

// readAuthentication reads an authentication block.
func readAuthentication(p *parser, s *statement, into *instanceDraft) {
	into.authentication.Position = s.keyword().Position
	authenticationGrammar.read(p, s.block.statements, &into.authentication)
	switch auth := into.authentication; {
	case auth.kind.text == "":
		p.errorf(auth.Position, "authentication needs auth_type PASS")
	case auth.kind.text != "PASS" && auth.kind.text != "AH":
		p.errorf(auth.kind.Position, "auth_type %q is neither PASS nor AH", auth.kind.text)
	case auth.kind.text == "PASS" && auth.password.text == "":
		p.errorf(auth.Position, "authentication needs auth_pass")
	}
}

// completeAuthentication applies authentication where the version has it: RFC
// 3768 section 5.3.6 has taken it from VRRPv2, where keepalived still has it.
func (p *parser) completeAuthentication(i *instanceDraft) {
	auth := i.authentication
	switch {
	case !auth.written():
		return
	case i.Version == 3:
		p.warnf(auth.Position, "VRRP version 3 has no authentication: it is passed over (RFC 9568 section 9)")
		return
	case auth.kind.text == "AH":
		p.errorf(auth.kind.Position, "auth_type AH is refused: Drover sends no authentication headers, "+
			"and the other members would refuse its adverts; write PASS on all of them")
		return
	}
	password := auth.password.text
	if len(password) > maxPassword {
		p.warnf(auth.password.Position, "auth_pass is longer than %d characters: only %q is sent (RFC 2338 section 5.3.10)",
			maxPassword, password[:maxPassword])
		password = password[:maxPassword]
	}
	i.AuthType, i.AuthPass = AuthPass, password
}
