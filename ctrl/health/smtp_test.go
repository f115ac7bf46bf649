package health

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
)

// mailServer greets, and answers each line with the next of the replies; after the last it closes.
func mailServer(t *testing.T, greeting string, replies ...string) (Target, <-chan string) {
	heard := make(chan string, len(replies)+1)
	return serve(t, "tcp", "127.0.0.1:0", func(conn *net.TCPConn) {
		defer close(heard)
		lines := bufio.NewScanner(conn)
		if _, err := conn.Write([]byte(greeting)); err != nil {
			return // the probe hangs up when it has heard enough
		}
		for _, reply := range replies {
			if !lines.Scan() {
				return
			}
			heard <- lines.Text()
			if _, err := conn.Write([]byte(reply)); err != nil {
				return
			}
		}
	}), heard
}

func TestSMTP(t *testing.T) {
	const greeting, hello, bye = "220 mail.example.org ESMTP\r\n", "250 mail.example.org\r\n", "221 bye\r\n"
	tests := []struct {
		name   string
		server []string
		want   string // empty: healthy
	}{
		{"a mail server", []string{greeting, hello, bye}, ""},
		{"codes without text", []string{"220\r\n", "250\r\n", "221\r\n"}, ""},
		{"lines without a carriage return", []string{"220 mail\n", "250 mail\n", "221 bye\n"}, ""},
		{"replies of several lines", []string{"220-mail.example.org\r\n220-no spam\r\n220 please\r\n", "250-mail\r\n250 hello\r\n", bye}, ""},
		{"whatever it says to the end", []string{greeting, hello, "500 what?\r\n"}, ""},
		{"a server that is busy", []string{"421 too many connections\r\n"}, `SMTP to ADDRESS: greeting is "421 too many connections", want 220`},
		{"a greeting that fails", []string{"554 no service\r\n"}, `greeting is "554 no service", want 220`},
		{"HELO refused", []string{greeting, "550 who are you?\r\n"}, `answer to HELO is "550 who are you?", want 250`},
		{"a code that goes on", []string{"2200 mail\r\n"}, `greeting is "2200 mail", want 220`},
		{"a web server", []string{"HTTP/1.1 400 Bad Request\r\n"}, `greeting is "HTTP/1.1 400 Bad Request", want 220`},
		{"terminal codes", []string{"\x1b[2J\r\n"}, `greeting is "?[2J", want 220`},
		{"close at once", []string{""}, "connection closed without greeting"},
		{"close after the greeting", []string{greeting, ""}, "connection closed without answer to HELO"},
		{"close instead of a last word", []string{greeting, hello, ""}, "connection closed without answer to QUIT"},
		{"half a line", []string{"220 mail"}, "connection closed without greeting"},
		{"a line that never ends", []string{"220 " + strings.Repeat("x", 1<<20)}, "greeting: longer than 8 KiB"},
		{"lines that never end", []string{strings.Repeat("220-mail\r\n", 1<<16)}, "greeting: longer than 8 KiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			probe, err := SMTP(SMTPSettings{Network: loopback, ConnectTimeout: patience})
			if err != nil {
				t.Fatal(err)
			}
			target, _ := mailServer(t, test.server[0], test.server[1:]...)
			wantError(t, probe(t.Context(), target).Err, strings.ReplaceAll(test.want, "ADDRESS", target.Address.String()))
		})
	}
}

func TestSMTPSaysHelloAndGoodbye(t *testing.T) {
	for name, want := range map[string]string{"": "smtpchecker.keepalived.org", "lb1.example.org": "lb1.example.org"} {
		probe, err := SMTP(SMTPSettings{Network: loopback, ConnectTimeout: patience, HeloName: name})
		if err != nil {
			t.Fatal(err)
		}
		target, heard := mailServer(t, "220 mail\r\n", "250 mail\r\n", "221 bye\r\n")
		wantError(t, probe(t.Context(), target).Err, "")
		var said []string
		for line := range heard {
			said = append(said, line)
		}
		if want := []string{"HELO " + want, "QUIT"}; !slices.Equal(said, want) {
			t.Errorf("says %q, want %q", said, want)
		}
	}
}

func TestSMTPSettingsOutOfRangeAreRefused(t *testing.T) {
	_, err := SMTP(SMTPSettings{})
	wantError(t, err, "no network")
	_, err = SMTP(SMTPSettings{Network: loopback, HeloName: "a\r\nDATA"})
	wantError(t, err, `HELO name "a\r\nDATA" has a space`)
}

// dialog is a connection in memory: a mail server that says all at once.
type dialog struct {
	io.Reader
	io.Writer
}

// What a mail server says is its choice: the reason fits a log line, and does not depend on how it comes in packets.
func FuzzSMTP(f *testing.F) {
	f.Add([]byte("220 mail\r\n250 mail\r\n221 bye\r\n"))
	f.Add([]byte("220-mail\r\n220 mail\r\n550 no\r\n"))
	f.Add([]byte("\x1b[2J\xff\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		p := &smtpProbe{SMTPSettings: SMTPSettings{HeloName: "lb1"}}
		whole := p.converse(dialog{bytes.NewReader(said), io.Discard})
		pieces := p.converse(dialog{iotest.OneByteReader(bytes.NewReader(said)), io.Discard})
		if text(whole) != text(pieces) {
			t.Errorf("in one piece %q, in several %q", text(whole), text(pieces))
		}
		if len(text(whole)) > 300 || strings.ContainsFunc(text(whole), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("reason %q does not fit a log line", text(whole))
		}
		if whole == nil && !bytes.Contains(said, []byte("250")) {
			t.Error("healthy without 250")
		}
	})
}

func TestTCPConnect(t *testing.T) {
	probe, err := TCPConnect(TCPSettings{Network: loopback, ConnectTimeout: brief})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, probe(t.Context(), serve(t, "tcp", "127.0.0.1:0", func(*net.TCPConn) {})).Err, "")
	wantError(t, probe(t.Context(), overfullServer(t)).Err, "no answer for 300ms")
	wantError(t, probe(t.Context(), closedPort(t)).Err, "connection refused")
	_, err = TCPConnect(TCPSettings{})
	wantError(t, err, "no network")
}
