package health

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
)

// httpGet is the probe of one URL.
type httpGet struct {
	path        string
	opening     string // of the request
	virtualHost string
	limits      limits
	network     Network
	tls         *tls.Config // nil for HTTP_GET
	untilNotify bool        // the end of a TLS answer must be announced
	want        expectation
}

// probe is the [Probe].
func (g *httpGet) probe(ctx context.Context, target Target) Answer {
	conn, err := dial(ctx, g.network, "tcp", target.Address, g.limits)
	if err != nil {
		return failed(err)
	}
	defer conn.Close()
	if err := g.exchange(conn, target.Address); err != nil {
		return failed(fmt.Errorf("GET %s from %v: %w", g.path, target.Address, err))
	}
	return Answer{}
}

// exchange sends the request and judges the answer.
func (g *httpGet) exchange(conn *conn, address netip.AddrPort) error {
	stream := io.ReadWriter(conn)
	if g.tls != nil {
		var err error
		if stream, err = conn.secure(g.tls); err != nil {
			return err
		}
	}
	if _, err := stream.Write(g.request(address)); err != nil {
		return err
	}
	if g.untilNotify {
		return g.want.judge(announcedEnd{stream, conn})
	}
	return g.want.judge(stream)
}

// request returns the bytes that keepalived would send. Web servers' logs and rules know them, so they are written by
// hand and not by net/http, which has its own order of headers and cannot speak HTTP/1.0.
func (g *httpGet) request(address netip.AddrPort) []byte {
	const host = 64 // an address and port, or most names
	request := append(make([]byte, 0, len(g.opening)+host), g.opening...)
	if g.virtualHost != "" {
		request = append(request, g.virtualHost...)
	} else {
		// A zone means something on this machine only.
		request = netip.AddrPortFrom(address.Addr().WithZone(""), address.Port()).AppendTo(request)
	}
	return append(request, "\r\n\r\n"...)
}

// requestOpening is what a request says before it names the host, which is the end of it.
func requestOpening(path string, protocol Protocol) string {
	version, connection := "1.0", ""
	switch protocol {
	case HTTP10Close:
		connection = "Connection: close\r\n"
	case HTTP11:
		version, connection = "1.1", "Connection: close\r\n"
	}
	return fmt.Sprintf("GET %s HTTP/%s\r\nUser-Agent: KeepAliveClient\r\n%sHost: ", path, version, connection)
}
