package health

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
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
	reader := answerReaders.Get().(*answerReader)
	defer reader.giveBack()
	reader.from(answer)
	response, err := reader.readHeader()
	if err != nil {
		return err
	}
	// The body is read raw, past response.Body, because that is what keepalived digests. One byte above the limit tells
	// a body that is too large from one that just fits.
	reader.limited.N = e.maxBody + 1
	bodyErr := e.checkBody(&reader.answer, response.ContentLength)
	if !e.accepts(response.StatusCode) {
		// The status explains more than what is wrong with the body of an error page.
		return fmt.Errorf("status %d, want %s", response.StatusCode, e.wantedCodes())
	}
	return bodyErr
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
