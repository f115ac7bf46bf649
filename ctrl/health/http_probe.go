package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// errMaxTime is the cause of a check that was ended by HTTPSettings.MaxTime.
var errMaxTime = errors.New("check took too long")

// httpGet is the probe of one URL.
type httpGet struct {
	path        string
	virtualHost string
	protocol    Protocol
	timeout     time.Duration // of the connect, the write and each read
	maxTime     time.Duration // of the whole check
	dial        func(ctx context.Context, network, address string) (net.Conn, error)
	want        expectation
}

// probe is the [Probe].
func (g *httpGet) probe(ctx context.Context, target Target) error {
	ctx, cancel := context.WithTimeoutCause(ctx, g.maxTime, errMaxTime)
	defer cancel()

	conn, err := g.dial(ctx, "tcp", target.Address.String())
	if err != nil {
		return fmt.Errorf("connect %v: %w", target.Address, g.inPlainWords(ctx, err))
	}
	defer conn.Close()
	// Closing is what ends a read that waits: a deadline could be overwritten by the next read's.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	if err := g.exchange(ctx, conn, target.Address); err != nil {
		return fmt.Errorf("GET %s from %v: %w", g.path, target.Address, err)
	}
	return nil
}

// exchange sends the request and judges the answer.
func (g *httpGet) exchange(ctx context.Context, conn net.Conn, address netip.AddrPort) error {
	if err := conn.SetWriteDeadline(time.Now().Add(g.timeout)); err != nil {
		return g.inPlainWords(ctx, err)
	}
	if _, err := conn.Write(g.request(address)); err != nil {
		return g.inPlainWords(ctx, err)
	}
	return g.want.judge(&answerReader{ctx: ctx, conn: conn, get: g})
}

// request returns the bytes that keepalived would send. Web servers' logs and rules know them, so they are written by
// hand and not by net/http, which has its own order of headers and cannot speak HTTP/1.0.
func (g *httpGet) request(address netip.AddrPort) []byte {
	version, connection := "1.0", ""
	switch g.protocol {
	case HTTP10Close:
		connection = "Connection: close\r\n"
	case HTTP11:
		version, connection = "1.1", "Connection: close\r\n"
	}
	host := g.virtualHost
	if host == "" {
		// A zone means something on this machine only.
		host = netip.AddrPortFrom(address.Addr().WithZone(""), address.Port()).String()
	}
	return fmt.Appendf(nil, "GET %s HTTP/%s\r\nUser-Agent: KeepAliveClient\r\n%sHost: %s\r\n\r\n",
		g.path, version, connection, host)
}

// answerReader gives each read of the answer the same time, as keepalived does: a slow answer may take long, a silent
// one may not.
type answerReader struct {
	ctx  context.Context
	conn net.Conn
	get  *httpGet
}

func (r *answerReader) Read(p []byte) (int, error) {
	if err := r.conn.SetReadDeadline(time.Now().Add(r.get.timeout)); err != nil {
		return 0, r.get.inPlainWords(r.ctx, err)
	}
	n, err := r.conn.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, r.get.inPlainWords(r.ctx, err)
}

// inPlainWords puts a failure of the connection into the words that an operator wants to read: without the addresses and
// call names that package net adds, and with the time that was waited.
func (g *httpGet) inPlainWords(ctx context.Context, err error) error {
	var errno syscall.Errno
	var waited net.Error
	switch {
	case errors.Is(context.Cause(ctx), errMaxTime):
		return fmt.Errorf("%w: not done after %v", errMaxTime, g.maxTime)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &errno):
		return errno
	case errors.As(err, &waited) && waited.Timeout():
		return fmt.Errorf("no answer for %v", g.timeout)
	}
	return err
}
