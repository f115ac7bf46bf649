package config

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// webDraft is an HTTP_GET or SSL_GET block while it is read.
type webDraft struct {
	checkDraft
	HTTPCheck
	tls TLSCheck
}

// httpCheckGrammar is that of HTTP_GET, where the words about TLS have no effect,
// as in keepalived.
var httpCheckGrammar = grammar[webDraft]{
	block:    "HTTP_GET",
	served:   webKeywords(),
	unserved: unserved("HTTP_GET does not speak TLS; write SSL_GET", "enable_sni sni_name tls_compliant"),
}

var sslCheckGrammar = grammar[webDraft]{
	block: "SSL_GET",
	served: with(webKeywords(), map[string]keyword[webDraft]{
		"enable_sni":    boolean(func(c *webDraft) *bool { return &c.tls.SNI }),
		"sni_name":      text(func(c *webDraft) *string { return &c.tls.SNIName }),
		"tls_compliant": boolean(func(c *webDraft) *bool { return &c.tls.Compliant }),
	}),
}

// webKeywords are those of HTTP_GET and SSL_GET.
func webKeywords() map[string]keyword[webDraft] {
	return with(commonKeywords(func(c *webDraft) *checkDraft { return &c.checkDraft }), map[string]keyword[webDraft]{
		"url":           {block: true, read: readURL},
		"nb_get_retry":  integer(0, maxInt, func(c *webDraft) *int { return &c.settings.retry }),
		"virtualhost":   wireWord(func(c *webDraft) *string { return &c.settings.virtualHost }),
		"http_protocol": {min: 1, max: 1, read: readHTTPProtocol},
		"fast_recovery": boolean(func(c *webDraft) *bool { return &c.FastRecovery }),
	})
}

// webCheck reads an HTTP_GET or SSL_GET block of a real server.
func (p *parser) webCheck(s *statement, r *realDraft) Check {
	c := &webDraft{
		checkDraft: newCheck(s, r),
		HTTPCheck:  HTTPCheck{HTTPProtocol: "1.0"},
	}
	name := s.keyword().text
	if name == "SSL_GET" {
		sslCheckGrammar.read(p, s.block.statements, c)
		p.completeTLS(c)
	} else {
		httpCheckGrammar.read(p, s.block.statements, c)
	}
	if len(c.URLs) == 0 {
		p.errorf(c.checkDraft.Position, "%s needs a url with a path", name)
	}
	c.VirtualHost = c.settings.virtualHost
	for i := range c.URLs {
		if c.URLs[i].VirtualHost == "" {
			c.URLs[i].VirtualHost = c.VirtualHost
		}
	}
	return p.connected(&c.checkDraft, webDefaults, &c.HTTPCheck)
}

// completeTLS resolves how SSL_GET speaks TLS. A sni_name asks for the name in
// the handshake without enable_sni, too.
func (p *parser) completeTLS(c *webDraft) {
	c.tls.SNI = c.tls.SNI || c.tls.SNIName != ""
	c.tls.Credentials = p.config.SSL
	c.TLS = &c.tls
}

// httpProtocols are the versions that a check can speak. Their case does not
// matter.
var httpProtocols = []string{"1.0", "1.0C", "1.1"}

func readHTTPProtocol(p *parser, s *statement, into *webDraft) {
	version := s.args()[0]
	version.text = strings.ToUpper(version.text)
	if p.oneOf(s.keyword(), version, httpProtocols) {
		into.HTTPProtocol = version.text
	}
}

// urlDraft is a url block while it is read.
type urlDraft struct {
	URL
	regex regexDraft
}

var urlGrammar = grammar[urlDraft]{
	block: "url",
	served: with(regexKeywords, map[string]keyword[urlDraft]{
		"path":        wireWord(func(u *urlDraft) *string { return &u.Path }),
		"status_code": {min: 1, max: maxInt, read: readStatusCodes},
		"digest":      {min: 1, max: 1, read: readDigest},
		"virtualhost": wireWord(func(u *urlDraft) *string { return &u.VirtualHost }),
	}),
	unserved: unserved("Drover's regular expressions need no stack", "regex_stack"),
}

func readURL(p *parser, s *statement, into *webDraft) {
	u, before := urlDraft{URL: URL{Position: s.keyword().Position}}, p.errors
	urlGrammar.read(p, s.block.statements, &u)
	if u.Path == "" && p.errors == before {
		p.errorf(u.Position, "url needs a path, such as path /")
	}
	if len(u.StatusCodes) == 0 {
		u.StatusCodes = []StatusRange{{200, 299}}
	}
	u.Regex = p.completeRegex(&u.regex)
	into.URLs = append(into.URLs, u.URL)
}

// readStatusCodes reads codes and ranges: 200-299 404.
func readStatusCodes(p *parser, s *statement, into *urlDraft) {
	for _, w := range s.args() {
		low, high, isRange := strings.Cut(w.text, "-")
		if !isRange {
			high = low
		}
		codes := StatusRange{statusCode(low), statusCode(high)}
		if codes.Low == 0 || codes.High < codes.Low {
			p.errorf(w.Position, "status_code %q is neither a code from 100 to 999 nor a range such as 200-299", w.text)
			continue
		}
		into.StatusCodes = append(into.StatusCodes, codes)
	}
}

// statusCode returns the code that text holds, or 0 if it holds none.
func statusCode(text string) int {
	code, err := strconv.Atoi(text)
	if err != nil || !isDigits(text) || code < 100 || code > 999 {
		return 0
	}
	return code
}

func readDigest(p *parser, s *statement, into *urlDraft) {
	value := s.args()[0]
	sum, err := hex.DecodeString(value.text)
	if err != nil || len(sum) != 16 {
		p.errorf(value.Position, "digest %q is not an MD5 sum of 32 hexadecimal digits", value.text)
		return
	}
	into.Digest = hex.EncodeToString(sum)
}
