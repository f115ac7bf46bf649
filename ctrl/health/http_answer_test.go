package health

import (
	"bytes"
	"crypto/md5"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
)

func digestOf(body string) []byte {
	sum := md5.Sum([]byte(body))
	return sum[:]
}

func TestAnswers(t *testing.T) {
	const ok = "HTTP/1.0 200 OK\r\n"
	normal := expectation{statusCodes: []StatusRange{{200, 299}}, maxBody: 100}
	only := func(codes ...StatusRange) expectation { return expectation{statusCodes: codes, maxBody: 100} }
	digest := func(body string) expectation {
		return expectation{statusCodes: []StatusRange{{200, 299}}, digest: digestOf(body), maxBody: 100}
	}
	tests := []struct {
		name   string
		want   expectation
		answer string
		reason string // empty: healthy
	}{
		{"200 with a body to the end", normal, ok + "\r\nhello", ""},
		{"200 without a body", normal, ok + "\r\n", ""},
		{"204 without a body", normal, "HTTP/1.0 204 No Content\r\n\r\n", ""},
		{"a status line without a phrase", normal, "HTTP/1.0 200\r\n\r\n", ""},
		{"lines that end without a carriage return", normal, "HTTP/1.0 200 OK\n\nhello", ""},
		{"an answer of HTTP/1.1 in chunks", normal, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ""},
		{"a body shorter than announced, as in keepalived", normal, ok + "Content-Length: 50\r\n\r\nhello", ""},
		{"a body longer than announced, as in keepalived", normal, ok + "Content-Length: 1\r\n\r\nhello", ""},

		{"the first status of a range", only(StatusRange{404, 410}), "HTTP/1.0 404 Not Found\r\n\r\n", ""},
		{"the last status of a range", only(StatusRange{404, 410}), "HTTP/1.0 410 Gone\r\n\r\n", ""},
		{"a status of the second range", only(StatusRange{200, 200}, StatusRange{503, 503}), "HTTP/1.0 503 Busy\r\n\r\n", ""},
		{"a status outside all ranges", only(StatusRange{200, 200}, StatusRange{404, 410}), "HTTP/1.0 201 Made\r\n\r\n",
			"status 201, want 200 404-410"},
		{"an interim answer is not the answer", normal, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "status 100, want 200-299"},
		{"a wrong status goes before a body that is too large", normal, "HTTP/1.0 500 Oops\r\n\r\n" + strings.Repeat("x", 200), "status 500, want 200-299"},

		{"the digest of a body to the end", digest("hello"), ok + "\r\nhello", ""},
		{"the digest of an empty body", digest(""), ok + "\r\n", ""},
		{"the digest ends with the announced length", digest("hel"), ok + "Content-Length: 3\r\n\r\nhello", ""},
		{"the digest of a shorter body is that of what came", digest("hello"), ok + "Content-Length: 50\r\n\r\nhello", ""},
		{"the digest covers chunks as they come", digest("5\r\nhello\r\n0\r\n\r\n"),
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ""},
		{"another digest", digest("hello"), ok + "\r\nHello",
			"body has digest 8b1a9953c4611296a827abf8c47804d7, want 5d41402abc4b2a76b9719d911017c592"},

		{"a body of just the allowed size", normal, ok + "\r\n" + strings.Repeat("x", 100), ""},
		{"a body of one byte more", normal, ok + "\r\n" + strings.Repeat("x", 101), "body is larger than 100 bytes"},
		{"a body of far more than is buffered", normal, ok + "\r\n" + strings.Repeat("x", 100_000), "body is larger than 100 bytes"},
		{"an announced body of more", normal, ok + "Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000), "body is larger than 100 bytes"},
		{"a body of more than the digest needs", digest("x"), ok + "Content-Length: 1\r\n\r\n" + strings.Repeat("x", 101), "body is larger than 100 bytes"},
		{"a digested body of just the allowed size", digest(strings.Repeat("x", 100)), ok + "\r\n" + strings.Repeat("x", 100), ""},
		{"a digested body of one byte more", digest(strings.Repeat("x", 100)), ok + "\r\n" + strings.Repeat("x", 101), "body is larger than 100 bytes"},

		{"nothing", normal, "", "connection closed without an answer"},
		{"half a protocol name", normal, "HTT", "not an HTTP answer: HTT"},
		{"half a status line", normal, "HTTP/1.0 20", "connection closed inside the header"},
		{"a header without its end", normal, ok + "Server: nginx\r\n", "connection closed inside the header"},
		{"a header of 60 KiB", normal, ok + "X: " + strings.Repeat("x", 60<<10) + "\r\n\r\n", ""},
		{"a header of 64 KiB", normal, ok + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "header is larger than 64 KiB"},
		{"a status line without an end", normal, "HTTP/1.0 200 " + strings.Repeat("x", 100_000), "header is larger than 64 KiB"},
		{"a header that never ends", normal, ok + strings.Repeat("X: y\r\n", 20_000), "header is larger than 64 KiB"},
		{"another protocol", normal, "220 mail.example.org ESMTP\r\n", "not an HTTP answer: 220 mail.example.org ESMTP"},
		{"another protocol with terminal codes", normal, "\x1b[2Jhello\r\n", "not an HTTP answer: ?[2Jhello"},
		{"a status that is no number", normal, "HTTP/1.0 abc OK\r\n\r\n", "not an HTTP answer: malformed HTTP status code"},
		{"a header line without a colon", normal, ok + "nonsense\r\n\r\n", "not an HTTP answer: malformed MIME header"},
		{"a length that is no number", normal, ok + "Content-Length: x\r\n\r\n", "not an HTTP answer: bad Content-Length"},
		{"another protocol in bytes that are no text", normal, "\xff\xfe\x00hello\r\n", "not an HTTP answer: ???hello"},
		{"a long line of another protocol is cut", normal, strings.Repeat("x", 1000) + "\r\n\r\n", "xxx..."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, test.want.judge(strings.NewReader(test.answer)), test.reason)
			wantError(t, test.want.judge(iotest.OneByteReader(strings.NewReader(test.answer))), test.reason)
		})
	}
}

