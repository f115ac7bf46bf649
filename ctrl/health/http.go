package health

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Defaults and limits of HTTPSettings.
const (
	// DefaultMaxBody bounds an answer's body, in bytes. keepalived has no bound.
	DefaultMaxBody = 4 << 20
	// largestMaxBody is the highest MaxBody, in bytes. A check that reads more is a load, not a check.
	largestMaxBody = 1 << 30
)

// Protocol is the HTTP version that a request is sent as (keepalived: http_protocol).
type Protocol string

// The protocols of keepalived's http_protocol.
const (
	HTTP10      Protocol = "1.0"  // the default
	HTTP10Close Protocol = "1.0C" // 1.0 with a "Connection: close" header
	HTTP11      Protocol = "1.1"  // always with a "Connection: close" header
)

// HTTPSettings describe an HTTP_GET or SSL_GET check. The zero value of every field but Network and URLs is its default.
type HTTPSettings struct {
	// Network opens the sockets.
	Network Network
	// URLs are the pages to ask for, at least one (keepalived: url).
	URLs []URL
	// VirtualHost is the Host header of the URLs that name none. The caller resolves keepalived's order: checker, then
	// real_server, then virtual_server. Empty sends the target's address and port.
	VirtualHost string
	// ConnectTimeout bounds the connect, the write of the request and each single read of the answer (keepalived:
	// connect_timeout). Default DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// MaxTime bounds a whole check, which keepalived does not. Default 10 times ConnectTimeout.
	MaxTime time.Duration
	// MaxBody is the largest body that is accepted, in bytes, header not counted; at most 1 GiB. Default
	// DefaultMaxBody.
	MaxBody int64
	// Protocol is the HTTP version. Default HTTP10.
	Protocol Protocol
	// TLS, if not nil, makes it an SSL_GET.
	TLS *TLSSettings
}

// URL is one page of an HTTP_GET check and what its answer must be (keepalived: url).
type URL struct {
	// Path is the request target as sent, such as /index.html (keepalived: path). Default "/".
	Path string
	// StatusCodes are the accepted status codes (keepalived: status_code). Default 200-299.
	StatusCodes []StatusRange
	// Digest is the MD5 of the body as 32 hexadecimal digits, as genhash prints it (keepalived: digest). It covers what
	// follows the header as it came over the wire: chunks are not decoded. Empty checks no digest.
	Digest string
	// VirtualHost is the Host header of this URL (keepalived: virtualhost). Default HTTPSettings.VirtualHost.
	VirtualHost string
	// Regex is what the body must match or must not. nil does not look.
	Regex *Regex
}

// StatusRange is a range of HTTP status codes, both ends included, within 100 to 999 as in keepalived.
type StatusRange struct {
	First, Last int
}

// String returns the range in keepalived.conf's notation: 200 or 200-299.
func (r StatusRange) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// HTTPGet returns one probe per URL, in their order, which is how keepalived's HTTP_GET and SSL_GET walk them: one URL
// each time.
//
// A probe connects, sends a GET request, reads the answer until the server closes, and wants an accepted status, and
// the digest and the match, if there are such. It follows no redirect, uses no proxy and keeps no connection. A body that
// is shorter or longer than its Content-Length is no failure, as in keepalived. Beyond keepalived it fails an answer that
// takes longer than MaxTime or has more than MaxBody bytes of body or 64 KiB of header.
//
// It returns an error if a setting is out of its range.
func HTTPGet(settings HTTPSettings) ([]Probe, error) {
	limits, err := limitsOf(settings.ConnectTimeout, settings.MaxTime)
	if err != nil {
		return nil, err
	}
	settings = settings.withDefaults()
	if err := settings.validate(); err != nil {
		return nil, err
	}
	probes := make([]Probe, 0, len(settings.URLs))
	for _, url := range settings.URLs {
		get, err := newHTTPGet(settings, url.withDefaults(settings), limits)
		if err != nil {
			return nil, fmt.Errorf("url %q: %w", url.Path, err)
		}
		probes = append(probes, get.probe)
	}
	return probes, nil
}

func (s HTTPSettings) withDefaults() HTTPSettings {
	if s.MaxBody == 0 {
		s.MaxBody = DefaultMaxBody
	}
	if s.Protocol == "" {
		s.Protocol = HTTP10
	}
	return s
}

func (s HTTPSettings) validate() error {
	switch {
	case s.Network == nil:
		return errNoNetwork
	case len(s.URLs) == 0:
		return errors.New("no url to check")
	case s.MaxBody < 0 || s.MaxBody > largestMaxBody:
		return fmt.Errorf("maximum body of %d bytes is not within 0 to %d", s.MaxBody, largestMaxBody)
	}
	switch s.Protocol {
	case HTTP10, HTTP10Close, HTTP11:
		return nil
	}
	return fmt.Errorf("protocol %q is none of 1.0, 1.0C, 1.1", s.Protocol)
}

func (u URL) withDefaults(settings HTTPSettings) URL {
	if u.Path == "" {
		u.Path = "/"
	}
	if len(u.StatusCodes) == 0 {
		u.StatusCodes = []StatusRange{{200, 299}}
	}
	if u.VirtualHost == "" {
		u.VirtualHost = settings.VirtualHost
	}
	return u
}

// newHTTPGet puts the settings, defaults filled in, into the form that a probe uses.
func newHTTPGet(settings HTTPSettings, url URL, limits limits) (*httpGet, error) {
	if !isWireWord(url.Path) {
		return nil, errors.New("path has a space or a control character")
	}
	if !isWireWord(url.VirtualHost) {
		return nil, fmt.Errorf("virtual host %q has a space or a control character", url.VirtualHost)
	}
	for _, codes := range url.StatusCodes {
		if codes.First < 100 || codes.Last > 999 || codes.First > codes.Last {
			return nil, fmt.Errorf("status code %v is not a range within 100-999", codes)
		}
	}
	digest, err := hex.DecodeString(url.Digest)
	if err != nil || (len(digest) != 0 && len(digest) != md5.Size) {
		return nil, fmt.Errorf("digest %q is not 32 hexadecimal digits", url.Digest)
	}
	var search *search
	if url.Regex != nil {
		if search, err = url.Regex.compile(); err != nil {
			return nil, err
		}
	}
	return &httpGet{
		path:        url.Path,
		opening:     requestOpening(url.Path, settings.Protocol),
		virtualHost: url.VirtualHost,
		limits:      limits,
		network:     settings.Network,
		tls:         settings.TLS.config(url.VirtualHost),
		untilNotify: settings.TLS != nil && settings.TLS.Compliant,
		want: expectation{
			statusCodes: url.StatusCodes, digest: digest, maxBody: settings.MaxBody, search: search,
		},
	}, nil
}

// isWireWord reports whether s can stand in a request line or header without ending it.
func isWireWord(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}
