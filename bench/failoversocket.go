package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stampedSocket is a socket of IPv4 that does not block, whose datagrams the kernel stamps with the time as they come.
type stampedSocket struct {
	fd      int
	buffer  [256]byte
	control [64]byte
}

// openEcho opens a UDP socket, also at an address that the host does not have yet.
func openEcho(at netip.AddrPort) (*stampedSocket, error) {
	s, err := openStamped(unix.SOCK_DGRAM, unix.IPPROTO_UDP)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_FREEBIND, 1),
		unix.Bind(s.fd, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open a socket at %s: %w", at, err), s.close())
	}
	return s, nil
}

// openAdverts opens a socket that hears VRRP adverts on an interface.
func openAdverts(index int) (*stampedSocket, error) {
	const protocol = 112
	group := [4]byte{224, 0, 0, 18}
	s, err := openStamped(unix.SOCK_RAW, protocol)
	if err != nil {
		return nil, err
	}
	member := unix.IPMreqn{Multiaddr: group, Ifindex: int32(index)}
	if err := unix.SetsockoptIPMreqn(s.fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &member); err != nil {
		return nil, errors.Join(fmt.Errorf("hear VRRP adverts: %w", err), s.close())
	}
	return s, nil
}

func openStamped(kind, protocol int) (*stampedSocket, error) {
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	s := &stampedSocket{fd: fd}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return nil, errors.Join(fmt.Errorf("ask for the time of datagrams: %w", err), s.close())
	}
	return s, nil
}

func (s *stampedSocket) close() error { return unix.Close(s.fd) }

// file is the socket to be passed on, and is to be closed in its place.
func (s *stampedSocket) file() *os.File { return os.NewFile(uintptr(s.fd), "socket") }

// receive takes the next datagram, if there is one; none is left when its length is zero. The time is when it came to
// the host, on the clock that does not jump.
func (s *stampedSocket) receive() (datagram []byte, from unix.Sockaddr, at time.Time, err error) {
	n, controls, _, from, err := unix.Recvmsg(s.fd, s.buffer[:], s.control[:], 0)
	if errors.Is(err, unix.EAGAIN) {
		return nil, nil, time.Time{}, nil
	}
	if err != nil {
		return nil, nil, time.Time{}, fmt.Errorf("receive: %w", err)
	}
	now := time.Now()
	header, stamp, _, err := unix.ParseOneSocketControlMessage(s.control[:controls])
	if err != nil || header.Type != unix.SO_TIMESTAMPNS || len(stamp) < 16 {
		return nil, nil, time.Time{}, errors.Join(errors.New("a datagram without its time"), err)
	}
	seconds, nanoseconds := binary.NativeEndian.Uint64(stamp), binary.NativeEndian.Uint64(stamp[8:])
	age := now.UnixNano() - time.Unix(int64(seconds), int64(nanoseconds)).UnixNano()
	return s.buffer[:n], from, now.Add(-time.Duration(age)), nil
}

// send reports false when the kernel has no way for the datagram now: no route, no neighbour, no such source address.
func (s *stampedSocket) send(datagram []byte, to unix.Sockaddr) (bool, error) {
	err := unix.Sendto(s.fd, datagram, 0, to)
	for _, passing := range []unix.Errno{
		unix.EAGAIN, unix.ENOBUFS, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EINVAL, unix.EADDRNOTAVAIL,
	} {
		if errors.Is(err, passing) {
			return false, nil
		}
	}
	if err != nil {
		return false, fmt.Errorf("send: %w", err)
	}
	return true, nil
}

// awaitAny waits until one of the sockets has a datagram, and not longer than told.
//
// The Go runtime is not told that this thread waits: it would look for a processor that a waiting thread does not need every
// 20 us, with the priority of this process. There is nobody else in it who needs one.
func awaitAny(most time.Duration, sockets ...*stampedSocket) error {
	waiting := make([]unix.PollFd, len(sockets))
	for i, s := range sockets {
		waiting[i] = unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN}
	}
	timeout := unix.NsecToTimespec(int64(max(0, most)))
	_, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&waiting[0])), uintptr(len(waiting)),
		uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
	if errno != 0 && errno != unix.EINTR {
		return fmt.Errorf("wait for datagrams: %w", errno)
	}
	return nil
}
