package config

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
)

// checkDraft is a check while its block is read.
type checkDraft struct {
	Position
	HTTPCheck
	settings checkDefaults
	address  netip.Addr
	port     uint16
}

var httpCheckGrammar = grammar[checkDraft]{
	block: "HTTP_GET",
	served: with(checkKeywords(func(c *checkDraft) *checkDefaults { return &c.settings }), map[string]keyword[checkDraft]{
		"url":           {block: true, read: readURL},
		"nb_get_retry":  integer(0, maxInt, func(c *checkDraft) *int { return &c.settings.retry }),
		"connect_ip":    {min: 1, max: 1, read: readConnectIP},
		"connect_port":  integer(1, 65535, func(c *checkDraft) *uint16 { return &c.port }),
		"http_protocol": {min: 1, max: 1, read: readHTTPProtocol},
	}),
	unserved: join(
		unserved("the kernel chooses where checks leave from", "bindto bind_if bind_port fwmark"),
		unserved("only changes of the real server's state are logged", "log_all_failures"),
		unserved("URLs are checked delay_loop apart", "fast_recovery"),
		unserved("HTTP_GET uses no TLS", "enable_sni sni_name tls_compliant"),
	),
}

var urlGrammar = grammar[URL]{
	block: "url",
	served: map[string]keyword[URL]{
		"path":        text(func(u *URL) *string { return &u.Path }),
		"status_code": {min: 1, max: maxInt, read: readStatusCodes},
		"digest":      {min: 1, max: 1, read: readDigest},
		"virtualhost": text(func(u *URL) *string { return &u.VirtualHost }),
	},
	unserved: unserved("the body is not searched",
		"regex regex_no_match regex_options regex_stack regex_min_offset regex_max_offset"),
}

// httpCheck reads an HTTP_GET block of a real server.
func (p *parser) httpCheck(s *statement, r *realDraft) Check {
	c := &checkDraft{
		Position:  s.keyword().Position,
		HTTPCheck: HTTPCheck{HTTPProtocol: "1.0"},
		settings:  r.defaults.checkDefaults,
		address:   r.Address,
		port:      r.Port,
	}
	httpCheckGrammar.read(p, s.block.statements, c)
	if len(c.URLs) == 0 {
		p.errorf(c.Position, "HTTP_GET needs a url with a path")
	}
	return c.complete()
}

// complete turns what was written into what will be used.
func (c *checkDraft) complete() Check {
	c.VirtualHost = c.settings.virtualHost
	for i := range c.URLs {
		if c.URLs[i].VirtualHost == "" {
			c.URLs[i].VirtualHost = c.VirtualHost
		}
	}
	return Check{
		Position:    c.Position,
		CheckTimes:  c.settings.times(),
		CheckSocket: CheckSocket{To: netip.AddrPortFrom(c.address, c.port)},
		Question:    &c.HTTPCheck,
	}
}

func readURL(p *parser, s *statement, into *checkDraft) {
	u := URL{Position: s.keyword().Position}
	urlGrammar.read(p, s.block.statements, &u)
	if u.Path == "" {
		p.errorf(u.Position, "url needs a path, such as path /")
	}
	if len(u.StatusCodes) == 0 {
		u.StatusCodes = []StatusRange{{200, 299}}
	}
	into.URLs = append(into.URLs, u)
}

func readConnectIP(p *parser, s *statement, into *checkDraft) {
	if a, ok := p.ip(s.args()[0]); ok {
		into.address = a
	}
}

// httpProtocols are the versions that a check can speak. Their case does not
// matter.
var httpProtocols = []string{"1.0", "1.0C", "1.1"}

func readHTTPProtocol(p *parser, s *statement, into *checkDraft) {
	version := s.args()[0]
	version.text = strings.ToUpper(version.text)
	if p.oneOf(s.keyword(), version, httpProtocols) {
		into.HTTPProtocol = version.text
	}
}

// readStatusCodes reads codes and ranges: 200-299 404.
func readStatusCodes(p *parser, s *statement, into *URL) {
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

func readDigest(p *parser, s *statement, into *URL) {
	value := s.args()[0]
	sum, err := hex.DecodeString(value.text)
	if err != nil || len(sum) != 16 {
		p.errorf(value.Position, "digest %q is not an MD5 sum of 32 hexadecimal digits", value.text)
		return
	}
	into.Digest = hex.EncodeToString(sum)
}
