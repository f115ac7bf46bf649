package health

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// maxHeader bounds an answer's status line and header, in bytes. keepalived gives up at 4 KiB.
const maxHeader = 64 << 10

// What can be wrong with an answer that ends before its header does.
var (
	errNoAnswer  = errors.New("connection closed without an answer")
	errCutHeader = errors.New("connection closed inside the header")
	errBigHeader = fmt.Errorf("header is larger than %d KiB", maxHeader>>10)
)

// expectation is what an answer must be for the real server to count as healthy.
type expectation struct {
	statusCodes []StatusRange
	digest      []byte // MD5 of the body, or empty
	maxBody     int64
	search      *search // or nil
}

// judge reads an answer to its end and returns nil if it is as expected.
func (e expectation) judge(answer io.Reader) error {
	limited := &io.LimitedReader{R: answer, N: maxHeader}
	reader, done := borrowReader(limited)
	defer done()
	header, err := readHeader(reader)
	if errors.Is(err, io.EOF) {
		return endError(header, limited.N <= 0)
	} else if err != nil {
		return err
	}
	parser, parsed := borrowReader(bytes.NewReader(header))
	response, err := http.ReadResponse(parser, nil)
	parsed()
	if err != nil {
		return notHTTP(err.Error())
	}
	// The body is read raw, past response.Body, because that is what keepalived digests. One byte above the limit tells
	// a body that is too large from one that just fits.
	limited.N = e.maxBody + 1
	bodyErr := e.checkBody(reader, response.ContentLength)
	if !e.accepts(response.StatusCode) {
		// The status explains more than what is wrong with the body of an error page.
		return fmt.Errorf("status %d, want %s", response.StatusCode, e.wantedCodes())
	}
	return bodyErr
}

// readers keeps buffers from one check to the next: they are most of what a check needs for itself.
var readers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}

// borrowReader returns a buffered reader, until it is given back.
func borrowReader(from io.Reader) (reader *bufio.Reader, giveBack func()) {
	reader = readers.Get().(*bufio.Reader)
	reader.Reset(from)
	return reader, func() {
		reader.Reset(nil) // what it has read from is not kept
		readers.Put(reader)
	}
}

// readHeader reads up to and including the empty line, or as far as it can. It gives up after a first line that is not
// HTTP, since a server of another protocol may then wait for ever.
func readHeader(answer *bufio.Reader) (header []byte, err error) {
	for {
		line, err := answer.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if len(header) == 0 && len(line) > 0 && !bytes.HasPrefix(line, []byte("HTTP/")) {
			return nil, notHTTP(string(line))
		}
		header = append(header, line...)
		if err != nil || string(line) == "\r\n" || string(line) == "\n" {
			return header, err
		}
	}
}

// endError says what is wrong with an answer that ended before its header did. full tells that the limit ended it and
// not the server.
func endError(header []byte, full bool) error {
	switch {
	case full:
		return errBigHeader
	case len(header) == 0:
		return errNoAnswer
	}
	return errCutHeader
}

// notHTTP returns an error that quotes part of an answer, or net/http's complaint that quotes it. The text comes from
// the server, so it is made fit for a log line.
func notHTTP(text string) error {
	return fmt.Errorf("not an HTTP answer: %s", forLog(text))
}

// forLog makes a server's text fit for a log line.
func forLog(text string) string {
	const room = 100
	text = strings.TrimSpace(text)
	if len(text) > room {
		text = text[:room] + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
}

// checkBody reads until the server closes and compares the digest and looks for the match, if they are wanted. The digest
// covers the announced length, or all if that is negative (unknown).
func (e expectation) checkBody(body io.Reader, announced int64) error {
	counted := &counter{from: body}
	stream := io.Reader(counted)
	var digest *digester
	if len(e.digest) > 0 {
		digest = newDigest(announced)
		stream = io.TeeReader(counted, digest)
	}
	found := e.search.in(stream)
	// A match may be found before the end, and what follows has to be read and digested all the same.
	_, err := io.Copy(io.Discard, stream)
	switch {
	case counted.err != nil:
		return bodyError(counted.bytes, counted.err)
	case err != nil:
		return bodyError(counted.bytes, err)
	case counted.bytes > e.maxBody:
		return fmt.Errorf("body is larger than %d bytes", e.maxBody)
	case digest != nil && !bytes.Equal(digest.sum(), e.digest):
		// A body that is shorter than announced is judged by its digest, as keepalived does.
		return fmt.Errorf("body has digest %x, want %x", digest.sum(), e.digest)
	}
	return e.search.verdict(found)
}

// counter counts what is read and remembers why that ended, for a search takes every error for the end.
type counter struct {
	from  io.Reader
	bytes int64
	err   error // other than io.EOF
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// digester is the MD5 sum of the first bytes that are written to it.
type digester struct {
	hash.Hash
	left int64
}

// newDigest returns a digester of so many bytes, or of all if that is negative.
func newDigest(length int64) *digester {
	if length < 0 {
		length = largestMaxBody
	}
	return &digester{md5.New(), length}
}

func (d *digester) Write(p []byte) (int, error) {
	covered := p[:min(int64(len(p)), d.left)]
	d.left -= int64(len(covered))
	if _, err := d.Hash.Write(covered); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (d *digester) sum() []byte { return d.Sum(nil) }

func bodyError(size int64, err error) error {
	return fmt.Errorf("after %d bytes of body: %w", size, err)
}

func (e expectation) accepts(status int) bool {
	for _, codes := range e.statusCodes {
		if codes.First <= status && status <= codes.Last {
			return true
		}
	}
	return false
}

func (e expectation) wantedCodes() string {
	words := make([]string, len(e.statusCodes))
	for i, codes := range e.statusCodes {
		words[i] = codes.String()
	}
	return strings.Join(words, " ")
}
