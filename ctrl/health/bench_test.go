package health

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// instant is a connection that takes all and answers at once.
type instant struct {
	net.Conn
	answer string
}

func (c *instant) Read(p []byte) (int, error) {
	if c.answer == "" {
		return 0, io.EOF
	}
	n := copy(p, c.answer)
	c.answer = c.answer[n:]
	return n, nil
}
func (c *instant) Write(p []byte) (int, error)        { return len(p), nil }
func (c *instant) Close() error                       { return nil }
func (c *instant) SetReadDeadline(t time.Time) error  { return nil }
func (c *instant) SetWriteDeadline(t time.Time) error { return nil }

// What a check costs beside the kernel.
func BenchmarkHTTPGet(b *testing.B) {
	network := networkFunc(func() (net.Conn, error) {
		return &instant{answer: "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"}, nil
	})
	probes, err := HTTPGet(HTTPSettings{Network: network, URLs: []URL{{Path: "/index.html"}}})
	if err != nil {
		b.Fatal(err)
	}
	target := Target{Address: netip.MustParseAddrPort("192.0.2.1:80")}
	b.ReportAllocs()
	for b.Loop() {
		if err := probes[0](b.Context(), target).Err; err != nil {
			b.Fatal(err)
		}
	}
}
