package health

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"regexp"
	"runtime"
	"strings"
	"sync"
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

// trickle writes a byte now and then, for ever or until the probe hangs up.
func trickle(conn net.Conn, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
		<-ticker.C
	}
}

// readRecord reads a record of TLS, so that nothing is left unread that would make a close a reset.
func readRecord(t *testing.T, conn net.Conn) {
	const atLength = 3
	header := make([]byte, 5)
	_, err := io.ReadFull(conn, header)
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, binary.BigEndian.Uint16(header[atLength:])))
	}
	if err != nil {
		t.Errorf("server: %v", err)
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
	const record = "\x16\x03\x01\x40\x00" // the header of one of a handshake, of 16 KiB
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
			trickle(c, badStep/4)
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
		{"TLS garbage without an end", func(_ *testing.T, c *net.TCPConn) { pour(c, record+strings.Repeat("\x00", 16<<10)) }, true,
			"GET / from ADDRESS: TLS handshake: tls: received unexpected handshake message of type *tls.helloRequestMsg"},
		{"TLS that is silent", func(_ *testing.T, c *net.TCPConn) { awaitHangUp(c) }, true,
			"GET / from ADDRESS: TLS handshake: no answer for 200ms"},
		{"TLS that drips", func(_ *testing.T, c *net.TCPConn) { c.Write([]byte(record)); trickle(c, badStep/4) }, true,
			"GET / from ADDRESS: TLS handshake: check took too long: not done after 200ms"},
		{"TLS that is closed", func(t *testing.T, c *net.TCPConn) { readRecord(t, c) }, true,
			"GET / from ADDRESS: TLS handshake: connection closed without an answer"},
		{"TLS that is closed halfway", func(t *testing.T, c *net.TCPConn) { readRecord(t, c); c.Write([]byte(record)) }, true,
			"GET / from ADDRESS: TLS handshake: connection closed inside the handshake"},
		{"TLS that is reset", func(t *testing.T, c *net.TCPConn) { readRecord(t, c); reset(t, c) }, true,
			"GET / from ADDRESS: TLS handshake: connection reset by peer"},
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

func TestBadMailServersEndInTimeWithTheirReason(t *testing.T) {
	const whole = maxTimeFactor * badStep
	for _, server := range []badServer{
		{"accepted and silent", func(_ *testing.T, c *net.TCPConn) { awaitHangUp(c) }, false,
			"SMTP to ADDRESS: greeting: no answer for 200ms"},
		{"silent after the greeting", func(_ *testing.T, c *net.TCPConn) { c.Write([]byte("220 mail\r\n")); awaitHangUp(c) }, false,
			"SMTP to ADDRESS: answer to HELO: no answer for 200ms"},
		{"a byte at a time", func(_ *testing.T, c *net.TCPConn) { trickle(c, badStep/4) }, false,
			"SMTP to ADDRESS: greeting: check took too long: not done after 2s"},
		{"lines without an end", func(_ *testing.T, c *net.TCPConn) { pour(c, strings.Repeat("220-mail\r\n", 1000)) }, false,
			"SMTP to ADDRESS: greeting: longer than 8 KiB"},
		{"reset instead of a greeting", func(t *testing.T, c *net.TCPConn) { reset(t, c) }, false,
			"connection reset by peer"}, // the connect may be over before, or meet it
		{"reset after HELO", func(t *testing.T, c *net.TCPConn) {
			c.Write([]byte("220 mail\r\n"))
			readLineOf(t, c)
			reset(t, c)
		}, false, "SMTP to ADDRESS: answer to HELO: connection reset by peer"},
	} {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			probe, err := SMTP(SMTPSettings{Network: loopback, ConnectTimeout: badStep})
			if err != nil {
				t.Fatal(err)
			}
			target := serve(t, "tcp", "127.0.0.1:0", func(conn *net.TCPConn) { server.answer(t, conn) })
			start := time.Now()
			wantError(t, probe(t.Context(), target).Err, withAddress(server.want, target))
			if took := time.Since(start); took > whole+patience {
				t.Errorf("took %v", took)
			}
		})
	}
}

// readLineOf reads a line that the probe says.
func readLineOf(t *testing.T, conn net.Conn) {
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Errorf("server: %v", err)
	}
}

// Datagrams that answer nothing may come for ever, and faster than they are read.
func TestStrayDatagramsWithoutAnEndDoNotKeepADNSCheck(t *testing.T) {
	hungUp := make(chan struct{})
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	target := Target{Address: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	var flood sync.WaitGroup
	flood.Go(func() {
		_, from, err := conn.ReadFromUDPAddrPort(make([]byte, 512))
		for stray := make([]byte, 64); err == nil; {
			select {
			case <-hungUp:
				return
			default:
				_, err = conn.WriteToUDPAddrPort(stray, from)
			}
		}
		t.Errorf("server: %v", err)
	})
	probe, err := DNS(DNSSettings{Network: loopback, ConnectTimeout: badStep})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	failure := probe(t.Context(), target).Err
	took := time.Since(start)
	close(hungUp)
	flood.Wait()
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	reason := regexp.MustCompile(`^DNS TypeSOA of \. from \S+: no answer for 200ms, but \d{2,} datagrams that are no answer to the question$`)
	if !reason.MatchString(text(failure)) {
		t.Errorf("fails with %q", text(failure))
	}
	if took > badStep+patience {
		t.Errorf("took %v", took)
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
