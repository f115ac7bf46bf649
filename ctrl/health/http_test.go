package health

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is far more than a loopback exchange takes, even on a busy machine.
const patience = 10 * time.Second

// loopback is the host's own network, which tests ask by.
var loopback Network = &net.Dialer{}

// serve answers one connection on the loopback address with the given function and returns where.
func serve(t *testing.T, network, address string, answer func(conn *net.TCPConn)) Target {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return // the test ended without connecting
		}
		defer conn.Close()
		answer(conn.(*net.TCPConn))
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return Target{Address: listener.Addr().(*net.TCPAddr).AddrPort()}
}

// readRequest reads up to and including the empty line.
func readRequest(t *testing.T, conn net.Conn) string {
	var request strings.Builder
	buffer := make([]byte, 1)
	for !strings.HasSuffix(request.String(), "\r\n\r\n") {
		if _, err := conn.Read(buffer); err != nil {
			t.Errorf("request ends with %v after %q", err, request.String())
			break
		}
		request.Write(buffer)
	}
	return request.String()
}

// reply returns a server's function that reads the request and sends the answer.
func reply(t *testing.T, answer string) func(conn *net.TCPConn) {
	return func(conn *net.TCPConn) {
		readRequest(t, conn)
		if _, err := conn.Write([]byte(answer)); err != nil {
			t.Logf("server: %v", err) // the probe may have seen enough
		}
	}
}

// onlyProbe returns the probe of settings that have one URL.
func onlyProbe(t *testing.T, settings HTTPSettings) Probe {
	t.Helper()
	settings.Network = loopback
	probes, err := HTTPGet(settings)
	if err != nil {
		t.Fatal(err)
	}
	if len(probes) != 1 {
		t.Fatalf("%d probes, want 1", len(probes))
	}
	return probes[0]
}

// wantError compares an error's text, of which want is a part; empty wants success.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("fails with %q, want success", err)
	case want != "" && err == nil:
		t.Errorf("succeeds, want %q", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("fails with %q, want %q", err, want)
	}
}

func TestRequestIsKeepalivedsByteForByte(t *testing.T) {
	get := func(settings HTTPSettings) *httpGet {
		settings = settings.withDefaults()
		get, err := newHTTPGet(settings, settings.URLs[0].withDefaults(settings), limits{})
		if err != nil {
			t.Fatal(err)
		}
		return get
	}
	index := []URL{{Path: "/index.html"}}
	tests := []struct {
		name     string
		settings HTTPSettings
		address  string
		want     string
	}{
		{"the tutorial's", HTTPSettings{URLs: index}, "192.168.100.151:80",
			"GET /index.html HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 192.168.100.151:80\r\n\r\n"},
		{"protocol 1.0C closes", HTTPSettings{URLs: index, Protocol: HTTP10Close}, "192.168.100.151:80",
			"GET /index.html HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: 192.168.100.151:80\r\n\r\n"},
		{"protocol 1.1 closes", HTTPSettings{URLs: index, Protocol: HTTP11}, "192.168.100.151:8080",
			"GET /index.html HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: 192.168.100.151:8080\r\n\r\n"},
		{"a virtual host stands without a port", HTTPSettings{URLs: index, VirtualHost: "www.example.org"}, "192.168.100.151:80",
			"GET /index.html HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: www.example.org\r\n\r\n"},
		{"the url's virtual host goes first",
			HTTPSettings{URLs: []URL{{Path: "/a?b=c", VirtualHost: "url.example.org"}}, VirtualHost: "www.example.org"}, "192.168.100.151:80",
			"GET /a?b=c HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: url.example.org\r\n\r\n"},
		{"an IPv6 address stands in brackets", HTTPSettings{URLs: index}, "[2001:db8::151]:80",
			"GET /index.html HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: [2001:db8::151]:80\r\n\r\n"},
		{"a zone is not sent", HTTPSettings{URLs: index}, "[fe80::151%enp1s0]:80",
			"GET /index.html HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: [fe80::151]:80\r\n\r\n"},
		{"no path is the root", HTTPSettings{URLs: []URL{{}}}, "192.168.100.151:80",
			"GET / HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 192.168.100.151:80\r\n\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := string(get(test.settings).request(netip.MustParseAddrPort(test.address)))
			if got != test.want {
				t.Errorf("request\n%q, want\n%q", got, test.want)
			}
		})
	}
}

