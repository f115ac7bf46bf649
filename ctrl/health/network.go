package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// Network opens the sockets of probes: the host's own, from where and marked as the check is configured, or those of the
// way through the virtual IP. [net.Dialer] is one.
type Network interface {
	// DialContext connects to an address and port. The networks are "tcp", "udp" and "icmp". Of "icmp" the port means
	// nothing, a write sends an ICMP or ICMPv6 message to the address, and a read returns one that came from it, or that
	// the kernel heard from it, without the IP header. Where the address is IPv4 the message has its checksum; an
	// ICMPv6 message is sent without and the Network sees to it.
	//
	// On "udp" and "icmp", an ICMP error that the kernel heard in answer to a write is the error of a later read.
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Defaults of the times that bound a check.
const (
	// DefaultConnectTimeout is keepalived's default of connect_timeout.
	DefaultConnectTimeout = 5 * time.Second
	// maxTimeFactor times the time of a step is the most that a check of many steps can take: room for a slow server, not
	// for an endless one.
	maxTimeFactor = 10
)

// errNoNetwork refuses settings.
var errNoNetwork = errors.New("check has no network to ask through")

// errSilent is why a check ends that waited for the time of a step.
var errSilent = errors.New("no answer")

// errMaxTime is why a check ends that goes on and on.
var errMaxTime = errors.New("check took too long")

// limits are the times that bound a check.
type limits struct {
	step  time.Duration // the connect, a write, a read (keepalived: connect_timeout)
	whole time.Duration // all of it
}

// limitsOf fills in the defaults. It returns an error if a time is negative.
func limitsOf(step, whole time.Duration) (limits, error) {
	if step < 0 {
		return limits{}, fmt.Errorf("connect timeout %v is negative", step)
	}
	if whole < 0 {
		return limits{}, fmt.Errorf("maximum time %v is negative", whole)
	}
	if step == 0 {
		step = DefaultConnectTimeout
	}
	if whole == 0 {
		whole = maxTimeFactor * step
	}
	return limits{step, whole}, nil
}

// conn is a connection of one check. Each write and each read has the time of a step, as in keepalived: a slow answer may
// take long, a silent one may not. All together have the time of the whole.
type conn struct {
	net.Conn
	ctx    context.Context
	limits limits
	end    time.Time // of the whole
	stop   func() bool
	heard  bool // the other side has said something
	ended  bool // the other side has said that it sends no more
}

// dial connects to the real server within the time of a step.
func dial(ctx context.Context, n Network, network string, to netip.AddrPort, l limits) (*conn, error) {
	now := time.Now()
	c := &conn{ctx: ctx, limits: l, end: now.Add(l.whole)}
	dialing, cancel := context.WithTimeout(ctx, l.step)
	defer cancel()
	opened, err := n.DialContext(dialing, network, to.String())
	if err != nil {
		return nil, fmt.Errorf("connect %v: %w", to, notAsked(c.inPlainWords(err)))
	}
	c.Conn = opened
	// Closing is what ends a read that waits: a deadline could be overwritten by the next read's.
	c.stop = context.AfterFunc(ctx, func() { opened.Close() })
	return c, nil
}

func (c *conn) Close() error {
	c.stop()
	return c.Conn.Close()
}

func (c *conn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(c.deadline()); err != nil {
		return 0, c.inPlainWords(err)
	}
	n, err := c.Conn.Read(p)
	c.heard = c.heard || n > 0
	c.ended = c.ended || errors.Is(err, io.EOF)
	return n, c.inPlainWords(err)
}

func (c *conn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(c.deadline()); err != nil {
		return 0, c.inPlainWords(err)
	}
	n, err := c.Conn.Write(p)
	return n, c.inPlainWords(err)
}

// deadline is that of a step that begins now.
func (c *conn) deadline() time.Time {
	step := time.Now().Add(c.limits.step)
	if step.After(c.end) {
		return c.end
	}
	return step
}

// inPlainWords puts a failure of the connection into the words that an operator wants to read: without the addresses and
// call names that package net adds, and with the time that was waited. It leaves io.EOF and nil alone.
func (c *conn) inPlainWords(err error) error {
	switch {
	case err == nil:
		return nil
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case errors.Is(err, io.EOF):
		return err
	}
	var errno syscall.Errno
	var waited net.Error
	switch {
	case errors.As(err, &errno):
		return errno
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &waited) && waited.Timeout():
		if c.limits.whole != c.limits.step && !time.Now().Before(c.end) {
			return fmt.Errorf("%w: not done after %v", errMaxTime, c.limits.whole)
		}
		return fmt.Errorf("%w for %v", errSilent, c.limits.step)
	}
	return err
}

// refusals are the errors of a connect that come from the network or the real server. As in keepalived every other one is
// this host's own.
var refusals = []syscall.Errno{
	syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.ETIMEDOUT,
	syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EHOSTDOWN, syscall.ENETDOWN,
	// What the kernel makes of rarer ICMP errors, such as "administratively prohibited" of IPv6.
	syscall.EACCES, syscall.EPROTO, syscall.ENOPROTOOPT, syscall.ENONET, syscall.EOPNOTSUPP,
}

// notAsked marks an error of a connect that says nothing of the real server.
func notAsked(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) && !slices.Contains(refusals, errno) {
		return fmt.Errorf("%w: %w", ErrNotAsked, err)
	}
	return err
}
