package health

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// withAddress puts the server's address where the wanted text has ADDRESS.
func withAddress(want string, target Target) string {
	return strings.ReplaceAll(want, "ADDRESS", target.Address.String())
}

// pour writes the same for ever, or until the probe hangs up.
func pour(conn net.Conn, text string) {
	for {
		if _, err := conn.Write([]byte(text)); err != nil {
			return
		}
	}
}

// awaitHangUp waits until the probe hangs up.
func awaitHangUp(conn net.Conn) {
	for buffer := make([]byte, 1024); ; {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
	}
}

// badServer is one that no check may wait for, nor fill its memory from.
type badServer struct {
	name   string
	answer func(t *testing.T, conn *net.TCPConn)
	tls    bool
	want   string
}

// The times of the bad servers' checks, which a loaded machine stretches.
const badStep, badWhole = 200 * time.Millisecond, time.Second

func badServers() []badServer {
	const header = "HTTP/1.1 200 OK\r\n"
	after := func(do func(net.Conn)) func(*testing.T, *net.TCPConn) {
		return func(t *testing.T, conn *net.TCPConn) {
			readRequest(t, conn)
			do(conn)
		}
	}
	return []badServer{
		{"an endless body", after(func(c net.Conn) { c.Write([]byte(header + "\r\n")); pour(c, strings.Repeat("x", 16<<10)) }), false,
			"GET / from ADDRESS: body is larger than 1048576 bytes"},
		{"a byte at a time", after(func(c net.Conn) {
			c.Write([]byte(header + "\r\n"))
			for ticker := time.NewTicker(badStep / 4); ; <-ticker.C {
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
			}
		}), false, "check took too long: not done after 1s"},
		{"endless headers", after(func(c net.Conn) { c.Write([]byte(header)); pour(c, strings.Repeat("X: y\r\n", 1000)) }), false,
			"GET / from ADDRESS: header is larger than 64 KiB"},
		{"a header without a line feed", after(func(c net.Conn) { pour(c, "HTTP/1.1 200 "+strings.Repeat("x", 10_000)) }), false,
			"GET / from ADDRESS: header is larger than 64 KiB"},
		{"accepted and silent", func(_ *testing.T, c *net.TCPConn) { awaitHangUp(c) }, false, "GET / from ADDRESS: no answer for 200ms"},
		{"reset after the request", func(t *testing.T, c *net.TCPConn) { readRequest(t, c); reset(t, c) }, false,
			"GET / from ADDRESS: connection reset by peer"},
		{"reset inside the body", func(t *testing.T, c *net.TCPConn) {
			readRequest(t, c)
			c.Write([]byte(header + "\r\n" + strings.Repeat("x", 100)))
			reset(t, c)
		}, false, "connection reset by peer"},
		{"closed at once", after(func(net.Conn) {}), false, "GET / from ADDRESS: connection closed without an answer"},
		{"a redirect to itself", after(func(c net.Conn) {
			c.Write([]byte("HTTP/1.1 302 Found\r\nLocation: http://" + c.LocalAddr().String() + "/\r\n\r\n"))
		}), false, "GET / from ADDRESS: status 302, want 200-299"},
		{"TLS that is none", func(_ *testing.T, c *net.TCPConn) { c.Write([]byte("SSH-2.0-OpenSSH_9.2\r\n")); awaitHangUp(c) }, true,
			"GET / from ADDRESS: TLS handshake: tls: first record does not look like a TLS handshake"},
		{"TLS garbage without an end", func(_ *testing.T, c *net.TCPConn) { pour(c, "\x16\x03\x01\x40\x00"+strings.Repeat("\x00", 16<<10)) }, true,
			"GET / from ADDRESS: TLS handshake: "},
		{"TLS that is silent", func(_ *testing.T, c *net.TCPConn) { awaitHangUp(c) }, true,
			"GET / from ADDRESS: TLS handshake: no answer for 200ms"},
		{"TLS that drips", func(_ *testing.T, c *net.TCPConn) {
			for ticker := time.NewTicker(badStep / 4); ; <-ticker.C {
				if _, err := c.Write([]byte("\x16")); err != nil {
					return
				}
			}
		}, true, "GET / from ADDRESS: TLS handshake: "},
		{"TLS that is closed", func(*testing.T, *net.TCPConn) {}, true, "GET / from ADDRESS: TLS handshake: connection"},
	}
}

