package health

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
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

// answerReader reads answers, one after another. Its buffers are most of the memory that a check needs for itself, so they
// are kept from one check to the next.
type answerReader struct {
	limited io.LimitedReader
	answer  bufio.Reader // of limited
	header  []byte

	unparsed bytes.Reader // of header
	parser   bufio.Reader // of unparsed
}

var answerReaders = sync.Pool{New: func() any { return new(answerReader) }}

// from begins with an answer, of which it reads no more than a header may have.
func (r *answerReader) from(answer io.Reader) {
	r.limited = io.LimitedReader{R: answer, N: maxHeader}
	r.answer.Reset(&r.limited)
	r.header = r.header[:0]
}

func (r *answerReader) giveBack() {
	r.limited.R = nil // the connection is not kept
	answerReaders.Put(r)
}

// readHeader reads and parses the header.
func (r *answerReader) readHeader() (*http.Response, error) {
	switch err := r.readLines(); {
	case errors.Is(err, io.EOF):
		return nil, endError(r.header, r.limited.N <= 0)
	case err != nil:
		return nil, err
	}
	r.unparsed.Reset(r.header)
	r.parser.Reset(&r.unparsed)
	response, err := http.ReadResponse(&r.parser, nil)
	if err != nil {
		return nil, notHTTP(err.Error())
	}
	return response, nil
}

// readLines reads up to and including the empty line, or as far as it can. It gives up after a first line that is not
// HTTP, since a server of another protocol may then wait for ever.
func (r *answerReader) readLines() error {
	line := 0 // where the last one begins
	for {
		piece, err := r.answer.ReadSlice('\n')
		r.header = append(r.header, piece...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull): // a long line comes in pieces
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return err
		case line == 0 && len(r.header) > 0 && !bytes.HasPrefix(r.header, []byte("HTTP/")):
			return notHTTP(string(r.header))
		}
		if last := r.header[line:]; err != nil || string(last) == "\r\n" || string(last) == "\n" {
			return err
		}
		line = len(r.header)
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
