package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// HostDialer opens the sockets of health checks that go by the host's own routes. Two that are equal do the same. The zero
// value leaves all to the kernel.
type HostDialer struct {
	// From is the source address (keepalived: bindto) and the source port (bind_port). The zero value of each is the
	// kernel's choice. A TCP connection from a port is closed with a reset, so that the port can be used again at once.
	From netip.AddrPort
	// Interface is the only one to send and to receive by (keepalived: bind_if). Empty is any.
	Interface string
	// Mark is put on every packet (keepalived: fwmark). 0 is none. It wants CAP_NET_ADMIN.
	Mark uint32
}

// DialContext connects to an address and port by "tcp" or "udp", or to an address by "icmp", for which the port means
// nothing. A read of an "icmp" connection returns an ICMP or ICMPv6 message that came from the address, without the IP
// header; it wants CAP_NET_RAW. On "udp" and "icmp" a later read returns the ICMP errors that come in answer to a write.
//
// An error of the kernel is in the error as a [syscall.Errno].
func (d HostDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	switch network {
	case "tcp":
		return d.dialTCP(ctx, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
	case "udp":
		return d.dialUDP(ctx, address)
	case "icmp":
		return d.dialICMP(ctx, to.Addr())
	default:
		return nil, fmt.Errorf("connect %s: no network %q", address, network)
	}
}

func (d HostDialer) dialTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	fd, err := kindFor(to.Addr(), unix.SOCK_STREAM).open()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := errors.Join(d.prepare(fd, "tcp"), d.bind(fd, to.Addr())); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return connectTCP(ctx, fd, to)
}

// bind gives a socket the source address and port, which are of the same family as where it connects to.
func (d HostDialer) bind(fd int, to netip.Addr) error {
	if d.From == (netip.AddrPort{}) {
		return nil
	}
	from := d.From.Addr().Unmap()
	switch {
	case from.IsValid():
	case to.Is4():
		from = netip.IPv4Unspecified()
	default:
		from = netip.IPv6Unspecified()
	}
	if d.From.Port() != 0 {
		// Closed first by this side the port would be taken for a minute, and no check be made. A reset leaves it free.
		if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	address, err := sockaddrOf(netip.AddrPortFrom(from, d.From.Port()))
	if err != nil {
		return err
	}
	return os.NewSyscallError("bind", unix.Bind(fd, address))
}

func (d HostDialer) dialUDP(ctx context.Context, address string) (net.Conn, error) {
	dialer := net.Dialer{Control: d.control}
	if d.From != (netip.AddrPort{}) {
		dialer.LocalAddr = &net.UDPAddr{IP: d.From.Addr().AsSlice(), Port: int(d.From.Port()), Zone: d.From.Addr().Zone()}
	}
	return dialer.DialContext(ctx, "udp", address)
}

// dialICMP opens a raw socket. The kernel's ping sockets would do without CAP_NET_RAW, but they are closed to root, too,
// unless net.ipv4.ping_group_range is changed, as keepalived does.
func (d HostDialer) dialICMP(ctx context.Context, to netip.Addr) (net.Conn, error) {
	dialer := net.Dialer{Control: d.control}
	if d.From.Addr().IsValid() {
		dialer.LocalAddr = &net.IPAddr{IP: d.From.Addr().AsSlice(), Zone: d.From.Addr().Zone()}
	}
	network := "ip4:icmp"
	if to.Is6() && !to.Is4In6() {
		network = "ip6:ipv6-icmp"
	}
	conn, err := dialer.DialContext(ctx, network, to.String())
	if err != nil {
		return nil, err
	}
	return messageConn{conn.(*net.IPConn)}, nil
}

// messageConn is a connection by IP whose reads leave the IP header out.
type messageConn struct{ *net.IPConn }

func (c messageConn) Read(p []byte) (int, error) {
	n, _, err := c.ReadFrom(p)
	return n, err
}

// control prepares a socket before it connects.
func (d HostDialer) control(network, _ string, socket syscall.RawConn) error {
	var failed error
	err := socket.Control(func(fd uintptr) { failed = d.prepare(int(fd), network) })
	return errors.Join(err, failed)
}

func (d HostDialer) prepare(fd int, network string) error {
	if d.Interface != "" {
		if err := unix.BindToDevice(fd, d.Interface); err != nil {
			return fmt.Errorf("bind to %s: %w", d.Interface, err)
		}
	}
	if d.Mark != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(d.Mark)); err != nil {
			return fmt.Errorf("mark packets with %d: %w", d.Mark, err)
		}
	}
	switch network {
	case "udp4", "ip4:icmp", "ip4":
		return errorsOf(fd, unix.SOL_IP, unix.IP_RECVERR)
	case "udp6", "ip6:ipv6-icmp", "ip6":
		return errorsOf(fd, unix.SOL_IPV6, unix.IPV6_RECVERR)
	}
	return nil
}

// errorsOf has the kernel tell of every ICMP error; else it keeps those to itself that may pass, such as an absent host.
func errorsOf(fd, level, option int) error {
	if err := unix.SetsockoptInt(fd, level, option, 1); err != nil {
		return fmt.Errorf("ask for ICMP errors: %w", err)
	}
	return nil
}
