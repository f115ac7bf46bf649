package config

import (
	"fmt"
	"strconv"
)

// HTTPCheck asks for pages (HTTP_GET, SSL_GET).
type HTTPCheck struct {
	// URLs are fetched in turn; at least one.
	URLs []URL

	// VirtualHost is the Host header of URLs without their own; empty means
	// address and port of the real server.
	VirtualHost string

	// HTTPProtocol is "1.0", "1.0C" (1.0 with Connection: close) or "1.1".
	// Default "1.0".
	HTTPProtocol string

	// FastRecovery: at the start and after a failure the URLs follow each
	// other at once, and not DelayLoop apart (fast_recovery).
	FastRecovery bool

	// TLS says how to speak TLS; nil for HTTP_GET.
	TLS *TLSCheck
}

// Keyword returns HTTP_GET or SSL_GET.
func (c *HTTPCheck) Keyword() string {
	if c.TLS != nil {
		return "SSL_GET"
	}
	return "HTTP_GET"
}

// TLSCheck is what SSL_GET needs beside HTTP. No certificate of a server is
// verified, as in keepalived.
type TLSCheck struct {
	// SNI: the name of the virtual host is sent in the handshake: SNIName, or
	// if that is empty, the VirtualHost of the URL (enable_sni, sni_name).
	SNI     bool
	SNIName string

	// Compliant: a connection that ends without TLS's close_notify is a failure
	// (tls_compliant).
	Compliant bool

	// Credentials are those of the Config, SSL.
	Credentials
}

// Credentials are what the SSL block gives to all SSL_GET checks: paths of PEM
// files, and the password of the key. Empty for none.
type Credentials struct {
	// Certificate and Key are what a check shows to servers that ask for it
	// (certificate, key), Password decrypts Key (password).
	Certificate, Key, Password string
}

// URL is one page of an HTTP_GET or SSL_GET check.
type URL struct {
	Position

	// Path is the request target, for example /index.html.
	Path string

	// StatusCodes are the accepted status codes. Default 200 to 299.
	StatusCodes []StatusRange

	// Digest is the MD5 of the body in 32 lower-case hexadecimal digits;
	// empty when the body is not compared.
	Digest string

	// VirtualHost is the Host header, resolved from url, checker, real
	// server and virtual server in this order; empty as in HTTPCheck.
	VirtualHost string

	// Regex is what the body must match; nil for anything.
	Regex *Regex
}

// StatusRange is an inclusive range of HTTP status codes, 100 to 999.
type StatusRange struct{ Low, High int }

// String returns the range as keepalived.conf writes it: 200 or 200-299.
func (r StatusRange) String() string {
	if r.Low == r.High {
		return strconv.Itoa(r.Low)
	}
	return fmt.Sprintf("%d-%d", r.Low, r.High)
}

// Regex is a regular expression and where a body must match it.
type Regex struct {
	Position

	// Pattern is the expression as keepalived.conf writes it, for PCRE2 (regex).
	// Expression is the same for Go's package regexp.
	Pattern string

	// Options are PCRE2's names of options, each once (regex_options).
	Options []string

	// NoMatch: a match is the failure (regex_no_match).
	NoMatch bool

	// MinOffset and MaxOffset are the first and the last byte of the body, from
	// 0, where a match may begin (regex_min_offset, regex_max_offset). MaxOffset
	// is -1 for anywhere, which is the default.
	MinOffset, MaxOffset int
}
