package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// ProbePath is the way to one real server through whatever VIP is asked for. It is a value to keep: it follows what becomes
// of the interface and of the real server's id.
type ProbePath struct {
	space  *ProbeSpace
	ifname string
	server netip.Addr
}

// Path returns the way to a real server, by the interface that it is behind and its own address. Neither need be known yet
// to Follow: the path tells.
func (s *ProbeSpace) Path(ifname string, server netip.Addr) *ProbePath {
	return &ProbePath{s, ifname, server}
}

// probeWay is what a socket needs.
type probeWay struct {
	device string
	mark   uint32
	source netip.Addr
}

// Ready tells whether there is a way to the real server at a VIP; else the error says why not, and wraps [ErrNoProbePath].
func (p *ProbePath) Ready(vip netip.Addr) error {
	_, err := p.way(vip)
	return err
}

func (p *ProbePath) way(vip netip.Addr) (probeWay, error) {
	lan, err := p.space.lan(p.ifname)
	if err != nil {
		return probeWay{}, err
	}
	mark := lan.servers[p.server]
	if mark == 0 {
		return probeWay{}, fmt.Errorf("%w: %s has no id in the tables of the data plane", ErrNoProbePath, p.server)
	}
	source, found := sourceFor(lan.sources, p.server, vip)
	if !found {
		version := "IPv4"
		if vip.Is6() {
			version = "IPv6"
		}
		return probeWay{}, fmt.Errorf("%w: %s has no %s address but VIPs to ask from", ErrNoProbePath, p.ifname, version)
	}
	return probeWay{lan.device, mark, source}, nil
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

// DialContext connects to a VIP and a port, as that of [net.Dialer] does. The networks are "tcp", "udp" and "icmp". The
// error wraps [ErrNoProbePath] when there is no way.
//
// Of "icmp" the port means nothing. A write sends an ICMP or ICMPv6 message, which must be an echo request and whose checksum
// is filled in, and a read returns an answer to it, without IP header. On "udp" and "icmp" an ICMP error is the error of a
// later read.
func (p *ProbePath) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("probe %q: %w", address, err)
	}
	switch vip := to.Addr().Unmap(); network {
	case "tcp":
		fd, err := p.socket(kindFor(vip, unix.SOCK_STREAM), vip, 0)
		if err != nil {
			return nil, err
		}
		return connectTCP(ctx, fd, netip.AddrPortFrom(vip, to.Port()))
	case "udp":
		return p.dial(ctx, to, func() (int, error) { return p.socket(kindFor(vip, unix.SOCK_DGRAM), vip, 0) })
	case "icmp":
		conn, err := p.dial(ctx, to, func() (int, error) { return p.pingSocket(vip) })
		if err != nil {
			return nil, err
		}
		return &pingConn{Conn: conn}, nil
	default:
		return nil, fmt.Errorf("probe %s: network %q is none of tcp, udp and icmp", address, network)
	}
}

// dial has package net connect a socket for datagrams of the probe space. It makes one itself, and then asks Control what else to do with
// it: another one takes its place, before anything knows of it but its number.
func (p *ProbePath) dial(ctx context.Context, to netip.AddrPort, open func() (fd int, err error)) (net.Conn, error) {
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		fd, err := open()
		if err != nil {
			return err
		}
		var failed error
		err = c.Control(func(old uintptr) { failed = unix.Dup3(fd, int(old), unix.O_CLOEXEC) })
		if err = errors.Join(err, failed, unix.Close(fd)); err != nil {
			return fmt.Errorf("replace a socket: %w", err)
		}
		return nil
	}}
	return dialer.DialContext(ctx, "udp", to.String())
}

// socket opens a socket that sends to the real server from a port, or with an id of ICMP; from any for 0.
func (p *ProbePath) socket(kind socketKind, vip netip.Addr, port uint16) (int, error) {
	way, err := p.way(vip)
	if err != nil {
		return 0, err
	}
	fd, err := p.space.socket(kind)
	if err != nil {
		return 0, fmt.Errorf("open a socket for probes: %w", err)
	}
	if err := way.prepare(fd, port); err != nil {
		return 0, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// prepare has what a socket sends go the way.
func (w probeWay) prepare(fd int, port uint16) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(w.mark)); err != nil {
		return fmt.Errorf("mark a probe: %w", err)
	}
	if err := unix.BindToDevice(fd, w.device); err != nil {
		return fmt.Errorf("bind a probe to its interface: %w", err)
	}
	if port == 0 { // chosen when it connects, when the same one will do for another VIP
		if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return fmt.Errorf("share ports among probes: %w", err)
		}
	}
	source, err := sockaddrOf(netip.AddrPortFrom(w.source, port))
	if err != nil {
		return err
	}
	if err := unix.Bind(fd, source); err != nil {
		return fmt.Errorf("bind a probe to %s: %w", w.source, err)
	}
	return nil
}
