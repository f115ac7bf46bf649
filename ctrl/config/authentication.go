package config

// maxPassword is the size of the authentication data of an advert in bytes, RFC
// 2338 section 5.3.10.
const maxPassword = 8

// authentication is an authentication block.
type authentication struct {
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
	var auth authentication
	authenticationGrammar.read(p, s.block.statements, &auth)
	password := auth.password.text
	switch auth.kind.text {
	case "PASS":
	case "AH":
		into.leftOut = true
		p.warnf(auth.kind.Position,
			"auth_type AH is not served yet: the instance is left out, because its members would refuse its adverts")
		return
	case "":
		p.errorf(s.keyword().Position, "authentication needs auth_type PASS")
		return
	default:
		p.errorf(auth.kind.Position, "auth_type %q is neither PASS nor AH", auth.kind.text)
		return
	}
	if password == "" {
		p.errorf(s.keyword().Position, "authentication needs auth_pass")
		return
	}
	if len(password) > maxPassword {
		p.warnf(auth.password.Position, "auth_pass is longer than %d characters: only %q is sent (RFC 2338 section 5.3.10)",
			maxPassword, password[:maxPassword])
		password = password[:maxPassword]
	}
	into.AuthType, into.AuthPass = AuthPass, password
}
