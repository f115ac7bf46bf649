package health

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

func TestSettingsOutOfRangeAreRefused(t *testing.T) {
	one := func(url URL) HTTPSettings { return HTTPSettings{Network: loopback, URLs: []URL{url}} }
	tests := []struct {
		name     string
		settings HTTPSettings
		want     string
	}{
		{"no network", HTTPSettings{URLs: []URL{{}}}, "check has no network to ask through"},
		{"no url", HTTPSettings{Network: loopback}, "no url to check"},
		{"negative connect timeout", HTTPSettings{Network: loopback, URLs: []URL{{}}, ConnectTimeout: -1}, "connect timeout -1ns is negative"},
		{"negative maximum time", HTTPSettings{Network: loopback, URLs: []URL{{}}, MaxTime: -1}, "maximum time -1ns is negative"},
		{"negative maximum body", HTTPSettings{Network: loopback, URLs: []URL{{}}, MaxBody: -1}, "maximum body of -1 bytes is not within 0 to 1073741824"},
		{"huge maximum body", HTTPSettings{Network: loopback, URLs: []URL{{}}, MaxBody: 1<<30 + 1}, "maximum body of 1073741825 bytes"},
		{"unknown protocol", HTTPSettings{Network: loopback, URLs: []URL{{}}, Protocol: "2"}, `protocol "2" is none of 1.0, 1.0C, 1.1`},
		{"path that would end the request line", one(URL{Path: "/a HTTP/1.1\r\n"}), `url "/a HTTP/1.1\r\n": path has a space`},
		{"virtual host that would end the header", one(URL{VirtualHost: "a\r\nb"}), `virtual host "a\r\nb" has a space`},
		{"status code below 100", one(URL{StatusCodes: []StatusRange{{99, 200}}}), "status code 99-200 is not a range within 100-999"},
		{"status code above 999", one(URL{StatusCodes: []StatusRange{{1000, 1000}}}), "status code 1000 is not a range"},
		{"status codes upside down", one(URL{StatusCodes: []StatusRange{{299, 200}}}), "status code 299-200 is not a range"},
		{"digest of the wrong length", one(URL{Digest: "abcd"}), `digest "abcd" is not 32 hexadecimal digits`},
		{"digest of other letters", one(URL{Digest: strings.Repeat("x", 32)}), "is not 32 hexadecimal digits"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			probes, err := HTTPGet(test.settings)
			wantError(t, err, test.want)
			if probes != nil {
				t.Errorf("%d probes beside the error", len(probes))
			}
		})
	}
}

func TestEachURLIsAProbeOfItsOwnInOrder(t *testing.T) {
	paths := []string{"/first", "/second", "/third"}
	var urls []URL
	for _, path := range paths {
		urls = append(urls, URL{Path: path})
	}
	probes, err := HTTPGet(HTTPSettings{Network: loopback, URLs: urls, ConnectTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	if len(probes) != len(paths) {
		t.Fatalf("%d probes, want %d", len(probes), len(paths))
	}
	for i, path := range paths {
		lines := make(chan string, 1)
		target := serve(t, "tcp", "127.0.0.1:0", func(conn *net.TCPConn) {
			line, _, _ := strings.Cut(readRequest(t, conn), "\r\n")
			lines <- line
		})
		wantError(t, probes[i](t.Context(), target).Err, "GET "+path+" from ")
		if line, want := <-lines, "GET "+path+" HTTP/1.0"; line != want {
			t.Errorf("probe %d sends %q, want %q", i, line, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	settings := HTTPSettings{URLs: []URL{{}}}.withDefaults()
	times, err := limitsOf(0, 0)
	if err != nil || times != (limits{step: 5 * time.Second, whole: 50 * time.Second}) || settings.MaxBody != 4<<20 {
		t.Errorf("defaults are %v, %d bytes, want 5s, 50s, 4194304 bytes; error %v", times, settings.MaxBody, err)
	}
	accepts := URL{}.withDefaults(settings).StatusCodes
	if len(accepts) != 1 || accepts[0] != (StatusRange{200, 299}) {
		t.Errorf("accepts %v by default, want 200-299", accepts)
	}
	probe := onlyProbe(t, settings)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, probe(ctx, serve(t, "tcp", "127.0.0.1:0", func(*net.TCPConn) {})).Err, "context canceled")
}
