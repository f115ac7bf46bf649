package health

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
)

// TLSSettings describe what an SSL_GET check does beyond an HTTP_GET. The zero value is its default.
//
// As in keepalived the server's certificate is not verified, not even where the SSL block names a CA: a check is to tell
// whether clients are served, and who they trust is known to them only. What is accepted is wide for the same reason: TLS
// 1.0 and all that came after it.
type TLSSettings struct {
	// SNI sends the virtual host's name in the handshake (keepalived: enable_sni). Default false.
	SNI bool
	// SNIName is sent in its place, SNI or not (keepalived: sni_name).
	SNIName string
	// Compliant fails an answer whose end is not announced by the close_notify that TLS requires, which many servers
	// leave out (keepalived: tls_compliant). Default false.
	Compliant bool
	// Certificate is shown to a server that asks for one, see [LoadCertificate] (keepalived: the SSL block). Default none.
	Certificate *tls.Certificate
}

// config is what crypto/tls wants to know, nil for no TLS.
func (s *TLSSettings) config(virtualHost string) *tls.Config {
	if s == nil {
		return nil
	}
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, ServerName: s.SNIName}
	if config.ServerName == "" && s.SNI {
		config.ServerName = withoutPort(virtualHost)
	}
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		config.CipherSuites = append(config.CipherSuites, suite.ID)
	}
	if s.Certificate != nil {
		config.Certificates = []tls.Certificate{*s.Certificate}
	}
	return config
}

// withoutPort returns the name of a virtual host, which may have a port.
func withoutPort(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// announcedEnd is an answer by TLS whose end must be announced. Package tls takes the end of the connection for it, too.
type announcedEnd struct {
	answer io.Reader
	below  *conn
}

func (a announcedEnd) Read(p []byte) (int, error) {
	n, err := a.answer.Read(p)
	if errors.Is(err, io.EOF) && a.below.ended {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// errCutHandshake is what is wrong with a handshake that ends halfway.
var errCutHandshake = errors.New("connection closed inside the handshake")

// secure shakes hands, which like the connect before it has the time of a step.
func (c *conn) secure(config *tls.Config) (*tls.Conn, error) {
	end, limits := c.end, c.limits
	c.end, c.limits.whole = c.deadline(), c.limits.step
	secured := tls.Client(c, config)
	err := secured.Handshake() // which the connection ends when the context does
	c.end, c.limits = end, limits
	switch {
	case err == nil:
		return secured, nil
	case errors.Is(err, io.EOF) && !c.heard:
		err = errNoAnswer
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errCutHandshake
	case errors.Is(err, errSilent) && c.heard: // it goes on and on, or stops halfway
		err = fmt.Errorf("%w: not done after %v", errMaxTime, limits.step)
	}
	return nil, fmt.Errorf("TLS handshake: %w", err)
}
