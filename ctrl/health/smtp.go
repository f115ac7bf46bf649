package health

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// SMTPSettings describe an SMTP_CHECK of one host. keepalived makes a checker of its own for each "host" block, with the
// host's address for its target. The zero value of every field but Network is its default.
type SMTPSettings struct {
	// Network opens the sockets.
	Network Network
	// ConnectTimeout bounds the connect, each write and each read (keepalived: connect_timeout). Default
	// DefaultConnectTimeout. The whole dialog may take 10 times as long, which keepalived does not bound.
	ConnectTimeout time.Duration
	// HeloName is whom the checker says to be (keepalived: helo_name). Default "smtpchecker.keepalived.org".
	HeloName string
}

// defaultHeloName is keepalived's.
const defaultHeloName = "smtpchecker.keepalived.org"

// mostReply bounds a reply of an SMTP server, in bytes. RFC 5321 (section 4.5.3.1.5) lets a line have 512.
const mostReply = 8 << 10

// smtpProbe is the probe of an SMTP_CHECK.
type smtpProbe struct {
	SMTPSettings
	limits limits
}

// SMTP returns the probe of an SMTP_CHECK: it wants the greeting 220, says HELO and wants 250, and takes any answer to
// QUIT. A reply may have several lines, as RFC 5321 allows; keepalived looks at the first. It returns an error if a
// setting is out of its range.
func SMTP(settings SMTPSettings) (Probe, error) {
	limits, err := limitsOf(settings.ConnectTimeout, 0)
	if err != nil {
		return nil, err
	}
	if settings.HeloName == "" {
		settings.HeloName = defaultHeloName
	}
	if settings.Network == nil {
		return nil, errNoNetwork
	}
	if !isWireWord(settings.HeloName) {
		return nil, fmt.Errorf("HELO name %q has a space or a control character", settings.HeloName)
	}
	p := &smtpProbe{settings, limits}
	return p.probe, nil
}

// probe is the [Probe].
func (p *smtpProbe) probe(ctx context.Context, target Target) Answer {
	conn, err := dial(ctx, p.Network, "tcp", target.Address, p.limits)
	if err != nil {
		return failed(err)
	}
	defer conn.Close()
	if err := p.converse(conn); err != nil {
		return failed(fmt.Errorf("SMTP to %v: %w", target.Address, err))
	}
	return Answer{}
}

// converse has the dialog with the server.
func (p *smtpProbe) converse(conn io.ReadWriter) error {
	replies := bufio.NewReader(conn)
	if err := expect(replies, "greeting", "220"); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "HELO "+p.HeloName+"\r\n"); err != nil {
		return err
	}
	if err := expect(replies, "answer to HELO", "250"); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "QUIT\r\n"); err != nil {
		return err
	}
	return expect(replies, "answer to QUIT", "")
}

// expect reads a reply and wants its code; empty takes any.
func expect(replies *bufio.Reader, what, code string) error {
	reply, err := readReply(replies)
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("connection closed without %s", what)
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case code != "" && !hasCode(reply, code):
		return fmt.Errorf("%s is %q, want %s", what, forLog(reply), code)
	}
	return nil
}

// hasCode says whether a line has the code, and nothing else before its text.
func hasCode(line, code string) bool {
	text, has := strings.CutPrefix(line, code)
	return has && (text == "" || text[0] == ' ' || text[0] == '-')
}

// readReply reads the lines of a reply, whose last has no hyphen behind the code, and returns the first.
func readReply(replies *bufio.Reader) (first string, err error) {
	const codeLength = 3
	for left := mostReply; left > 0; {
		line, err := readLine(replies, left)
		if err != nil {
			return "", err
		}
		left -= len(line)
		line = strings.TrimRight(line, "\r\n")
		if first == "" {
			first = line
		}
		if len(line) <= codeLength || line[codeLength] != '-' {
			return first, nil
		}
	}
	return "", errLongReply
}

var errLongReply = fmt.Errorf("longer than %d KiB", mostReply>>10)

// readLine reads a line of so many bytes at most, with its end.
func readLine(from *bufio.Reader, most int) (string, error) {
	var line []byte
	for {
		piece, err := from.ReadSlice('\n')
		line = append(line, piece...)
		switch {
		case len(line) > most:
			return "", errLongReply
		case !errors.Is(err, bufio.ErrBufferFull):
			return string(line), err
		}
	}
}
