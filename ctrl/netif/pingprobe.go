package netif

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"
)

// probeEcho is set in the sequence numbers of all pings through a VIP: by it the data plane tells their answers from those
// to a ping of this host's own (PROBE_ECHO in bpf/parseany.h).
const probeEcho = 0x8000

// pingAttempts is how many ids are tried for one that is not in use.
const pingAttempts = 64

// pingSocket opens a socket of ICMP (Linux's ping socket), which has an id of its own.
func (p *ProbePath) pingSocket(vip netip.Addr) (fd int, err error) {
	kind := kindFor(vip, unix.SOCK_DGRAM)
	kind.protocol = unix.IPPROTO_ICMP
	if vip.Is6() {
		kind.protocol = unix.IPPROTO_ICMPV6
	}
	for range pingAttempts {
		fd, err = p.socket(kind, vip, p.space.nextPing())
		if !errors.Is(err, unix.EADDRINUSE) {
			break
		}
	}
	return fd, err
}

// nextPing is the next id to try.
func (s *ProbeSpace) nextPing() uint16 {
	return s.ports.First + uint16(s.lastPing.Add(1)%uint32(s.ports.size()))
}

// pingConn is a ping socket whose user has ids and sequence numbers of its own.
type pingConn struct {
	net.Conn
	mu   sync.Mutex
	sent [4]byte // id and sequence number of the last echo request, as its sender has them
}

// Offsets into a message of ICMP or ICMPv6 (RFC 792, RFC 4443).
const (
	atEchoID       = 4
	atEchoSequence = 6
	echoHeader     = 8
)

// Write sends an echo request.
func (c *pingConn) Write(message []byte) (int, error) {
	if len(message) < echoHeader {
		return 0, unix.EINVAL
	}
	c.mu.Lock()
	copy(c.sent[:], message[atEchoID:])
	c.mu.Unlock()
	request := append([]byte(nil), message...)
	request[atEchoSequence] |= probeEcho >> 8
	return c.Conn.Write(request)
}

// Read returns the next answer to the last echo request.
func (c *pingConn) Read(message []byte) (int, error) {
	n, err := c.Conn.Read(message)
	if err != nil || n < echoHeader {
		return n, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	sequence := binary.BigEndian.Uint16(c.sent[2:]) | probeEcho
	if binary.BigEndian.Uint16(message[atEchoSequence:]) == sequence {
		copy(message[atEchoID:], c.sent[:])
	}
	return n, nil
}