func TestServerReceivesTheRequestAndNothingElse(t *testing.T) {
	for _, listen := range []struct{ network, address string }{{"tcp4", "127.0.0.1:0"}, {"tcp6", "[::1]:0"}} {
		t.Run(listen.network, func(t *testing.T) {
			requests := make(chan string, 1)
			target := serve(t, listen.network, listen.address, func(conn *net.TCPConn) {
				requests <- readRequest(t, conn)
				if _, err := conn.Write([]byte("HTTP/1.0 200 OK\r\n\r\nhello")); err != nil {
					t.Error(err)
				}
				if err := conn.CloseWrite(); err != nil {
					t.Error(err)
				}
				if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
					t.Errorf("server reads %d bytes more, error %v", n, err)
				}
			})
			probe := onlyProbe(t, HTTPSettings{URLs: []URL{{Path: "/index.html"}}, ConnectTimeout: patience})
			wantError(t, probe(t.Context(), target).Err, "")
			want := "GET /index.html HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: " + target.Address.String() + "\r\n\r\n"
			if got := <-requests; got != want {
				t.Errorf("server received %q, want %q", got, want)
			}
		})
	}
}

func TestServersThatBreakTheConnection(t *testing.T) {
	tests := []struct {
		name   string
		answer func(t *testing.T, conn *net.TCPConn)
		want   string
	}{
		{"close at once is no answer", func(t *testing.T, conn *net.TCPConn) { readRequest(t, conn) },
			"connection closed without an answer"},
		{"reset instead of an answer is a reset", func(t *testing.T, conn *net.TCPConn) { readRequest(t, conn); reset(t, conn) },
			"connection reset by peer"},
		{"reset inside the body is a reset, with what came before it", func(t *testing.T, conn *net.TCPConn) {
			reply(t, "HTTP/1.0 200 OK\r\n\r\nhello")(conn)
			reset(t, conn)
		}, "connection reset by peer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target := serve(t, "tcp", "127.0.0.1:0", func(conn *net.TCPConn) { test.answer(t, conn) })
			probe := onlyProbe(t, HTTPSettings{URLs: []URL{{Path: "/a"}}, ConnectTimeout: patience})
			err := probe(t.Context(), target).Err
			wantError(t, err, test.want)
			wantError(t, err, "GET /a from "+target.Address.String()+": ")
		})
	}
}

// reset makes the close of conn send RST instead of FIN.
func reset(t *testing.T, conn *net.TCPConn) {
	if err := conn.SetLinger(0); err != nil {
		t.Error(err)
	}
}

func TestRefusedConnectionSaysSo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr).AddrPort()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	err = onlyProbe(t, HTTPSettings{URLs: []URL{{}}, ConnectTimeout: patience})(t.Context(), Target{Address: address}).Err
	if want := "connect " + address.String() + ": connection refused"; err == nil || err.Error() != want {
		t.Errorf("fails with %v, want %q", err, want)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error %v is not ECONNREFUSED", err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	target := serve(t, "tcp", "127.0.0.1:0", reply(t, "HTTP/1.0 302 Found\r\nLocation: http://192.0.2.1/\r\n\r\n"))
	err := onlyProbe(t, HTTPSettings{URLs: []URL{{}}, ConnectTimeout: patience})(t.Context(), target).Err
	wantError(t, err, "status 302, want 200-299")
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	t.Setenv("http_proxy", "http://192.0.2.1:3128")
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:3128")
	target := serve(t, "tcp", "127.0.0.1:0", reply(t, "HTTP/1.0 200 OK\r\n\r\n"))
	wantError(t, onlyProbe(t, HTTPSettings{URLs: []URL{{}}, ConnectTimeout: patience})(t.Context(), target).Err, "")
}

func TestCancelledContextEndsAReadAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	target := serve(t, "tcp", "127.0.0.1:0", func(conn *net.TCPConn) {
		readRequest(t, conn)
		cancel() // and stay silent until the probe hangs up
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("server reads %d bytes more, error %v", n, err)
		}
	})
	const forever = time.Hour // the test's own timeout is what a probe that does not listen runs into
	err := onlyProbe(t, HTTPSettings{URLs: []URL{{}}, ConnectTimeout: forever})(ctx, target).Err
	if !errors.Is(err, context.Canceled) {
		t.Errorf("fails with %v, want %v", err, context.Canceled)
	}
}

func TestSilentlyDroppedConnectTimesOut(t *testing.T) {
	target := overfullServer(t)
	err := onlyProbe(t, HTTPSettings{URLs: []URL{{}}, ConnectTimeout: 200 * time.Millisecond})(t.Context(), target).Err
	if want := "connect " + target.Address.String() + ": no answer for 200ms"; err == nil || err.Error() != want {
		t.Errorf("fails with %v, want %q", err, want)
	}
}

// overfullServer returns a server whose queue of connections is full, so that Linux drops further SYNs as if the
// server's cable were cut.
func overfullServer(t *testing.T) Target {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(name.(*syscall.SockaddrInet4).Port)
	target := Target{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)}
	for range 10 {
		conn, err := net.DialTimeout("tcp", target.Address.String(), 200*time.Millisecond)
		if err != nil {
			return target
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("a queue of length 0 took 10 connections")
	return target
}