// An answer's bytes are the server's choice: whatever they are, there is one verdict, it does not depend on how they
// are cut into packets, and its text fits a log line.
func FuzzHTTPAnswer(f *testing.F) {
	for _, answer := range []string{
		"", "HTTP/1.0 200 OK\r\n\r\nhello", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200\n\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhello",
		"HTTP/1.0 503 Busy\r\n\r\n", "HTTP/1.0 200 OK\r\nbad\x00\x1b[2J\r\n\r\n", "220 mail.example.org ESMTP\r\n",
	} {
		f.Add([]byte(answer), uint16(3), false)
		f.Add([]byte(answer), uint16(1000), true)
	}
	f.Fuzz(func(t *testing.T, answer []byte, maxBody uint16, digested bool) {
		want := expectation{statusCodes: []StatusRange{{200, 299}}, maxBody: int64(maxBody)}
		if digested {
			want.digest = digestOf("hello")
		}
		whole := want.judge(bytes.NewReader(answer))
		pieces := want.judge(iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(answer))))
		if text(whole) != text(pieces) {
			t.Errorf("in one piece %q, in several %q", text(whole), text(pieces))
		}
		if len(text(whole)) > 200 || strings.ContainsFunc(text(whole), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("reason %q does not fit a log line", text(whole))
		}
		if whole == nil && digested && !bytes.Contains(answer, []byte("hello")) {
			t.Error("healthy without the digested body")
		}
	})
}

func text(err error) string {
	if err == nil {
		return "healthy"
	}
	return err.Error()
}

func TestAReadErrorIsNotTakenForAnEnd(t *testing.T) {
	for _, answer := range []string{"", "HT", "HTTP/1.0 2", "HTTP/1.0 200 OK\r\n", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhel"} {
		for _, digest := range [][]byte{nil, digestOf("hel")} {
			want := expectation{statusCodes: []StatusRange{{200, 299}}, digest: digest, maxBody: 100}
			reader := io.MultiReader(strings.NewReader(answer), iotest.ErrReader(io.ErrNoProgress))
			wantError(t, want.judge(reader), io.ErrNoProgress.Error())
		}
	}
}
