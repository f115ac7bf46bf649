package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// tcpConn is a TCP connection of one check. It is what [net.Dialer] makes, without what a check has no use for: names to
// look up, several addresses to try, keepalives, a goroutine that watches the context. Of thousands of checks a second
// that is a good part of what they cost.
type tcpConn struct {
	*os.File      // which reads, writes and waits as package net does
	local, remote netip.AddrPort
}

func (c *tcpConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *tcpConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// connectTCP connects a socket that does not block, and takes it over: it is closed if there is an error, which is the
// kernel's, or says that ctx ended.
func connectTCP(ctx context.Context, fd int, to netip.AddrPort) (net.Conn, error) {
	address, err := sockaddrOf(to)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect: %w", err), unix.Close(fd))
	}
	// The request is not to wait for the acknowledgement of what went before, such as a handshake of TLS.
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return nil, errors.Join(os.NewSyscallError("setsockopt", err), unix.Close(fd))
	}
	err = unix.Connect(fd, address)
	c := &tcpConn{File: os.NewFile(uintptr(fd), "tcp"), remote: to}
	if underWay(err) {
		err = c.await(ctx, address)
	} else if err != nil {
		err = os.NewSyscallError("connect", err)
	}
	if err == nil {
		c.local, err = localOf(fd)
	}
	if err == nil && c.local == netip.AddrPortFrom(to.Addr().WithZone(""), to.Port()) {
		// The kernel chose the port that nobody listens on, and has the connection answer itself.
		err = os.NewSyscallError("connect", unix.ECONNREFUSED)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// underWay says that there is no answer yet.
func underWay(err error) bool {
	return errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EALREADY) || errors.Is(err, unix.EINTR)
}

// await waits for the answer until ctx ends.
func (c *tcpConn) await(ctx context.Context, address unix.Sockaddr) error {
	if deadline, has := ctx.Deadline(); has {
		if err := c.SetWriteDeadline(deadline); err != nil {
			return err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetWriteDeadline(time.Unix(0, 1)) }) // it is open as long as this waits
	socket, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var answer error
	err = socket.Write(func(fd uintptr) (done bool) {
		answer = outcome(int(fd), address)
		return !underWay(answer)
	})
	switch {
	case !stop():
		return ctx.Err()
	case err != nil:
		return err
	case answer != nil:
		return os.NewSyscallError("connect", answer)
	}
	return c.SetWriteDeadline(time.Time{})
}

// outcome is what came of a connect, or that it is under way. It does not lock the socket before there is an answer: the
// kernel keeps an ICMP error back that comes while it is locked.
func outcome(fd int, address unix.Sockaddr) error {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
	if err != nil {
		return err
	}
	if n == 0 {
		return unix.EALREADY
	}
	// An error that the kernel kept back is told here, and nowhere else.
	switch failed, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); {
	case err != nil:
		return err
	case failed != 0:
		return unix.Errno(failed)
	}
	return unix.Connect(fd, address) // which says whether it is connected
}

// localOf is the address that the kernel chose.
func localOf(fd int) (netip.AddrPort, error) {
	address, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	switch a := address.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)), nil
	}
	return netip.AddrPort{}, fmt.Errorf("a TCP socket has an address of type %T", address)
}

// sockaddrOf is an address as the kernel wants it. The error is of a zone that no interface has.
func sockaddrOf(a netip.AddrPort) (unix.Sockaddr, error) {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}, nil
	}
	zone, err := zoneOf(a.Addr())
	if err != nil {
		return nil, err
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port()), ZoneId: zone}, nil
}

// zoneOf is the index of the interface that the address is of, 0 for none.
func zoneOf(a netip.Addr) (uint32, error) {
	if a.Zone() == "" {
		return 0, nil
	}
	if index, err := strconv.ParseUint(a.Zone(), 10, 32); err == nil {
		return uint32(index), nil
	}
	device, err := net.InterfaceByName(a.Zone())
	if err != nil {
		return 0, fmt.Errorf("zone of %v: %w: %v", a, unix.ENODEV, err)
	}
	return uint32(device.Index), nil
}
