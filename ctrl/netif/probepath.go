package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ProbeTarget is a real server to be reached through a VIP.
type ProbeTarget struct {
	Interface string     // that it is behind: one of those that [ProbeSpace.Follow] was told of
	Server    netip.Addr // its own address, which tells in whose name to ask: that of this host on the same network
	// Mark is its id in the tables of the data plane (dataplane.RealID), of 24 bits and not zero.
	Mark uint32
}

// ProbePath makes sockets that reach one real server at whatever VIP they connect to. It is a value to keep: it follows
// what becomes of the interface.
//
// Control serves as Control of a [net.Dialer], and so for all that takes one: HTTP, TLS, SMTP, DNS. Settings of a check's
// own that Control might have made, as a mark or an interface to bind to, have no meaning here, nor has LocalAddr.
type ProbePath struct {
	space *ProbeSpace
	to    ProbeTarget
}

// Path returns the way to a real server. It may be asked for before Follow has heard of the interface.
func (s *ProbeSpace) Path(to ProbeTarget) *ProbePath { return &ProbePath{space: s, to: to} }

// Ready tells whether there is a way to the real server at an address of the VIP's IP version; else the error says why
// not, and wraps [ErrNoProbePath].
func (p *ProbePath) Ready(vip netip.Addr) error {
	_, _, err := p.way(vip)
	return err
}

// way finds the macvlan and the source address.
func (p *ProbePath) way(vip netip.Addr) (device string, source netip.Addr, err error) {
	if p.to.Mark == 0 || p.to.Mark >= 1<<24 {
		return "", source, fmt.Errorf("%w: the real server has no id", ErrNoProbePath)
	}
	lan, err := p.space.lan(p.to.Interface)
	if err != nil {
		return "", source, err
	}
	source, found := sourceFor(lan.sources, p.to.Server, vip)
	if !found {
		version := "IPv4"
		if vip.Is6() {
			version = "IPv6"
		}
		return "", source, fmt.Errorf("%w: %s has no %s address but VIPs to ask from", ErrNoProbePath, p.to.Interface, version)
	}
	return lan.device, source, nil
}

// sourceFor chooses an address of the VIP's IP version, one on the real server's network if there is one.
func sourceFor(sources []netip.Prefix, server, vip netip.Addr) (source netip.Addr, found bool) {
	for _, s := range sources {
		switch {
		case s.Addr().Is4() != vip.Unmap().Is4(), s.Addr().IsLinkLocalUnicast() != vip.IsLinkLocalUnicast():
			continue
		case s.Contains(server):
			return s.Addr(), true
		case !found:
			source, found = s.Addr(), true
		}
	}
	return source, found
}

// Control puts a socket of the probe space in the place of the one that package net has just made. It is a Control of
// [net.Dialer] and [net.ListenConfig]; network is "tcp4", "tcp6", "udp4" or "udp6", address that of the VIP and its port. The
// error wraps [ErrNoProbePath] when there is no way.
func (p *ProbePath) Control(network, address string, c syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("probe %q: %w", address, err)
	}
	kind := unix.SOCK_STREAM
	if strings.HasPrefix(network, "udp") {
		kind = unix.SOCK_DGRAM
	}
	return p.replace(c, to.Addr(), kind, 0, 0)
}

// replace opens a socket that sends from a port, or from any for port 0, and has it take the place of another.
func (p *ProbePath) replace(c syscall.RawConn, vip netip.Addr, kind, protocol int, port uint16) error {
	device, source, err := p.way(vip)
	if err != nil {
		return err
	}
	domain := unix.AF_INET
	if vip.Is6() {
		domain = unix.AF_INET6
	}
	fd, err := p.space.socket(domain, kind, protocol)
	if err != nil {
		return fmt.Errorf("open a socket for probes: %w", err)
	}
	defer unix.Close(fd) // only the number that package net knows stays
	if err := prepareProbe(fd, device, p.to.Mark, netip.AddrPortFrom(source, port)); err != nil {
		return err
	}
	var failed error
	err = c.Control(func(old uintptr) { failed = unix.Dup3(fd, int(old), unix.O_CLOEXEC) })
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("replace a socket: %w", err)
	}
	return nil
}

// prepareProbe makes a socket leave by a device with a mark.
func prepareProbe(fd int, device string, mark uint32, from netip.AddrPort) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(mark)); err != nil {
		return fmt.Errorf("mark a probe: %w", err)
	}
	if err := unix.BindToDevice(fd, device); err != nil {
		return fmt.Errorf("bind a probe to its interface: %w", err)
	}
	if from.Port() == 0 { // chosen when it connects, when the same will do for another VIP
		if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return fmt.Errorf("share ports among probes: %w", err)
		}
	}
	if err := unix.Bind(fd, sockaddrOf(from)); err != nil {
		return fmt.Errorf("bind a probe to %s: %w", from, err)
	}
	return nil
}

func sockaddrOf(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

// ProbeEcho is set in the sequence numbers of all pings through a VIP: by it the data plane tells their answers from those
// to a ping of this host's own.
const ProbeEcho = 0x8000

// pingAttempts is how many ids are tried for one that is not in use.
const pingAttempts = 64

// DialPing opens a socket that sends ICMP echo requests to a VIP at the real server, and receives the answers to them and
// nothing else. A message begins with the header of ICMP or ICMPv6; the kernel fills in id and checksum. The sequence
// number must have [ProbeEcho] set, or there will be no answer.
func (p *ProbePath) DialPing(ctx context.Context, vip netip.Addr) (net.Conn, error) {
	vip = vip.Unmap()
	network, protocol := "udp4", unix.IPPROTO_ICMP
	if vip.Is6() {
		network, protocol = "udp6", unix.IPPROTO_ICMPV6
	}
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		for range pingAttempts {
			err = p.replace(c, vip, unix.SOCK_DGRAM, protocol, p.space.nextPing())
			if !errors.Is(err, unix.EADDRINUSE) {
				break
			}
		}
		return err
	}}
	return dialer.DialContext(ctx, network, netip.AddrPortFrom(vip, 0).String())
}

// nextPing is the next id of ICMP to try.
func (s *ProbeSpace) nextPing() uint16 {
	return s.ports.First + uint16(s.lastPing.Add(1)%uint32(s.ports.size()))
}