func TestBadServersEndInTimeWithTheirReason(t *testing.T) {
	for _, server := range badServers() {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			settings := HTTPSettings{URLs: []URL{{}}, ConnectTimeout: badStep, MaxTime: badWhole, MaxBody: 1 << 20}
			if server.tls {
				settings.TLS = &TLSSettings{}
			}
			probe := onlyProbe(t, settings)
			target := serve(t, "tcp", "127.0.0.1:0", func(conn *net.TCPConn) { server.answer(t, conn) })
			start := time.Now()
			err := probe(t.Context(), target).Err
			wantError(t, err, withAddress(server.want, target))
			// Far less than for ever, and far more than a busy machine adds.
			if took := time.Since(start); took > badWhole+patience {
				t.Errorf("took %v", took)
			}
			if err != nil && len(err.Error()) > 250 {
				t.Errorf("reason of %d bytes", len(err.Error()))
			}
		})
	}
}

// Not a byte of an answer is kept, whatever is wanted of it.
func TestAnswersTakeBoundedMemory(t *testing.T) {
	const size, room = 2 << 20, 512 << 10
	search, err := (&Regex{Pattern: "y$"}).compile()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, header, body, want string
		expectation              expectation
	}{
		{"a body", "HTTP/1.0 200 OK\r\n\r\n", "x", "", expectation{maxBody: size}},
		{"a body that is digested and searched", "HTTP/1.0 200 OK\r\n\r\n", "x", "body has digest",
			expectation{maxBody: size, digest: digestOf(""), search: search}},
		{"a header", "HTTP/1.0 200 OK\r\n", "X: y\r\n", "header is larger", expectation{maxBody: size}},
		{"a line of a header", "HTTP/1.0 200 ", "x", "header is larger", expectation{maxBody: size}},
		{"another protocol", "220 ", "x", "not an HTTP answer", expectation{maxBody: size}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.expectation.statusCodes = []StatusRange{{200, 299}}
			answer := io.MultiReader(strings.NewReader(test.header), io.LimitReader(&repeated{text: test.body}, size))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			wantError(t, test.expectation.judge(answer), test.want)
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > room {
				t.Errorf("took %d KiB", took>>10)
			}
		})
	}
}

// repeated is the same text for ever.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at%len(r.text)]
		r.at++
	}
	return len(p), nil
}

// A thousand silent servers are waited for all at once, and nobody else waits with them.
func TestBadServersDoNotDelayTheChecksOfGoodOnes(t *testing.T) {
	const bad, good, interval = 1000, 100, 100 * time.Millisecond
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // nobody accepts: the kernel answers the connect, and then there is silence
	web, stop := webServer(t)
	defer stop()
	probe := onlyProbe(t, HTTPSettings{URLs: []URL{{}}, ConnectTimeout: patience})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	start := func(target Target, started func(time.Duration)) *Checker {
		checker, err := NewChecker(CheckerConfig{
			Target: target, Probes: []Probe{probe}, Settings: Settings{Interval: interval}, Report: func(Verdict) {}, Started: started,
		})
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { _ = checker.Run(ctx) }) // it ends with the context
		return checker
	}
	silentTarget := Target{Address: silent.Addr().(*net.TCPAddr).AddrPort()}
	for range bad {
		start(silentTarget, nil)
	}
	var checks, late atomic.Int64
	var goods []*Checker
	for range good {
		goods = append(goods, start(web, func(by time.Duration) {
			checks.Add(1)
			if by > patience/2 { // one that waits for a silent server waits longer
				late.Add(1)
			}
		}))
	}
	deadline := time.After(2 * patience)
	for checks.Load() < 20*good {
		select {
		case <-deadline:
			t.Fatalf("%d checks of good servers were made", checks.Load())
		case <-time.After(10 * time.Millisecond):
		}
	}
	if n := late.Load(); n > 0 {
		t.Errorf("%d of %d checks of good servers were more than %v late", n, checks.Load(), patience/2)
	}
	for _, checker := range goods {
		if status := checker.Status(); !status.Up || status.Failures > 0 {
			t.Errorf("a good server: %+v", status)
		}
	}
}

// webServer answers everything at once.
func webServer(t *testing.T) (Target, func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				if _, err := conn.Read(make([]byte, 1024)); err == nil {
					_, _ = conn.Write([]byte("HTTP/1.0 200 OK\r\n\r\nhello")) // a probe that has hung up sees nothing of it
				}
			})
		}
	})
	return Target{Address: listener.Addr().(*net.TCPAddr).AddrPort()}, func() {
		listener.Close()
		serving.Wait()
	}
}
