package health

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
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
}

// judge reads an answer to its end and returns nil if it is as expected.
func (e expectation) judge(answer io.Reader) error {
	limited := &io.LimitedReader{R: answer, N: maxHeader}
	reader := bufio.NewReader(limited)
	header, err := readHeader(reader)
	if errors.Is(err, io.EOF) {
		return endError(header, limited.N <= 0)
	} else if err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(header)), nil)
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
	const room = 100
	text = strings.TrimSpace(text)
	if len(text) > room {
		text = text[:room] + "..."
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
	return fmt.Errorf("not an HTTP answer: %s", text)
}

// checkBody reads until the server closes and compares the digest, if one is wanted. The digest covers the announced
// length, or all if that is negative (unknown).
func (e expectation) checkBody(body io.Reader, announced int64) error {
	if len(e.digest) == 0 {
		return e.drain(body, 0)
	}
	if announced < 0 {
		announced = e.maxBody
	}
	hash := md5.New()
	size, err := io.CopyN(hash, body, announced)
	// A body that is shorter than announced is judged by its digest, as keepalived does.
	if err != nil && !errors.Is(err, io.EOF) {
		return bodyError(size, err)
	}
	if err := e.drain(body, size); err != nil {
		return err
	}
	if digest := hash.Sum(nil); !bytes.Equal(digest, e.digest) {
		return fmt.Errorf("body has digest %x, want %x", digest, e.digest)
	}
	return nil
}

// drain reads the rest of a body of which size bytes have been read.
func (e expectation) drain(body io.Reader, size int64) error {
	rest, err := io.Copy(io.Discard, body)
	size += rest
	if err != nil {
		return bodyError(size, err)
	}
	if size > e.maxBody {
		return fmt.Errorf("body is larger than %d bytes", e.maxBody)
	}
	return nil
}

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
