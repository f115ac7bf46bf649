package health

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pacedServer is a server whose timing is a list of pauses and pieces of answer.
type pacedServer []paced

type paced struct {
	pause time.Duration
	piece string
}

// play sends the answer after the request, and closes. The probe may hang up on it at any time.
func (s pacedServer) play(t *testing.T, conn net.Conn) {
	defer conn.Close()
	readRequest(t, conn)
	for _, part := range s {
		time.Sleep(part.pause) // a pause in the fake time of the bubble
		if _, err := conn.Write([]byte(part.piece)); err != nil {
			return
		}
	}
}

// drip is an answer's header and then a byte after each pause.
func drip(bytes int, pause time.Duration) pacedServer {
	server := pacedServer{{0, "HTTP/1.0 200 OK\r\n\r\n"}}
	for range bytes {
		server = append(server, paced{pause, "x"})
	}
	return server
}

// pipeEnd is an end of a net.Pipe that, like a socket, takes a deadline after the other end has closed.
type pipeEnd struct{ net.Conn }

func (p pipeEnd) SetReadDeadline(when time.Time) error {
	if err := p.Conn.SetReadDeadline(when); !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	return nil
}

// pipeProbe returns the probe of settings, connected to a server in memory instead of over the network. The server counts
// itself in servers while it runs: a bubble must be left empty.
func pipeProbe(t *testing.T, settings HTTPSettings, server pacedServer, servers *sync.WaitGroup) Probe {
	settings.URLs = []URL{{Path: "/a"}}
	settings.Network = networkFunc(func() (net.Conn, error) {
		client, end := net.Pipe()
		servers.Go(func() { server.play(t, end) })
		return pipeEnd{client}, nil
	})
	probes, err := HTTPGet(settings)
	if err != nil {
		t.Fatal(err)
	}
	return probes[0]
}

// networkFunc is a network in memory.
type networkFunc func() (net.Conn, error)

func (f networkFunc) DialContext(context.Context, string, string) (net.Conn, error) { return f() }

// On a fake clock, so that the times are exact.
func TestSlowServers(t *testing.T) {
	const timeout, maxTime = time.Second, 10 * time.Second
	tests := []struct {
		name   string
		server pacedServer
		want   string // empty: healthy
		took   time.Duration
	}{
		{"a silent server has connect_timeout", pacedServer{{time.Hour, ""}}, "GET /a from 192.0.2.1:80: no answer for 1s", timeout},
		{"an answer just before connect_timeout is in time", pacedServer{{timeout - 1, "HTTP/1.0 200 OK\r\n\r\n"}}, "", timeout - 1},
		{"each read has connect_timeout anew", drip(5, 900*time.Millisecond), "", 5 * 900 * time.Millisecond},
		{"a server that stops inside the status line", pacedServer{{0, "HTTP/1.0 2"}, {time.Hour, ""}}, "no answer for 1s", timeout},
		{"a server that stops inside the header", pacedServer{{0, "HTTP/1.0 200 OK\r\n"}, {time.Hour, ""}}, "no answer for 1s", timeout},
		{"a server that stops inside the body", append(drip(3, 500*time.Millisecond), paced{time.Hour, ""}),
			"after 3 bytes of body: no answer for 1s", 3*500*time.Millisecond + timeout},
		{"a server that does not close after the whole body, as in keepalived",
			pacedServer{{0, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"}, {time.Hour, ""}}, "after 5 bytes of body: no answer for 1s", timeout},
		{"a slow drip ends with the maximum time", drip(100, 900*time.Millisecond),
			"after 11 bytes of body: check took too long: not done after 10s", maxTime},
		{"another protocol that waits is known by its first line", pacedServer{{0, "220 mail ESMTP\r\n"}, {time.Hour, ""}},
			"not an HTTP answer: 220 mail ESMTP", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var servers sync.WaitGroup
				defer servers.Wait()
				probe := pipeProbe(t, HTTPSettings{ConnectTimeout: timeout, MaxTime: maxTime}, test.server, &servers)
				start := time.Now()
				err := probe(t.Context(), Target{Address: netip.MustParseAddrPort("192.0.2.1:80")}).Err
				wantError(t, err, test.want)
				if took := time.Since(start); took != test.took {
					t.Errorf("took %v, want %v", took, test.took)
				}
			})
		})
	}
}

func TestConnectThatTimesOutSaysHowLongItWaited(t *testing.T) {
	late := networkFunc(func() (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	})
	probes, err := HTTPGet(HTTPSettings{Network: late, ConnectTimeout: time.Second, URLs: []URL{{}}})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, probes[0](t.Context(), Target{Address: netip.MustParseAddrPort("192.0.2.1:80")}).Err,
		"connect 192.0.2.1:80: no answer for 1s")
}
